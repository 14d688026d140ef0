"""What the scheduler hands to workers: single calls with a future here, chunks of a map in .jobs; and what they answer.

Called by allcores.pool.executor (makes them) and .scheduler (runs them). Methods that say "locked" are called with the
scheduler's lock held and call nothing of the user's.
"""

from __future__ import annotations

import marshal
import pickle
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

from allcores.pool import channels
from allcores.pool.buffers import pack
from allcores.pool.channels import Frame, frame
from allcores.pool.errors import PoolError, RemoteTraceback, UnpicklableResult, UnpicklableTask
from allcores.pool.pickling import loads

if TYPE_CHECKING:
    from allcores.pool.scheduler import Scheduler
    from allcores.pool.workers import Worker


class PoolFuture(Future[Any]):
    """A `concurrent.futures.Future` that can also end the task that runs."""

    _task: Call | None = None
    _scheduler: Scheduler | None = None

    def cancel(self) -> bool:
        """Cancel the call if it has not started; False if it runs or is done."""
        task, scheduler = self._task, self._scheduler
        if task is not None and scheduler is not None and not scheduler.take_back(task):
            return False
        if not super().cancel():
            return False
        self._task = None
        with self._condition:
            if self._state == "CANCELLED":  # tell those who wait, now rather than when its turn would come
                self.set_running_or_notify_cancel()
        return True

    def result(self, timeout: float | None = None) -> Any:
        """Return what the call returns, or raise what it raises; TimeoutError after `timeout` seconds."""
        self._attend(timeout)
        return super().result(timeout)

    def _result_or_end(self) -> Any:
        """As `result`; Ctrl-C ends the call, as nobody else has this future."""
        try:
            return self.result()
        except BaseException:
            self.kill()  # nothing, of a call that is done
            raise

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return what the call raises, None if it does not; TimeoutError after `timeout` seconds."""
        self._attend(timeout)
        return super().exception(timeout)

    def _attend(self, timeout: float | None) -> None:
        task, scheduler = self._task, self._scheduler
        if task is not None and scheduler is not None and (timeout is None or timeout > 0.1):
            scheduler.attend(task)

    def kill(self) -> bool:
        """End the call, also when it runs: then by ending its worker, and the future raises `TaskKilled`.

        Returns
        -------
        bool
            Whether there was something to end; False for a call that is done.
        """
        if self.cancel():
            return True
        return self._task is not None and self._scheduler is not None and self._scheduler.kill(self._task)

    def _begin(self) -> bool:
        """Go from pending to running; False when the call is cancelled."""
        with self._condition:
            if self._state != "PENDING":
                return False
            return self.set_running_or_notify_cancel()


class Messages(NamedTuple):
    """What a worker is sent."""

    pieces: list[list[memoryview]]  # of each message
    kept: object = None  # shared memory that they name: it may go when this is dropped


class Work:
    """What a worker can be given."""

    heavy = True  # preparing its message takes time, or calls code of the user's
    name = ""

    def __init__(self) -> None:
        self.serial = 0
        self.sent = False
        self.moves = 0  # how often it was given to a worker that died before it began
        self.timeout: float | None = None
        self.deadline = float("inf")
        self.retries = 0
        self.killed = False
        self.worker: Worker | None = None  # that has it as the running one, or had
        self.kept: object = None  # of the messages that were sent

    def begin(self) -> bool:
        """Note that it runs from now on; False if nobody wants it any more. Locked."""
        raise NotImplementedError

    def wanted(self) -> bool:
        """Whether it is still to be run. Locked."""
        raise NotImplementedError

    def messages(self, serial: int, claim: int, define: bool) -> Messages:
        """Return the messages that it takes; with `define`, the function of a map goes first.

        Two threads may be here at once, for two workers, of which only the later one gets it.
        """
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        """End with an error."""
        raise NotImplementedError

    def answer(self, message: Frame) -> bool:
        """Take a message of its worker's. Returns True when part of the work is to be queued again."""
        raise NotImplementedError


