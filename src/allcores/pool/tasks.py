"""What the scheduler hands to workers: single calls with a future, and chunks of a map.

    Call   one call; its future is the user's
    Job    one `map`: hands out chunks of its items on demand and collects what comes back
    Chunk  some items of a Job, on one worker

Called by allcores.pool.executor (makes them) and .scheduler (runs them). Methods that say "locked" are called with the
scheduler's lock held and call nothing of the user's.
"""

from __future__ import annotations

import marshal
import pickle
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

from allcores.pool import channels
from allcores.pool.buffers import pack
from allcores.pool.channels import Frame, frame
from allcores.pool.errors import PoolError, RemoteTraceback, UnpicklableResult, UnpicklableTask
from allcores.pool.pickling import dumps_held, loads

if TYPE_CHECKING:
    from allcores.pool.scheduler import Scheduler
    from allcores.pool.workers import Worker
    from allcores.shared.blocks import Block, Pin

_CHUNK_SECONDS = 0.01  # work of one chunk: far more than handing it out costs, and soon done
_LEAST_SECONDS = 0.0002
_GROWTH = 1024  # of a chunk over the last one: the first items may not be like the others
_CHUNK_BYTES = 1 << 20


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


class Job:
    """One map."""

    def __init__(
        self,
        number: int,
        function: Any,
        name: str,
        spread: bool,
        items: list[Any] | range,
        *,
        chunksize: int | None,
        lazy: bool,
        measured: dict[bytes, tuple[float, float]],
    ) -> None:
        self.number = number
        self.name = name
        try:
            payload, large, self.held = dumps_held(function)
            self.function = payload, large
        except Exception as error:
            raise unpicklable(error, name, "the function") from error
        self.spread = spread  # items are tuples of arguments
        self.items = items
        self.chunksize = chunksize
        self.cursor = 0
        self.again: deque[tuple[int, int]] = deque()  # items to be run once more, before others
        self.single: set[int] = set()  # of which each goes alone: one of them makes trouble
        self.moved: dict[int, int] = {}
        self.parts: dict[int, tuple[list[Any], dict[int, BaseException]]] = {}
        self.arrived = threading.Condition()
        self.cancelled = False
        self.error: BaseException | None = None
        self.queued = False
        self.raised = False  # the user has seen an error of it
        self.lazy = lazy  # items are made as they are needed
        self.shared: tuple[list[memoryview], Block] | None = None  # buffers of a chunk, and the copy of them
        self.closure: Block | None = None  # large buffers of the function
        self.pins: list[Pin] = []  # of messages with these
        self.last = 1
        self.measured = measured
        # Seconds and bytes of an item: as an earlier map of this function found them, to begin with.
        found = measured.get(self.function[0])
        self.seconds: float | None = found[0] if found else None
        self.weight = found[1] if found else 0.0
        if found and items:
            first: Any = items[0]
            arguments = first if spread else (first,)
            self.weight = max(self.weight, sum(getattr(argument, "nbytes", 0) for argument in arguments))
            self.last = 1000

    @property
    def left(self) -> bool:
        """Whether items are to be handed out."""
        return not self.cancelled and bool(self.again or self.cursor < len(self.items))

    def take(self, workers: int, ahead: bool) -> Chunk | None:
        """Return the next chunk; None while the first answers tell how long an item takes. Locked."""
        if self.again:
            start, stop = self.again.popleft()
            if stop - start > 1 and not self.single.isdisjoint(range(start, stop)):
                self.again.extendleft((at, at + 1) for at in reversed(range(start, stop)))
                start, stop = self.again.popleft()
            return Chunk(self, start, stop)
        if self.chunksize is None and ahead and self.seconds is None:
            return None
        start = self.cursor
        left = len(self.items) - start
        if self.chunksize is not None:
            size = self.chunksize
        elif self.seconds is None:
            size = 1
        else:
            item = max(self.seconds, 1e-8)
            share = max(left / (2 * workers), _LEAST_SECONDS / item)
            size = int(min(_CHUNK_SECONDS / item, share, _GROWTH * self.last, _CHUNK_BYTES / max(self.weight, 1e-3)))
        size = max(1, min(size, left))
        self.last = max(size, self.last)
        self.cursor = start + size
        return Chunk(self, start, self.cursor)

    def definition(self, serial: int) -> list[memoryview]:
        """Return the message with the function. Workers load it even if the chunk behind it is taken back."""
        payload, buffers = self.function
        if not buffers:
            return frame(channels.DEFINE, serial, payload)
        with self.arrived:
            if self.closure is None:
                self.closure = pack(buffers)
            self.pins.append(self.closure.pin())
            return frame(channels.DEFINE, serial, payload, [one.nbytes for one in buffers], self.pins[-1].handle)

    def packed(self, buffers: list[memoryview]) -> Block:
        """Return memory that holds the buffers.

        Chunks of the same arrays get the same memory, as each worker maps it privately. Not with `buffersize`: there an
        item may be an array of before with other content.
        """
        if self.lazy:
            return pack(buffers)
        with self.arrived:
            if self.shared is None or not same(self.shared[0], buffers):
                self.shared = None  # its memory first, for the next
                self.shared = buffers, pack(buffers)
            return self.shared[1]

    def put(self, first: int, values: list[Any], errors: dict[int, BaseException]) -> None:
        """Keep what became of some items, for whoever waits for them."""
        with self.arrived:
            if type(self.items) is list:
                self.items[first : first + len(values)] = [None] * len(values)
            self.parts[first] = values, errors
            if not self.left:
                self.shared = None
            self.arrived.notify_all()

    def cancel(self, error: BaseException | None = None) -> None:
        """Hand out nothing more; whoever waits for items gets `error`."""
        self.error = error
        self.cancelled = True
        with self.arrived:
            self.arrived.notify_all()


