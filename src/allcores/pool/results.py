"""A map from its start to its results. Called by allcores.pool.executor, for it and for allcores.calls."""

from __future__ import annotations

import inspect
import itertools
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any, NamedTuple

from allcores.pool.jobs import Job
from allcores.pool.scheduler import Scheduler
from allcores.pool.tasks import name_of

Parts = dict[int, tuple[list[Any], dict[int, BaseException]]]  # by first item: values, and errors by item


class Options(NamedTuple):
    """How a map is run."""

    chunksize: int | None = None  # items at a time; None: by what they take
    buffersize: int | None = None  # items that are ahead of the results that were taken; None: all
    end: float | None = None  # when to give up waiting, by time.monotonic
    timeout: float | None = None  # seconds of each item
    retries: int = 0  # of an item whose worker dies, or that takes too long
    ordered: bool = True
    keep_errors: bool = False  # results instead of being raised
    spread: bool | None = None  # items are tuples of arguments; None: if there are several iterables
    heard: Callable[[int], object] | None = None  # by any thread: how many items have come back now; 0: it is cancelled
    aside: bool = False  # the pool's own thread prepares what is sent; the caller's has no time for it
    late: bool = False  # the iterable's error comes behind the results of what it gave, as it does with a buffersize


def start_map(
    scheduler: Scheduler,
    number: int,
    measured: dict[bytes, tuple[float, float]],
    fn: Callable[..., Any],
    iterables: Sequence[Iterable[Any]],
    options: Options,
) -> Results:
    """Hand a map to the scheduler."""
    several = len(iterables) != 1
    source: Iterator[Any] = zip(*iterables, strict=False) if several else iter(iterables[0])
    items: Any
    source_error: Exception | None = None
    if not several and type(iterables[0]) is range and options.buffersize is None:
        items = iterables[0]  # its parts travel as ranges too
    elif options.late or options.buffersize is not None:
        items, source_error = _taken(source, options.buffersize)
    else:
        items = list(source)
    job = Job(
        number,
        fn,
        name_of(fn),
        several if options.spread is None else options.spread,
        items,
        chunksize=options.chunksize,
        lazy=options.buffersize is not None,
        measured=measured,
        timeout=options.timeout,
        retries=options.retries,
    )
    job.heard = options.heard
    try:
        scheduler.submit(job, options.aside)
    except KeyboardInterrupt:  # nobody gets to see this map
        job.cancel()
        scheduler.kill_chunks(job)
        raise
    return Results(_Feed(scheduler, job, None if options.buffersize is None else source, options, source_error))


def _taken(source: Iterator[Any], most: int | None) -> tuple[list[Any], Exception | None]:
    """Return the next items, and the error that the iterable raised behind them."""
    items: list[Any] = []
    try:
        items.extend(itertools.islice(source, most))  # keeps what came before an error
    except Exception as error:  # noqa: BLE001  anybody's; raised behind the results of the items
        return items, error
    return items, None


class Results:
    """The results of a map. An item's error is raised at its place, and the next `next()` goes on behind it."""

    def __init__(self, feed: _Feed) -> None:
        self._feed = feed
        self._generator = feed.generate()
        self._items = itertools.chain.from_iterable(self._generator)

    def __iter__(self) -> Iterator[Any]:
        if inspect.getgeneratorstate(self._generator) == inspect.GEN_CLOSED:  # it has raised an item's error
            self._generator = self._feed.generate()
            self._items = itertools.chain.from_iterable(self._generator)
        return self._items

    def __next__(self) -> Any:
        return next(iter(self))

    @property
    def job(self) -> Job:
        """The map itself, for who takes what arrives in another way than by iterating."""
        return self._feed.job

    @property
    def keeps_errors(self) -> bool:
        """Whether errors stand among the results."""
        return self._feed._keep_errors

    def wait_until(self, end: float | None) -> None:
        """Give up waiting at another time, by time.monotonic; None: never."""
        self._feed.end = end

    def cancel(self, running: bool = False) -> None:
        """Hand out nothing more; with `running`, end the workers that have items of it."""
        self._feed.cancel(running)

    # ---- for those who may not wait: instead of next(), and of an iterable that is taken from ------------------------

    def arrived(self) -> Parts:
        """Take what has come back: of each first item the values from there on, and errors by item.

        Needs no lock: that of the map is held while arrays are copied.
        """
        parts, found = self._feed.job.parts, {}
        while parts:
            first, part = parts.popitem()
            found[first] = part
        return found

    def add(self, items: list[Any]) -> None:
        """Hand out more items, of a map with a `buffersize`."""
        job = self._feed.job
        assert isinstance(job.items, list)
        job.items += items
        self._feed._scheduler.submit(job, aside=True)

    def stop(self) -> None:
        """End the map and the workers that have items of it. Nobody waits for it in `next()`."""
        self._feed.job.cancelled = True
        self._feed._scheduler.kill_chunks(self._feed.job)

    def ended(self) -> BaseException | None:
        """Return why no more results come, if somebody has cancelled the map."""
        job = self._feed.job
        return (job.error or CancelledError()) if job.cancelled else None


