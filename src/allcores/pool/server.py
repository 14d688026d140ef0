r"""The process that starts workers, and ends them when their user is gone; started by allcores.pool.workers.

    program --control socket-- server --fork (or fork and exec)--> worker, worker, ...
       \\____________________ one socketpair a worker ______________/

It has one thread and waits for nothing but its socket and its children. When the program dies, however it dies, the
control socket ends and the server kills all workers, also those that compute in C and look at nothing. When the
server dies, the kernel kills them: PR_SET_PDEATHSIG watches the thread that forked, and the server's only thread
lives as long as it. Lean: imports nothing of NumPy, nor what `import allcores` would.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import traceback

from allcores.pool import worker_main
from allcores.pool.channels import EXITED, KILL, SPAWN, STARTED, Reader, Writer, frame

_PR_SET_PDEATHSIG = 1


def main(control_descriptor: int, fork_method: bool = False) -> None:
    """Serve until the program closes its end; returns in the server only, workers end in `_worker`."""
    control = socket.socket(fileno=control_descriptor)
    woken, waker = socket.socketpair()
    for end in (woken, waker):
        end.setblocking(False)
    # Ctrl-C goes to all processes of a terminal; what becomes of tasks is the program's choice.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    control.setblocking(False)
    children: dict[int, int] = {}  # process: worker
    reader, writer = Reader(control, with_descriptors=True), Writer(control)
    poller = select.poll()
    poller.register(woken, select.POLLIN)
    poller.register(control, select.POLLIN)
    try:
        while True:
            for descriptor, _ in poller.poll():
                if descriptor == woken.fileno():
                    with contextlib.suppress(BlockingIOError):
                        woken.recv(4096)
                    _reap(children, writer)
                else:
                    for request in reader.read():
                        if request.kind == SPAWN:
                            pid = _start(request.descriptors, bytes(request.payload) == b"spawn", fork_method,
                                         (control, woken, waker))  # fmt: skip
                            for passed in request.descriptors:
                                os.close(passed)
                            if pid:
                                children[pid] = request.serial
                                writer.send(frame(STARTED, request.serial, pid.to_bytes(8, "little")))
                            else:
                                writer.send(frame(EXITED, request.serial, (255).to_bytes(8, "little", signed=True)))
                        elif request.kind == KILL:
                            for pid, worker in children.items():
                                if worker == request.serial:
                                    os.kill(pid, signal.SIGKILL)  # not reaped yet: the number is still its own
            poller.modify(control, select.POLLIN if writer.flush() else select.POLLIN | select.POLLOUT)
    except (BlockingIOError, EOFError, OSError):
        pass  # the program has ended, or is done with us
    finally:
        signal.set_wakeup_fd(-1)
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        for pid in children:
            os.waitpid(pid, 0)


def _reap(children: dict[int, int], writer: Writer) -> None:
    """Report the children that have ended."""
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        if pid in children:
            code = os.waitstatus_to_exitcode(status)
            writer.send(frame(EXITED, children.pop(pid), code.to_bytes(8, "little", signed=True)))


def _start(descriptors: list[int], execute: bool, fork_method: bool, ours: tuple[socket.socket, ...]) -> int:
    """Return the process of a new worker, 0 if the system gives none."""
    server = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        pid = os.fork()
    except OSError:
        return 0
    if pid:
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in ours:
            end.close()
        _die_with(server)
        if execute:
            for descriptor in descriptors:
                os.set_inheritable(descriptor, True)
            arguments = ",".join(str(descriptor) for descriptor in descriptors)
            os.execv(sys.executable, [*sys.orig_argv[:-2], worker_main.bootstrap("worker_main"), arguments])
        sock, first, second, board = descriptors
        code = worker_main.main(sock, first, second, board, fork_method)
    except BaseException:  # noqa: BLE001  nothing may get out of here: above is the server's own loop
        traceback.print_exc()
    finally:
        os._exit(code)


def _die_with(server: int) -> None:
    """Have the kernel kill this process when the server ends, where it can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != server:
        os._exit(1)
