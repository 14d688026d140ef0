"""A worker: takes tasks from its socket, one after the other, and sends what becomes of them.

Lean: NumPy, and `allcores` itself, are imported when a task needs them, after the environment has its limits of
threads. This module runs under a stand-in of the package (see `bootstrap`), so it imports from allcores.pool only.
"""

from __future__ import annotations

import atexit
import contextlib
import marshal
import os
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from allcores.pool import channels
from allcores.pool.board import BEGUN, COUNT_SHIFT, ITEM, NOTHING, SINCE, mapped
from allcores.pool.buffers import pack, unpack
from allcores.pool.channels import Frame, Reader, Writer, frame
from allcores.pool.output import Capture
from allcores.pool.pickling import dumps, loads

_SMALL, _MOST = 3e-6, 64  # seconds of an item below which several run between two looks at the clock, and how many
_IMPORTING = 60 * 10**9  # nanoseconds after which a task that is still being loaded begins to run out of time
_SEND_EVERY = 0.05  # seconds after which the finished items of a chunk go out

_BOOTSTRAP = """
import sys, types
for name, path in (("allcores", {package!r}), ("allcores.pool", {pool!r})):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
import allcores.pool.{module} as module
for name in [name for name in sys.modules if name.partition(".")[0] == "allcores"]:
    del sys.modules[name]
sys.exit(module.main(*map(int, sys.argv[1].split(","))))
"""


def bootstrap(module: str) -> str:
    """Return a program for `python -c` that runs a module of this folder without importing all of `allcores`.

    The stand-in goes away before tasks run: one that imports `allcores` gets the whole.
    """
    pool = Path(__file__).parent
    return _BOOTSTRAP.format(package=str(pool.parent), pool=str(pool), module=module)