class _Feed:
    """What a map's results come from; knows nothing of the generators, so that a dropped one ends at once."""

    def __init__(
        self,
        scheduler: Scheduler,
        job: Job,
        source: Iterator[Any] | None,
        options: Options,
        source_error: Exception | None,
    ) -> None:
        self._scheduler = scheduler
        self.job = job
        self._source = source
        self._source_error = source_error
        self.end = options.end
        self._ordered = options.ordered
        self._keep_errors = options.keep_errors
        self._next = 0  # the item whose result comes next
        self._taken = 0  # results that were taken
        self._values: list[Any] = []  # results that are here, the next one last
        self._errors: dict[int, BaseException] = {}

    def generate(self) -> Generator[Iterable[Any], None, None]:
        """Yield results, some at a time, until one is an error; then a new generator goes on behind."""
        try:
            while True:
                if not self._errors and self._source is None:
                    values = self._values
                    self._next += len(values)
                    self._taken += len(values)
                    yield map(values.pop, itertools.repeat(-1, len(values)))  # keeps no result that was taken
                while self._values:
                    if self._source is not None:
                        self._refill()
                    self._next += 1
                    self._taken += 1
                    if self._errors and self._next - 1 in self._errors:
                        self._values.pop()
                        self.job.raised = True
                        error = self._errors.pop(self._next - 1)
                        try:
                            raise error
                        finally:
                            del error  # its traceback refers to this frame
                    yield (self._values.pop(),)
                if not self._await_or_end():
                    break
        except (GeneratorExit, TimeoutError) as stop:
            if isinstance(stop, GeneratorExit) or self.job.error is stop:
                self.job.cancel()
            raise
        problem, self._source_error = self._source_error, None
        if problem is not None:
            try:
                raise problem
            finally:
                del problem

    def cancel(self, running: bool) -> None:
        """Hand out nothing more."""
        self.job.cancel()
        if running:
            self._scheduler.kill_chunks(self.job)

    def _await_or_end(self) -> bool:
        """Wait for the next results; Ctrl-C ends the map."""
        try:
            return self._await()
        except (KeyboardInterrupt, SystemExit):  # of signal handlers: what items raise is in the results
            self.cancel(running=True)
            raise

    def _await(self) -> bool:
        """Wait for the next results; False behind the last one."""
        job = self.job
        with job.arrived:
            while True:
                if self._taken >= len(job.items):
                    return False
                first = self._next if self._ordered else next(iter(job.parts), -1)
                if first in job.parts:
                    break
                if job.cancelled:
                    raise job.error or CancelledError
                left = None if self.end is None else self.end - time.monotonic()
                if left is not None and left <= 0:
                    job.cancelled = True
                    job.error = TimeoutError()
                    raise job.error
                job.arrived.wait(left)
            self._values, self._errors = job.parts.pop(first)
        self._next = first
        if self._keep_errors:
            for item, error in self._errors.items():
                self._values[item - first] = error
            self._errors = {}
        self._values.reverse()
        return True

    def _refill(self) -> None:
        assert self._source is not None
        items = self.job.items
        assert isinstance(items, list)
        more, error = _taken(self._source, 1)
        if more:
            items += more
            try:
                self._scheduler.submit(self.job)
            except RuntimeError as refusal:
                error = refusal
                with self._scheduler.lock:
                    if self.job.cursor == len(items):
                        return  # it was taken before
                    items.pop()
        if error is not None:
            self._source_error = error
            self._source = iter(())