class Call(Work):
    """One call with its future."""

    def __init__(
        self,
        future: PoolFuture,
        payload: bytes,
        buffers: list[memoryview],
        held: object,
        name: str,
        timeout: float | None,
        retries: int,
    ) -> None:
        super().__init__()
        self.future = future
        self.payload = payload
        self.buffers = buffers
        self.held = held  # shared arrays among the arguments
        self.heavy = bool(buffers)
        self.name = name
        self.timeout = timeout
        self.retries = retries

    def begin(self) -> bool:
        """Set the future running; it may be so already, when the call goes to a second worker."""
        return self.future._begin() or self.future.running()

    def wanted(self) -> bool:
        """Whether the future is not cancelled."""
        return not self.future.done()

    def messages(self, serial: int, claim: int, define: bool) -> Messages:  # noqa: ARG002
        """Return the message; large arguments are copied now, not when the call was queued."""
        if not self.buffers:
            return Messages([frame(channels.TASK + claim, serial, self.payload)])
        pin = pack(self.buffers).pin()
        sizes = [buffer.nbytes for buffer in self.buffers]
        return Messages([frame(channels.TASK + claim, serial, self.payload, sizes, pin.handle)], pin)

    def fail(self, error: BaseException) -> None:
        """Give the future an error."""
        self._let_go()
        if not self.future.done():
            self.future.set_exception(error)

    def answer(self, message: Frame) -> bool:
        """Give the future what the worker sent."""
        try:
            kind, value = outcome(message.kind, message, self.name)
        except BaseException as error:  # noqa: BLE001  loads calls anybody's code
            kind, value = False, error
        self._let_go()
        if kind:
            self.future.set_result(value)
        else:
            self.future.set_exception(value)
        return False

    def _let_go(self) -> None:
        self.payload, self.buffers, self.held, self.kept, self.worker = b"", [], None, None, None
        self.future._task = None


def outcome(kind: int, content: Frame | bytes, name: str) -> tuple[bool, Any]:
    """Return (True, value) or (False, error) of what a worker sent; raises what cannot be loaded."""
    payload = content.payload if isinstance(content, Frame) else memoryview(content)
    if kind == channels.RESULT:
        assert isinstance(content, Frame)
        try:
            return True, loads(payload, content.buffers or [])
        except Exception as error:
            text = f"the result of {name} cannot be loaded here: {type(error).__name__}: {error}"
            raise UnpicklableResult(text, task=name) from error
    if kind == channels.RAISED:
        pickled, text = pickle.loads(payload)
        try:
            loaded = pickle.loads(pickled)
            if not isinstance(loaded, BaseException):
                raise TypeError(f"it was loaded as {type(loaded).__name__}")
        except Exception as problem:  # noqa: BLE001
            message = f"the exception that {name} raised cannot be loaded here: {type(problem).__name__}: {problem}"
            raised = UnpicklableResult(message, task=name, worker_traceback=text)
            raised.__cause__ = RemoteTraceback(text)
            return False, raised
        loaded.__cause__ = RemoteTraceback(text)
        return False, loaded
    message, text = marshal.loads(payload)
    failed: PoolError
    if kind == channels.BAD_TASK:
        failed = UnpicklableTask(
            f"{name} or its arguments cannot be loaded in the worker: {message}", task=name, worker_traceback=text
        )
    else:
        failed = UnpicklableResult(
            f"the result of {name} cannot be pickled: {message}", task=name, worker_traceback=text
        )
    failed.__cause__ = RemoteTraceback(text)
    if isinstance(content, Frame):
        raise failed
    return False, failed


def unpicklable(error: BaseException, name: str, what: str) -> UnpicklableTask:
    """Return the error of a task that cannot be sent."""
    return UnpicklableTask(f"{what} of {name} cannot be pickled: {type(error).__name__}: {error}", task=name)


def name_of(function: object) -> str:
    """Return a function's name for messages."""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{getattr(function, '__module__', None) or type(function).__module__}.{name}"
