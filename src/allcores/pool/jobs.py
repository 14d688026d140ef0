"""Maps: a Job hands out chunks of its items on demand and collects what comes back.

Called by allcores.pool.results (makes jobs) and .scheduler (runs chunks). Methods that say "locked" are called with
the scheduler's lock held and call nothing of the user's.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from allcores.pool import channels
from allcores.pool.buffers import pack
from allcores.pool.channels import Frame, frame
from allcores.pool.pickling import dumps_held
from allcores.pool.tasks import Messages, Work, outcome, unpicklable

if TYPE_CHECKING:
    from allcores.shared.blocks import Block, Pin

_CHUNK_SECONDS = 0.01  # work of one chunk: far more than handing it out costs, and soon done
_LEAST_SECONDS = 0.0002
_GROWTH = 1024  # of a chunk over the last one: the first items may not be like the others
_CHUNK_BYTES = 1 << 20


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
        timeout: float | None = None,
        retries: int = 0,
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
        self.timeout = timeout  # of each item, which then goes alone
        self.retries = retries  # of an item whose worker dies
        self.tried: dict[int, int] = {}
        self.chunksize = 1 if timeout is not None else chunksize
        self.cursor = 0
        self.again: deque[tuple[int, int]] = deque()  # items to be run once more, before others
        self.single: set[int] = set()  # of which each goes alone: one of them makes trouble
        self.moved: dict[int, int] = {}
        self.parts: dict[int, tuple[list[Any], dict[int, BaseException]]] = {}
        self.arrived = threading.Condition()
        self.heard: Callable[[int], object] | None = None  # called with how many items are back now; 0: cancelled
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
        heard = self.heard
        if heard is not None:
            heard(len(values))

    def try_again(self, item: int) -> bool:
        """Say whether an item whose worker died is to be run once more. Locked."""
        tried = self.tried[item] = self.tried.get(item, 0) + 1
        return tried <= self.retries

    def cancel(self, error: BaseException | None = None) -> None:
        """Hand out nothing more; whoever waits for items gets `error`."""
        self.error = error
        self.cancelled = True
        with self.arrived:
            self.arrived.notify_all()
        heard = self.heard
        if heard is not None:
            heard(0)


class Chunk(Work):
    """Some items of a map, on one worker."""

    def __init__(self, job: Job, start: int, stop: int) -> None:
        super().__init__()
        self.job = job
        self.first = self.start = start  # start: of what has not come back yet
        self.stop = stop
        self.name = job.name
        self.timeout = job.timeout

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
