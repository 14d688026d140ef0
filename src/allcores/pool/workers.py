"""The parent's side of workers: the server that starts them, and of each its channel and what it was given.

Called by allcores.pool.scheduler, under its lock.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from allcores.pool import board, channels, server, worker_main
from allcores.pool.channels import Reader, Writer, frame

if TYPE_CHECKING:
    from allcores.pool.tasks import Work

METHODS = ("forkserver", "spawn", "fork")
_CAPS = ("ALLCORES_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
         "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")  # fmt: skip


class Server:
    """The process that starts workers, from here: a socket, and the process to wait for."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.sock, theirs = socket.socketpair()
        self.process: subprocess.Popen[bytes] | None = None
        self.pid = 0
        try:
            if method == "fork":
                self.pid = self._fork(theirs)
            else:
                self._launch(theirs)
        except BaseException:
            self.sock.close()
            raise
        finally:
            theirs.close()
        self.sock.setblocking(False)
        self.reader, self.writer = Reader(self.sock), Writer(self.sock)

    def _launch(self, theirs: socket.socket) -> None:
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        # -P: a file of the current folder must not stand for a module of the standard library.
        command = [sys.executable, *flags, "-P", "-c", worker_main.bootstrap("server"), str(theirs.fileno())]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def _fork(self, theirs: socket.socket) -> int:
        # The watcher of maps has no part in workers, and nothing that is needed there.
        known = {threading.current_thread(), *(t for t in threading.enumerate() if t.name == "allcores-watcher")}
        others = [thread.name for thread in threading.enumerate() if thread not in known]
        if others:
            raise RuntimeError(
                f"start_method='fork' is not safe while other threads run, here {', '.join(sorted(others))}: "
                "a lock that one of them holds would stay locked in the workers; use 'forkserver'"
            )
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        try:
            self.sock.close()
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.close(null)
            server.main(theirs.detach(), fork_method=True)
        finally:
            os._exit(0)

    def close(self) -> None:
        """Let the server end and wait for it; it kills what is left of its workers first."""
        self.reader.close()
        self.writer.close()
        self.sock.close()
        if self.process is not None:
            self.process.wait()
            self.process = None
        elif self.pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self.pid = 0

    def forget(self) -> None:
        """Close what a forked child of this process has inherited."""
        self.sock.close()
        if self.process is not None:
            self.process.returncode = 0  # not a child of this process: nothing to wait for
            self.process = None


