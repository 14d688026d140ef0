"""Every call that runs Python functions in processes, as one of items; and functions that go wrong at an item.

Called by test_faults_of_calls.py and test_calls_anywhere.py, and by scripts that these run.
"""

import asyncio
import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import allcores as ac

PATIENCE = 120  # seconds: others load the machine
BAD = 3  # the item at which something goes wrong
COUNT = 8
RIGHT = [2 * x for x in range(COUNT)]  # what `double` makes of them


# --- functions --------------------------------------------------------------------------------------------------------


def double(x):
    return 2 * x


def killed_at(bad, x):
    if x == bad:
        time.sleep(0.01)  # so that it runs alone, as an item of more than some microseconds does
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * x


def killed_once(path, x):
    if x == BAD and not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * x


def sleeps_at(bad, folder, x):
    """Leave the number of the process before sleeping for ever."""
    if x == bad or bad is None:
        (folder / f"{os.getpid()}-{x}").touch()
        time.sleep(10 * PATIENCE)
    return 2 * x


def raises_behind(count, items=None):
    yield from range(count) if items is None else items
    raise KeyError("of the items")


# --- calls ------------------------------------------------------------------------------------------------------------


class Call(NamedTuple):
    """One call, as a function of a function and items."""

    run: Callable[..., list]
    kind: str = "whole"  # "whole": raises the first error; "each": errors at their places; "one": items are calls
    options: frozenset = frozenset()
    ordered: bool = True
    takes_iterables: bool = True


def each(results):
    """Return results, and errors where they are raised, until there are no more or nothing but errors comes."""
    found = []
    while len(found) < 10 * COUNT:
        try:
            found.append(next(results))
        except StopIteration:
            return found
        except Exception as error:  # noqa: BLE001  as told by the test
            found.append(error)
    raise AssertionError(f"no end: {found}")


async def aeach(results):
    found = []
    while len(found) < 10 * COUNT:
        try:
            found.append(await anext(results))
        except StopAsyncIteration:
            return found
        except Exception as error:  # noqa: BLE001
            found.append(error)
    raise AssertionError(f"no end: {found}")


def outcomes(calls):
    """Return what calls that were begun return or raise."""
    found = []
    for call in calls:
        try:
            found.append(call())
        except Exception as error:  # noqa: BLE001
            found.append(error)
    return found


def tuples(items):
    return ((item,) for item in items)


def on_loop(make):
    """Return what a coroutine returns."""
    return asyncio.run(asyncio.wait_for(make(), PATIENCE))


async def asubmit(f, items, **options):
    return await asyncio.gather(*(ac.aio.submit(f, x, **options) for x in items), return_exceptions=True)


def in_pool(method, kind):
    def run(f, items, **options):
        with ac.Pool(2) as pool:
            call = getattr(pool, method)
            if "apply" in method:
                begun = [functools.partial(call, f, (x,)) for x in items]
                if kind == "later":
                    begun = [result().get for result in begun]
                return outcomes(begun)
            found = call(f, tuples(items) if "star" in method else items, **options)
            return found.get() if kind == "later" else each(found) if kind == "each" else found

    return run


def in_executor(run):
    def with_own(f, items, **options):
        with ac.Executor(2) as executor:
            return run(executor, f, items, **options)

    return with_own


def at(f, block):
    """A function of items as one of blocks."""
    return np.array([f(x) for x in block.tolist()])


def row(f, one):
    return np.asarray(f(int(one[0])))


def blocks(f, items, **options):
    array = np.array(list(items))
    return ac.map_blocks(functools.partial(at, f), array, blocks=len(array), workers=2, **options).tolist()


def rows(f, items):
    return ac.apply_along_axis(functools.partial(row, f), 1, np.array(list(items))[:, None], workers=2).tolist()


def elements(f, items):
    return ac.vectorize(f, otypes="l", workers=2)(list(items)).tolist()


LIMITS = frozenset({"timeout", "retries"})
MAP = LIMITS | {"errors", "buffersize"}

CALLS = {
    "map": Call(ac.map, options=MAP),
    "starmap": Call(lambda f, items, **o: ac.starmap(f, tuples(items), **o), options=MAP),
    "imap": Call(lambda f, items, **o: each(ac.imap(f, items, **o)), "each", MAP),
    "imap_unordered": Call(lambda f, items, **o: each(ac.imap_unordered(f, items, **o)), "each", MAP, ordered=False),
    "imap, initializer": Call(
        lambda f, items, **o: each(ac.imap(f, items, initializer=abs, initargs=(1,), **o)), "each", MAP
    ),
    "map_async": Call(lambda f, items, **o: ac.map_async(f, items, **o).get(), options=LIMITS | {"errors"}),
    "starmap_async": Call(
        lambda f, items, **o: ac.starmap_async(f, tuples(items), **o).get(), options=LIMITS | {"errors"}
    ),
    "submit": Call(lambda f, items: outcomes([ac.submit(f, x).result for x in items]), "one"),
    "apply": Call(lambda f, items: outcomes([functools.partial(ac.apply, f, (x,)) for x in items]), "one"),
    "apply_async": Call(lambda f, items: outcomes([ac.apply_async(f, (x,)).get for x in items]), "one"),
    "Pool.map": Call(in_pool("map", "")),
    "Pool.starmap": Call(in_pool("starmap", "")),
    "Pool.map_async": Call(in_pool("map_async", "later")),
    "Pool.starmap_async": Call(in_pool("starmap_async", "later")),
    "Pool.imap": Call(in_pool("imap", "each"), "each"),
    "Pool.imap_unordered": Call(in_pool("imap_unordered", "each"), "each", ordered=False),
    "Pool.apply": Call(in_pool("apply", ""), "one"),
    "Pool.apply_async": Call(in_pool("apply_async", "later"), "one"),
    "aio.map": Call(lambda f, items, **o: on_loop(lambda: ac.aio.map(f, items, **o)), options=MAP),
    "aio.starmap": Call(lambda f, items, **o: on_loop(lambda: ac.aio.starmap(f, tuples(items), **o)), options=MAP),
    "aio.imap": Call(lambda f, items, **o: on_loop(lambda: aeach(ac.aio.imap(f, items, **o))), "each", MAP),
    "aio.imap_unordered": Call(
        lambda f, items, **o: on_loop(lambda: aeach(ac.aio.imap_unordered(f, items, **o))), "each", MAP, ordered=False
    ),
    "aio.submit": Call(lambda f, items, **o: on_loop(lambda: asubmit(f, items, **o)), "one", LIMITS),
    "Executor.map": Call(
        in_executor(lambda e, f, items, **o: each(e.map(f, items, **o))), "each", frozenset({"buffersize"})
    ),
    "Executor.submit": Call(in_executor(lambda e, f, items: outcomes([e.submit(f, x).result for x in items])), "one"),
    "Executor.submit_with": Call(
        in_executor(lambda e, f, items, **o: outcomes([e.submit_with(f, x, **o).result for x in items])), "one", LIMITS
    ),
    "map_blocks": Call(blocks, options=LIMITS, takes_iterables=False),
    "apply_along_axis": Call(rows, takes_iterables=False),
    "vectorize": Call(elements, takes_iterables=False),
}


# --- what is there ----------------------------------------------------------------------------------------------------


def pids(folder):
    """Return the processes that have begun an item of `sleeps_at`."""
    return [int(path.name.partition("-")[0]) for path in Path(folder).iterdir()]


def alive(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.01)
