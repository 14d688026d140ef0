r"""What tasks print, log and warn of, on its way from a worker to the program.

    print, logging, warnings --> Capture: a list --(every 50 ms, and before each result)--> channel
    channel --> Printer: its thread --> sys.stdout, sys.stderr, the logger of the same name, warnings

A worker has at most 64 KiB of it, and then waits until the program has taken it. The program's thread that hears the
workers waits for the Printer, so that what a task printed is there when its result is; but not for long: whoever holds
up standard output does not hold up the pool. Called by allcores.pool.worker_main and .scheduler. Lean: `logging` is
imported in neither process, unless a task does.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import io
import marshal
import os
import pickle
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    import logging
    from types import ModuleType

OUT, ERR, LOG, WARNING = 0, 1, 2, 3
_SECONDS = 0.05  # between two messages while a task runs
_MOST = 1 << 16  # characters in a message
_PATIENCE = 1.0  # seconds that results wait for a standard output that does not take anything
_QUEUED = 1 << 22  # bytes that wait for it; further ones are dropped
_SIMPLE = (str, int, float, bool, type(None))
_KNOWN = 10_000  # warnings


# ---- in a worker -----------------------------------------------------------------------------------------------------


class Capture:
    """Stands where a worker's tasks write to."""

    def __init__(self, send: Callable[[bytes], object], sending: threading.Lock, levels: dict[str, int] | None) -> None:
        self._send = send  # called with `sending` held
        self._sending = sending
        self._sender = 0  # the thread that holds it to send what is here
        self._lock = threading.RLock()  # an object's end may print while its thread is in here
        self._entries: list[tuple[int, Any]] = []
        self._size = 0
        self._sent = 0.0
        self._due = threading.Event()
        self._thread: threading.Thread | None = None
        self._levels = levels
        self.process = os.getpid()
        sys.stdout = _Stream(self, OUT, sys.stdout)
        sys.stderr = _Stream(self, ERR, sys.stderr)
        hooks = {"logging": self._hook_logging, "warnings": self._hook_warnings}
        for name, hook in list(hooks.items()):
            if name in sys.modules:
                hook(sys.modules[name])
                del hooks[name]
        if hooks:
            sys.meta_path.insert(0, _Finder(hooks))  # type: ignore[arg-type]

    def write(self, kind: int, text: str) -> None:
        """Take some text, and send what there is if it is time to."""
        for at in range(0, len(text), _MOST):
            piece = text[at : at + _MOST]
            self.add(kind, piece, len(piece), piece.endswith("\n"))

    def add(self, kind: int, entry: Any, size: int, whole: bool = True) -> None:
        """Take an entry, and send what there is if it is time to; not yet if it is not the whole of a line."""
        with self._lock:
            self._entries.append((kind, entry))
            self._size += size
        if self._size >= _MOST or (whole and time.monotonic() > self._sent + _SECONDS):
            self.flush()
        elif not self._due.is_set():
            self._due.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._flush_late, name="allcores-output", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Send what there is."""
        if not self._entries or self._sender == threading.get_ident():
            return
        with self._sending:
            self._sender = threading.get_ident()
            try:
                with self._lock:
                    entries, self._entries, self._size = self._entries, [], 0
                if entries:
                    self._sent = time.monotonic()
                    with contextlib.suppress(EOFError):  # the program is gone; `serve` is about to notice
                        self._send(marshal.dumps(_merged(entries)))
            finally:
                self._sender = 0

    def close(self) -> None:
        """Send what there is, and put back what was there before."""
        self.flush()
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, _Stream):
                setattr(sys, name, stream._original)

    def _flush_late(self) -> None:
        while True:
            self._due.wait()
            time.sleep(_SECONDS)
            self._due.clear()
            self.flush()

    def _hook_logging(self, module: ModuleType) -> None:
        """Give all records to the program, at its levels; what a forked worker has inherited of handlers is the
        program's.
        """
        logging: Any = module
        capture = self

        class Handler(logging.Handler):  # type: ignore[misc]
            def emit(self, record: logging.LogRecord) -> None:
                if os.getpid() != capture.process:  # a process that a task has forked
                    if logging.lastResort and record.levelno >= logging.lastResort.level:
                        logging.lastResort.handle(record)
                    return
                try:
                    entry = _of_record(record)
                except Exception:  # noqa: BLE001  as all handlers of logging do
                    self.handleError(record)
                else:
                    capture.add(LOG, entry, len(str(entry[0]["msg"])) + len(entry[1]) + 1000)

        for logger in list(logging.root.manager.loggerDict.values()):
            if isinstance(logger, logging.Logger):
                logger.handlers.clear()
        logging.root.handlers[:] = [Handler()]
        for name, level in (self._levels or {}).items():
            logging.getLogger(name or None).setLevel(level)

    def _hook_warnings(self, module: ModuleType) -> None:
        """Give all warnings to the program; its filters decide, and `-W` before."""
        warnings: Any = module
        shown = warnings.showwarning

        def show(message: Warning, category: type[Warning], filename: str, lineno: int, *rest: Any) -> None:
            if os.getpid() != self.process or any(one is not None for one in rest):
                shown(message, category, filename, lineno, *rest)
                return
            name = next((name for name, one in list(sys.modules.items()) if _file(one) == filename), None)
            kinds = [f"{kind.__module__}:{kind.__qualname__}" for kind in category.__mro__ if issubclass(kind, Warning)]
            self.add(WARNING, (str(message), kinds, filename, lineno, name), len(str(message)) + 1000)

        warnings.showwarning = show
        if not sys.warnoptions:
            warnings.simplefilter("default")


class _Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a worker; in a process that a task forks, what they were before."""

    def __init__(self, capture: Capture, kind: int, original: TextIO) -> None:
        self._capture = capture
        self._kind = kind
        self._original = original

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if os.getpid() != self._capture.process:
            return self._original.write(text)
        if text:
            self._capture.write(self._kind, text)
        return len(text)

    def flush(self) -> None:
        self._original.flush()  # of what was written to its `buffer`

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._original.fileno()

    def isatty(self) -> bool:
        return False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._original.encoding

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _Finder:
    """Finds modules as they are found, but calls something once they are imported."""

    def __init__(self, hooks: dict[str, Callable[[ModuleType], None]]) -> None:
        self._hooks = hooks

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002
        hook = self._hooks.pop(name, None)
        if hook is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            hook(module)

        loader.exec_module = exec_module
        return spec