class Worker:
    """One worker, from here."""

    def __init__(self, number: int, server: Server, settings: bytes) -> None:
        self.number = number
        self.server = server
        self.pid = 0
        self.running: Work | None = None
        self.ahead: Work | None = None  # sent, and to be taken by whoever reads the claim first
        self.done = 0
        self.defined = 0  # the map whose function it has
        self.ready = False
        self.reading = threading.Lock()  # held by who reads and hears what it sends
        self.attended = False  # by a thread that waits for its answer: the selector thread does not listen to it
        self.leaving = False
        self.ended = False  # nothing comes from it any more
        self.status: int | None = None
        self.killed = ""  # why we ended it
        self.killed_for = 0  # the task that was to end
        self.idle_since = time.monotonic()
        self.give_up = float("inf")  # when not to wait for its exit any longer
        self.sock, theirs = socket.socketpair()
        self.claims: list[int] = []
        self.turn = 0  # the counter that has the claim of the task ahead
        descriptors: list[int] = []
        try:
            descriptors.append(theirs.detach())
            for _ in channels.CLAIMS:
                if hasattr(os, "eventfd"):
                    self.claims.append(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))
                    descriptors.append(os.dup(self.claims[-1]))
                else:
                    descriptors.append(os.dup(descriptors[0]))  # not used there: nothing is sent ahead
            descriptors.append(board.new())
            self.board = board.mapped(descriptors[-1])
        except BaseException:
            for descriptor in descriptors:
                os.close(descriptor)
            self.close()
            raise
        self.sock.setblocking(False)
        self.poll = select.poll()
        self.poll.register(self.sock, select.POLLIN)
        self.reader, self.writer = Reader(self.sock), Writer(self.sock)
        method = b"spawn" if server.method == "spawn" else b"fork"
        server.writer.send(frame(channels.SPAWN, number, method, descriptors=4), descriptors)
        self.writer.send(frame(channels.SETUP, 0, settings))

    def claim(self, flag: int, serial: int) -> None:
        """Note that a task goes out which either side may take."""
        os.eventfd_write(self.claims[channels.CLAIMS.index(flag)], serial)

    def next_claim(self) -> int:
        """Return the flag of a message that is sent ahead."""
        self.turn = 1 - self.turn
        return channels.CLAIMS[self.turn]

    def unused_claim(self) -> None:
        """Note that the message was not sent after all, or its claim taken back: the next one gets the same counter."""
        self.turn = 1 - self.turn

    def take_back(self) -> bool:
        """Take the claim of the task that is ahead; False when the worker was first."""
        try:
            os.eventfd_read(self.claims[self.turn])
        except BlockingIOError:
            return False
        return True

    def begun(self, serial: int) -> bool:
        """Whether the worker has started to load this message."""
        return self.board[board.BEGUN] == serial

    def time_is_up(self, work: Work, now: float) -> bool:
        """Whether a task has run for its timeout; else its deadline is set to when it may have."""
        assert work.timeout is not None
        # Before the worker has started, or while it imports what the task needs, time does not count.
        since = self.board[board.SINCE] / 1e9 if self.begun(work.serial) else now
        work.deadline = min(since, now) + work.timeout
        return work.deadline <= now

    def items(self) -> range:
        """Return the items of a chunk of which one runs; none between items, and for a single call."""
        word = self.board[board.ITEM]
        if word == board.NOTHING:
            return range(0)
        count, first = divmod(word, 1 << board.COUNT_SHIFT)
        return range(first, first + count)

    def kill(self, why: str, work: Work | None = None) -> None:
        """Have the server end the worker at once, because of `work`."""
        if not self.killed:
            self.killed = why
            self.killed_for = 0 if work is None else work.serial
            self.give_up = min(self.give_up, time.monotonic() + 5.0)
        with contextlib.suppress(OSError):
            self.server.writer.send(frame(channels.KILL, self.number))

    def phase(self) -> str:
        """Say what it is at; told of a dead one in tests."""
        if self.reader.phase:
            return self.reader.phase
        if self.running is None:
            return "idle"
        return "computing" if self.begun(self.running.serial) else "receiving"

    def close(self) -> None:
        """Give back all descriptors."""
        if hasattr(self, "reader"):
            self.reader.close()
            self.writer.close()
        self.sock.close()
        while self.claims:
            os.close(self.claims.pop())


def capped(environ: dict[str, str], share: int) -> dict[str, str]:
    """Return an environment in which libraries use at most `share` threads."""
    result = dict(environ)
    for name in _CAPS:
        try:
            present = int(result.get(name, "").split(",")[0])
        except ValueError:
            present = share
        result[name] = str(max(1, min(present, share)))
    return result


def ooms() -> int:
    """Return how often the kernel has killed for want of memory in this process's control groups."""
    total = 0
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers not in {"", "memory"}:
                continue
            mount = Path("/sys/fs/cgroup") / controllers
            name = "memory.oom_control" if controllers else "memory.events"
            folder = mount / path.lstrip("/")
            # In a container the path may be the host's, which is not mounted here: the mount's own root always is.
            for group in (folder, mount):
                with contextlib.suppress(OSError, ValueError):
                    lines = dict(line.split() for line in (group / name).read_text().splitlines())
                    total += int(lines.get("oom_kill", 0))
                    break
    return total


def describe(status: int | None) -> str:
    """Return how a worker ended, in words."""
    if status is None:
        return "ended"
    if status >= 0:
        return f"exited with code {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