class Worker:
    """One worker's channel and what it remembers between messages."""

    def __init__(self, sock: socket.socket, claims: tuple[int, int], board: int) -> None:
        self.sock = sock
        self.claims = claims
        self.reader, self.writer = Reader(sock), Writer(sock)
        self.board = mapped(board)
        os.close(board)
        self.claimed = [0, 0]
        self.function: Callable[..., Any] | None = None  # of the map that chunks are of
        self.function_error = ""
        self.sending = threading.Lock()
        self.capture: Capture | None = None  # what tasks print, if it is forwarded

    def send(self, kind: int, serial: int, payload: bytes, sizes: Sequence[int] = (), handle: bytes = b"") -> None:
        """Send one message, behind what was printed before it; EOFError when the parent is gone."""
        if self.capture is not None:
            self.capture.flush()
        with self.sending:
            self._send(frame(kind, serial, payload, sizes, handle))

    def _send(self, pieces: list[memoryview]) -> None:
        try:
            self.writer.send(pieces)
        except OSError as error:
            raise EOFError from error

    def claim(self, turn: bool, serial: int) -> bool:
        """Take the task that was sent ahead, unless the parent has taken it back."""
        if self.claimed[turn] != serial:
            with contextlib.suppress(BlockingIOError):
                self.claimed[turn] = os.eventfd_read(
                    self.claims[turn]
                )  # perhaps that of a later task: it is remembered
        return self.claimed[turn] == serial

    def begin(self, serial: int) -> None:
        """Note what is worked on. That modules are imported for it first is not a part of a task's time."""
        self.board[SINCE] = time.monotonic_ns() + _IMPORTING
        self.board[BEGUN] = serial

    def run(self, message: Frame) -> None:
        """Run one task."""
        serial = message.serial
        self.begin(serial)
        try:
            function, arguments, keywords = load(message)
        except BaseException as error:  # noqa: BLE001  anything may be raised by what is loaded
            self.send(channels.BAD_TASK, serial, failure(error))
            return
        self.board[SINCE] = time.monotonic_ns()
        try:
            value = function(*arguments, **keywords)
        except BaseException as error:  # noqa: BLE001  SystemExit too: it is the task that ends
            kind, payload = raised(error)
            self.send(kind, serial, payload)
            return
        try:
            answer = encoded(value)
        except BaseException as error:  # noqa: BLE001
            self.send(channels.BAD_RESULT, serial, failure(error))
        else:
            self.send(channels.RESULT, serial, *answer)

    def define(self, message: Frame) -> None:
        """Load the function of a map."""
        self.board[ITEM] = NOTHING
        self.begin(message.serial)
        try:
            self.function, self.function_error = load(message), ""
        except BaseException as error:  # noqa: BLE001
            self.function, self.function_error = None, marshal.loads(failure(error))

    def chunk(self, message: Frame) -> None:
        """Run some items of a map; what is finished goes out now and then."""
        serial, board, function = message.serial, self.board, self.function
        board[ITEM] = NOTHING
        self.begin(serial)
        try:
            start, spread, items = load(message, private=True)
        except BaseException as error:  # noqa: BLE001
            self.send(channels.BAD_TASK, serial, failure(error))
            return
        if function is None:
            self.send(channels.BAD_TASK, serial, marshal.dumps(self.function_error))
            return
        clock = time.perf_counter
        began = before = clock()
        send_at = began + _SEND_EVERY
        values: list[Any] = []
        errors: dict[int, Any] = {}
        first = index = start  # first: of those that were not sent yet
        stop = start + len(items)
        board[SINCE] = time.monotonic_ns()
        size = 1  # small items run in batches: to say for each that it runs, and to look at the clock, takes as long
        while index < stop:
            batch = items[index - start : index - start + size]
            board[ITEM] = index | len(batch) << COUNT_SHIFT
            append = values.append
            try:
                if spread:
                    for item in batch:
                        append(function(*item))
                else:
                    for item in batch:
                        append(function(item))
            except BaseException as error:  # noqa: BLE001
                errors[first + len(values)] = raised(error)
                append(None)
            index = first + len(values)
            now = clock()
            size = min(2 * size, _MOST) if now - before < _SMALL * size else max(1, size // 2)
            before = now
            if now > send_at and index < stop:
                board[ITEM] = NOTHING
                self.send_part(channels.PART, serial, first, values, errors, now - began)
                first, values, errors = index, [], {}
                before = clock()
                send_at = before + _SEND_EVERY
        board[ITEM] = NOTHING
        self.send_part(channels.RESULT, serial, first, values, errors, clock() - began)

    def send_part(
        self, kind: int, serial: int, first: int, values: list[Any], errors: dict[int, Any], seconds: float
    ) -> None:
        """Send the values of some items; one that does not pickle becomes that item's error."""
        try:
            answer = encoded((first, values, errors, seconds))
        except BaseException:  # noqa: BLE001
            for at, value in enumerate(values):
                try:
                    dumps(value)
                except BaseException as error:  # noqa: BLE001
                    values[at] = None
                    errors[first + at] = (channels.BAD_RESULT, failure(error))
            answer = encoded((first, values, errors, seconds))
        self.send(kind, serial, *answer)

    def serve(self) -> int:
        """Work until the parent says so, or is gone."""
        while True:
            messages = self.reader.read()
            while messages:
                message = messages.pop(0)  # what a task was sent must not live until the next one
                kind = message.kind
                if kind >= channels.CLAIMS[0]:
                    turn = kind >= channels.CLAIMS[1]
                    kind -= channels.CLAIMS[turn]
                    if not self.claim(turn, message.serial):
                        continue
                if kind == channels.TASK:
                    self.run(message)
                elif kind == channels.MAP:
                    self.chunk(message)
                elif kind == channels.DEFINE:
                    self.define(message)
                elif kind == channels.EXIT:
                    return 0
                elif kind == channels.SETUP and not self.set_up(message):
                    return 1

    def set_up(self, message: Frame) -> bool:
        """Take over the program's surroundings and call its initializer."""
        settings = marshal.loads(message.payload)
        os.environ.clear()
        os.environ.update(settings["environ"])
        with contextlib.suppress(OSError):
            os.chdir(settings["folder"])
        if settings["path"]:
            sys.path[:] = settings["path"]
            sys.argv[:] = settings["argv"]
        if settings["output"] is not None:
            levels = settings["levels"]
            self.capture = Capture(lambda text: self._send(frame(channels.OUTPUT, 0, text)), self.sending, levels)
        if settings["initializer"]:
            try:
                function, arguments = pickle.loads(settings["initializer"])
                function(*arguments)
            except BaseException as error:  # noqa: BLE001
                self.send(channels.INITIALIZER, 0, failure(error))
                return False
        self.send(channels.READY, 0, b"")
        return True


def encoded(obj: object) -> tuple[bytes, list[int], bytes]:
    """Return an object as payload, sizes of its buffers and the handle of what has them."""
    payload, buffers = dumps(obj)
    if not buffers:
        return payload, [], b""
    return payload, [buffer.nbytes for buffer in buffers], pack(buffers).handle()


def load(message: Frame, private: bool = False) -> Any:
    """Return the object that a message carries."""
    if not message.sizes:
        return loads(message.payload, [])
    return loads(message.payload, unpack(message.handle, message.sizes, private))


def trace(error: BaseException) -> str:
    """Return the traceback below this module's frame."""
    below = error.__traceback__.tb_next if error.__traceback__ else None
    return "".join(traceback.format_exception(type(error), error, below or error.__traceback__))


def failure(error: BaseException) -> bytes:
    """Return an error of pickling as text, message and traceback."""
    return marshal.dumps((f"{type(error).__name__}: {error}", trace(error)))


def raised(error: BaseException) -> tuple[int, bytes]:
    """Return what the parent makes an error that a task raised of."""
    text = trace(error)
    error.__traceback__ = None
    try:
        payload, _ = dumps(error, inline=True)
        return channels.RAISED, pickle.dumps((payload, text))
    except BaseException as problem:  # noqa: BLE001
        message = f"{type(error).__name__} cannot be pickled: {type(problem).__name__}: {problem}"
        return channels.BAD_RESULT, marshal.dumps((message, text))


def main(sock: int, first: int, second: int, board: int, forked_program: bool = False) -> int:
    """Run a worker on these descriptors until its parent lets it go."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if forked_program:
        atexit._clear()  # the program's own are not for its workers
    else:
        sys.modules["__main__"] = ModuleType("__main__")
    for descriptor in (sock, first, second, board):
        os.set_inheritable(descriptor, False)
    worker = Worker(socket.socket(fileno=sock), (first, second), board)
    # A child that a task forks must not answer in its place, nor keep the channel open.
    os.register_at_fork(after_in_child=worker.sock.close)
    code = 0
    with contextlib.suppress(EOFError, ConnectionError):  # the parent is gone
        code = worker.serve()
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    if worker.capture is not None:
        worker.capture.close()
    return code