def _merged(entries: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Return the entries with neighbouring texts of one stream as one."""
    found: list[tuple[int, Any]] = []
    for kind, entry in entries:
        if found and kind == found[-1][0] <= ERR:
            found[-1] = kind, found[-1][1] + entry
        else:
            found.append((kind, entry))
    return found


def _file(module: Any) -> Any:
    return getattr(module, "__dict__", {}).get("__file__")


def _of_record(record: logging.LogRecord) -> tuple[dict[str, Any], bytes]:
    """Return a record as plain values with the message as text, and the pickle of what that leaves out."""
    fields = dict(record.__dict__)
    if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
        fields["exc_text"] = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    fields["exc_info"] = None
    plain = {name: value for name, value in fields.items() if type(value) in _SIMPLE}
    rest = {name: value for name, value in fields.items() if name not in plain}
    if rest == {"args": ()}:
        return plain, b""
    rest["msg"] = fields["msg"]
    plain["msg"] = record.getMessage()
    try:
        return plain, pickle.dumps(rest)
    except Exception:  # noqa: BLE001  anybody's __reduce__: the message is text then, as with logging's QueueHandler
        return plain, b""


def levels() -> dict[str, int] | None:
    """Return the levels that loggers of this process have, by name; None while nothing has imported `logging`."""
    logging: Any = sys.modules.get("logging")
    if logging is None:
        return None
    found = {"": logging.root.level}
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if getattr(logger, "level", 0):
            found[name] = logger.level
    return found


# ---- in the program --------------------------------------------------------------------------------------------------


class Printer:
    """What an executor's workers write, put where the program's own goes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[tuple[int, bytes]] = deque()
        self._size = 0  # of the queue, in bytes
        self._put = self._done = 0  # messages
        self._dropped = 0
        self._stuck = False  # nobody waits for it
        self._closed = False
        self._thread: threading.Thread | None = None
        self._open: dict[int, int] = {}  # stream: the worker whose line has no end yet
        self._warned: set[Any] = set()
        self._registries: dict[str, dict[Any, Any]] = {}

    def take(self, worker: int, payload: bytes) -> None:
        """Take a message, and wait until it is printed."""
        with self._changed:
            if self._size > _QUEUED or self._closed:
                self._dropped += 1
                return
            self._queue.append((worker, payload))
            self._size += len(payload)
            self._put += 1
            turn = self._put
            here = self._thread is None and not self._start()
            self._changed.notify_all()
            if not here and not self._stuck and not self._changed.wait_for(lambda: self._done >= turn, _PATIENCE):
                self._stuck = True
        if here:
            while self._queue:
                self._next()

    def close(self) -> None:
        """Let its thread end when all is printed, and wait for that, but not for long."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE)

    def _start(self) -> bool:
        """Start the thread; False where the interpreter is ending and starts none."""
        thread = threading.Thread(target=self._run, name="allcores-printer", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return
            self._next()

    def _next(self) -> None:
        """Print the oldest message."""
        with self._changed:
            if not self._queue:  # where there is no thread, whoever takes a message prints
                return
            worker, payload = self._queue.popleft()
            self._size -= len(payload)
            dropped, self._dropped = self._dropped, 0
        if dropped:
            self._text(ERR, worker, f"{dropped} messages of workers were dropped: nothing took what they print\n")
        for kind, entry in marshal.loads(payload):
            try:
                self._print(worker, kind, entry)
            except Exception:  # noqa: BLE001  a filter's or a handler's of logging: as logging does with them
                self._text(ERR, worker, traceback.format_exc())
        with self._changed:
            self._done += 1
            self._stuck = self._stuck and bool(self._queue)
            self._changed.notify_all()

    def _print(self, worker: int, kind: int, entry: Any) -> None:
        if kind == LOG:
            import logging

            plain, pickled = entry
            fields = {"args": (), **plain}
            if pickled:
                with contextlib.suppress(Exception):  # anybody's __setstate__: the message is text then
                    fields.update(pickle.loads(pickled))
            record = logging.makeLogRecord(fields)
            record.worker = worker
            logger = logging.getLogger(record.name)
            if logger.isEnabledFor(record.levelno):
                logger.handle(record)
        elif kind == WARNING:
            self._warn(worker, *entry)
        else:
            self._text(kind, worker, entry)

    def _warn(self, worker: int, text: str, kinds: list[str], filename: str, lineno: int, module: str | None) -> None:
        import warnings

        key = text, kinds[0], filename, lineno
        if key in self._warned:
            return
        if len(self._warned) >= _KNOWN:
            self._warned.clear()
        self._warned.add(key)
        category: type[Warning] = Warning
        for kind in kinds:  # the nearest that is known here: the program need not have imported its module
            where, _, name = kind.partition(":")
            found = getattr(sys.modules.get(where), name, None)
            if isinstance(found, type) and issubclass(found, Warning):
                category = found
                break
        registry = self._registries.setdefault(filename, {})
        module = module or filename.removesuffix(".py")  # as warnings does; None would be nothing to it
        try:
            warnings.warn_explicit(text, category, filename, lineno, module, registry)
        except Warning:  # a filter makes errors of them, and this is nowhere to raise one
            self._text(ERR, worker, warnings.formatwarning(text, category, filename, lineno))

    def _text(self, kind: int, worker: int, text: str) -> None:
        """Write lines with the worker's number before each."""
        before = self._open.pop(kind, None)
        body = text.removesuffix("\n")
        end = text[len(body) :]
        if not end:
            self._open[kind] = worker
        mark = f"[worker {worker}] "
        start = "" if before == worker else mark if before is None else "\n" + mark
        self._write(kind, start + body.replace("\n", "\n" + mark) + end)

    def _write(self, kind: int, text: str) -> None:
        stream = sys.stdout if kind == OUT else sys.stderr
        # Closed, full, None in a program without a console: nobody is there to be told, and tasks are not to suffer.
        with contextlib.suppress(Exception):
            try:
                stream.write(text)
            except UnicodeEncodeError as error:
                stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
            stream.flush()