class Chunk(Work):
    """Some items of a map, on one worker."""

    def __init__(self, job: Job, start: int, stop: int) -> None:
        super().__init__()
        self.job = job
        self.first = self.start = start  # start: of what has not come back yet
        self.stop = stop
        self.name = job.name

    def begin(self) -> bool:
        """Whether the map is not cancelled."""
        return not self.job.cancelled

    wanted = begin

    def messages(self, serial: int, claim: int, define: bool) -> Messages:
        """Pickle the items, now that it is known how many."""
        job = self.job
        try:
            payload, buffers, held = dumps_held((self.start, job.spread, job.items[self.start : self.stop]))
        except Exception as error:
            raise unpicklable(error, self.name, "an argument") from error
        job.weight = (len(payload) + sum(buffer.nbytes for buffer in buffers)) / (self.stop - self.start)
        before = [job.definition(serial)] if define else []
        if not buffers:
            return Messages([*before, frame(channels.MAP + claim, serial, payload)], held)
        pin = job.packed(buffers).pin()
        sizes = [buffer.nbytes for buffer in buffers]
        return Messages([*before, frame(channels.MAP + claim, serial, payload, sizes, pin.handle)], (pin, held))

    def fail(self, error: BaseException) -> None:
        """End all that is left of it with an error."""
        count = self.stop - self.start
        self.job.put(self.start, [None] * count, dict.fromkeys(range(self.start, self.stop), error))

    def answer(self, message: Frame) -> bool:
        """Take the values of some items, or the reason why there are none."""
        try:
            if message.kind not in (channels.RESULT, channels.PART):
                outcome(message.kind, message, self.name)
            first, values, found, seconds = outcome(channels.RESULT, message, self.name)[1]
        except BaseException as error:  # noqa: BLE001
            return self.refused(error)
        job = self.job
        errors = {}
        for index, (kind, payload) in found.items():
            try:
                errors[index] = outcome(kind, payload, self.name)[1]
            except BaseException as error:  # noqa: BLE001
                errors[index] = error
        done = first + len(values) - self.start
        if done:
            job.seconds = seconds / (first + len(values) - self.first)
            job.weight = max(job.weight, (len(message.payload) + sum(message.sizes)) / done)
            if len(job.measured) > 100:
                job.measured.clear()
            job.measured[job.function[0]] = job.seconds, job.weight
        self.start = first + len(values)
        job.put(first, values, errors)
        return False

    def refused(self, error: BaseException) -> bool:
        """Find the item that makes trouble by sending each alone. True when there are several."""
        if self.stop - self.start == 1:
            self.fail(error)
            return False
        self.job.single.update(range(self.start, self.stop))
        self.job.again.append((self.start, self.stop))
        return True


def same(left: list[memoryview], right: list[memoryview]) -> bool:
    """Whether these are the same buffers of the same objects."""
    return len(left) == len(right) and all(
        a.obj is b.obj and a.nbytes == b.nbytes for a, b in zip(left, right, strict=True)
    )


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
