"""Handing work to workers, or doing it here: what array functions have in common.

Called by allcores.calls.blocks, .rows and .elements.
"""

from __future__ import annotations

import itertools
import operator
import sys
import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

from allcores.calls import executors
from allcores.limits import workers_by_default
from allcores.plan.plan import START_PROCESSES
from allcores.pool.results import Options

_GLANCE = 0.002  # seconds of work here that tell what the rest takes
_LONG = 0.05  # seconds of an item of which one is enough to tell
_PIECE = 0.001  # seconds between two looks at the clock
_SENDING = 0.005  # seconds: what the rest must be shorter by in workers
_STARTING = START_PROCESSES / 1e9  # the same where workers must start, and import NumPy
_COPYING = 1e-9  # seconds a byte into shared memory
_EACH = 16  # parts a worker, of rows and elements


def how_many(workers: Any) -> int:
    """Return the number of workers that an argument stands for."""
    if workers is None:
        return workers_by_default()
    number = operator.index(workers)
    if number < 1:
        raise ValueError(f"workers must be greater than 0, got {workers!r}")
    return number


def possible() -> bool:
    """Whether there is memory that processes share."""
    return sys.platform == "linux"


def in_order(
    task: Callable[..., Any], items: Iterable[tuple[Any, ...]], workers: int | None, options: Options
) -> Generator[Any, None, None]:
    """Call `task` with each item's arguments in workers, and yield the results in order.

    When one raises, or nobody wants the rest, workers that run others of them are ended: they must not write any more.
    """
    results = executors.executor(workers).start_map(task, [items], options._replace(chunksize=1, spread=True))
    try:
        yield from results
    except BaseException:
        results.cancel(running=True)
        raise


def begin_here(run: Callable[[int, int], object], first: int, count: int, workers: int | None, nbytes: int) -> int:
    """Do items here, as long as workers would not be done with the rest sooner.

    Parameters
    ----------
    run : callable
        Does the items from `start` to `stop`, and keeps what becomes of them.
    first, count : int
        Where to begin, and how many there are in all.
    workers : int or None
        As the caller gave it.
    nbytes : int
        What would have to be copied into shared memory.

    Returns
    -------
    int
        Where workers go on; `count` when all is done.
    """
    number = how_many(workers)
    clock = time.perf_counter
    done, size, spent = first, 1, 0.0
    while done < count:
        stop = min(done + size, count)
        start = clock()
        run(done, stop)
        seconds = clock() - start
        spent += seconds
        rest = seconds / (stop - done) * (count - stop)
        alone = stop - first == 1  # it may have been slow because it was the first one
        done = stop
        if seconds > _LONG or (spent > _GLANCE and not alone):
            cost = nbytes * _COPYING + (_SENDING if executors.is_warm(workers) else _STARTING)
            if rest * (1 - 1 / number) > cost:
                break
        size = 2 * size if seconds < _PIECE else max(1, size // 2)
    return done


def parts(first: int, count: int, workers: int) -> list[tuple[int, int]]:
    """Cut the items from `first` on into parts of about the same length, several a worker."""
    number = min(count - first, _EACH * workers)
    return [(first + start, first + stop) for start, stop in even(count - first, number)]


def even(length: int, number: int) -> list[tuple[int, int]]:
    """Cut a length as `numpy.array_split` does."""
    each, more = divmod(length, number)
    edges = [i * each + min(i, more) for i in range(number + 1)]
    return list(itertools.pairwise(edges))
