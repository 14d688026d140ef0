"""`Pool`, the interface of multiprocessing.Pool: the same results and errors, and no hang where that one has them.

What is expected comes from multiprocessing's ThreadPool, which is its Pool's code without processes to start.
"""

import itertools
import multiprocessing
import os
import pickle
import subprocess
import threading
import time
import weakref
from multiprocessing.pool import ThreadPool
from pathlib import Path

import kill_fuzzer
import pytest
from support import run_cpythons_tests

from allcores.calls.async_results import AsyncResult, async_call, async_map
from allcores.calls.executors import executor, shutdown
from allcores.calls.mp_pool import Pool
from allcores.pool import PoolBroken, UnpicklableResult
from allcores.pool.results import Options

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are for POSIX systems")

PATIENCE = 60


@pytest.fixture(autouse=True)
def leaves_no_process():
    if not Path("/proc/self/fd").is_dir():
        yield
        return
    before = kill_fuzzer.what_is_there()
    threads = threading.active_count()
    yield
    assert wait_until(lambda: threading.active_count() <= threads)
    assert kill_fuzzer.what_is_there() == before


@pytest.fixture
def pool():
    with Pool(2) as pool:
        yield pool
    pool.join()


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def own_pid(*_):
    return os.getpid()


def divide(a, b=1):
    return a // b


def inverse(a):
    return 12 // a


def fail():
    raise ValueError("not today")


def slow(a):
    time.sleep(0.2)
    return a


def raising(count):
    yield from range(1, count)
    raise KeyError("no more")


def results_and_error(iterator):
    """Return what an iterator gives until it is exhausted, errors in their place."""
    found = []
    while True:
        try:
            found.append(next(iterator))
        except StopIteration:
            return found
        except Exception as error:  # noqa: BLE001
            found.append((type(error), str(error)))


SAME = {
    "map": lambda pool: pool.map(inverse, [1, 2, 3]),
    "map, chunks": lambda pool: pool.map(inverse, range(1, 50), chunksize=7),
    "map, nothing": lambda pool: pool.map(inverse, []),
    "map, iterator": lambda pool: pool.map(inverse, iter([1, 2])),
    "map, error": lambda pool: pool.map(inverse, [1, 0, 2]),
    "map, error of the iterable": lambda pool: pool.map(inverse, raising(3)),
    "map, no iterable": lambda pool: pool.map(inverse, 3),
    "map_async": lambda pool: pool.map_async(inverse, (1, 2)).get(PATIENCE),
    "map_async, error": lambda pool: pool.map_async(inverse, [0, 1]).get(PATIENCE),
    "starmap": lambda pool: pool.starmap(divide, [(7, 2), (8,), [9, 3]]),
    "starmap, error": lambda pool: pool.starmap(divide, [(7, 0)]),
    "starmap_async": lambda pool: pool.starmap_async(divide, zip([7, 8], [2, 3], strict=True)).get(PATIENCE),
    "imap": lambda pool: list(pool.imap(inverse, [1, 2, 3])),
    "imap, iterator": lambda pool: list(pool.imap(inverse, iter(range(1, 99)))),
    "imap, chunks": lambda pool: list(pool.imap(inverse, iter(range(1, 99)), chunksize=9)),
    "imap, nothing": lambda pool: list(pool.imap(inverse, iter(()))),
    "imap, errors": lambda pool: results_and_error(pool.imap(inverse, [0, 1, 0, 2])),
    "imap, error of the iterable": lambda pool: results_and_error(pool.imap(inverse, raising(5))),
    "imap_unordered": lambda pool: sorted(pool.imap_unordered(inverse, range(1, 99), chunksize=4)),
    "imap_unordered, iterator": lambda pool: sorted(pool.imap_unordered(inverse, iter(range(1, 99)))),
    "apply": lambda pool: pool.apply(divide, (9,), {"b": 4}),
    "apply, error": lambda pool: pool.apply(divide, (9, 0)),
    "apply_async": lambda pool: pool.apply_async(divide, [9], {"b": 4}).get(PATIENCE),
    "apply_async, error": lambda pool: pool.apply_async(divide).get(PATIENCE),
    "successful": lambda pool: waited(pool.apply_async(divide, (9, 4))).successful(),
    "successful, of an error": lambda pool: waited(pool.apply_async(divide, (9, 0))).successful(),
    "successful, of a map's error": lambda pool: waited(pool.map_async(inverse, [1, 0])).successful(),
    "ready": lambda pool: (pool.apply_async(slow, (1,)).ready(), waited(pool.apply_async(divide, (1,))).ready()),
}


def waited(result):
    result.wait(PATIENCE)
    return result


def told(call, pool):
    try:
        return call(pool)
    except Exception as error:  # noqa: BLE001
        return type(error), str(error)


@pytest.fixture(scope="module")
def threads():
    with ThreadPool(2) as threads:
        yield threads


@pytest.mark.parametrize("call", SAME.values(), ids=SAME.keys())
def test_as_multiprocessing(call, pool, threads):
    assert told(call, pool) == told(call, threads)


def test_errors_have_the_workers_traceback(pool):
    with pytest.raises(ZeroDivisionError) as caught:
        pool.map(inverse, [0])
    assert "return 12 // a" in str(caught.value.__cause__)
    with pytest.raises(KeyError) as caught:
        pool.map(inverse, raising(2))
    assert caught.value.__cause__ is None


def test_kinds_of_errors_are_multiprocessings(pool):
    result = pool.apply_async(time.sleep, (PATIENCE,))
    with pytest.raises(multiprocessing.TimeoutError):
        result.get(timeout=0.05)
    with pytest.raises(multiprocessing.TimeoutError):
        result.get(0)
    with pytest.raises(ValueError, match="is not ready"):
        result.successful()
    results = pool.imap(time.sleep, [PATIENCE])
    with pytest.raises(multiprocessing.TimeoutError):
        results.next(timeout=0.05)
    with pytest.raises(ValueError, match="Pool is still running"):
        pool.join()
    for call in (pool.map, pool.map_async, pool.imap, pool.imap_unordered, pool.starmap, pool.starmap_async):
        with pytest.raises(ValueError, match="chunksize must be 1 or more, got 0"):
            call(abs, [1], 0)
    with pytest.raises(NotImplementedError):
        pickle.dumps(pool)
    with pytest.raises(TypeError, match="callback must be callable or None, got 3"):
        pool.apply_async(abs, (1,), callback=3)


def test_not_running():
    pool = Pool(1)
    pool.close()
    pool.close()
    for call in (pool.map, pool.map_async, pool.imap, pool.imap_unordered, pool.starmap, pool.apply, pool.apply_async):
        with pytest.raises(ValueError, match="Pool not running"):
            call(abs, [1])
    with pytest.raises(ValueError, match="Pool not running"):
        pool.__enter__()
    pool.join()
    pool.join()
    assert "state=CLOSE" in repr(pool)
    pool.terminate()
    pool.terminate()


def test_arguments():
    for count in (0, -1):
        with pytest.raises(ValueError, match=f"processes must be 1 or more, got {count}"):
            Pool(count)
    for count in (0, -1, 0.5, "12"):
        with pytest.raises(ValueError, match="maxtasksperchild must be an int of 1 or more or None"):
            Pool(1, maxtasksperchild=count)
    with pytest.raises(TypeError, match="initializer must be callable, got 3"):
        Pool(1, 3)
    with pytest.raises(ValueError, match="context must be one of forkserver, spawn, fork, got 'thread'"):
        Pool(1, context="thread")
    with pytest.raises(TypeError, match=r"context must be one of .* or a context of multiprocessing, got 3"):
        Pool(1, context=3)


@pytest.mark.parametrize("context", ["spawn", "forkserver", multiprocessing.get_context("spawn")])
def test_context(context):
    with Pool(1, context=context) as pool:
        assert pool._executor._scheduler.method == (context if isinstance(context, str) else "spawn")
        assert pool.apply(own_pid) != os.getpid()


def test_initializer_and_lives():
    with Pool(1, os.putenv, ("ALLCORES_TEST", "7"), 1) as pool:
        pids = list(pool.imap(own_pid, range(3)))
        assert len(set(pids)) == 3
        assert pool.apply(subprocess.check_output, (["sh", "-c", "echo $ALLCORES_TEST"],)) == b"7\n"
    with Pool(1, fail) as pool, pytest.raises(PoolBroken, match="the initializer raised ValueError: not today"):
        pool.map(abs, [1])


# ---- callbacks -------------------------------------------------------------------------------------------------------


def test_callbacks_run_in_one_thread(pool):
    called = []

    def call_back(value):
        called.append((threading.current_thread(), value))

    results = [pool.apply_async(slow, (i,), callback=call_back) for i in range(4)]
    results.append(pool.map_async(inverse, [1, 2], callback=call_back, error_callback=fail))
    results.append(pool.map_async(inverse, [], callback=call_back))
    results.append(pool.starmap_async(divide, [(1, 0)], callback=fail, error_callback=call_back))
    results.append(pool.apply_async(threading.Lock, error_callback=call_back))
    for result in results:
        result.wait(PATIENCE)
    assert len({thread for thread, _ in called}) == 1
    assert called[0][0] is not threading.current_thread()
    values = [value for _, value in called]
    good = [value for value in values if not isinstance(value, Exception)]
    assert sorted(map(str, good)) == sorted(map(str, [0, 1, 2, 3, [12, 6], []]))
    assert {type(value) for value in values if isinstance(value, Exception)} == {ZeroDivisionError, UnpicklableResult}


def test_a_callback_that_raises_is_reported_and_blocks_nothing(pool, monkeypatch):
    reported = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    def broken(_):
        raise KeyError("of the callback")

    assert pool.apply_async(divide, (8, 2), callback=broken).get(PATIENCE) == 4
    with pytest.raises(ZeroDivisionError):
        pool.map_async(inverse, [0], error_callback=broken).get(PATIENCE)
    assert [one.exc_type for one in reported] == [KeyError, KeyError]
    assert pool.apply_async(divide, (8, 2), callback=reported.append).get(PATIENCE) == 4
    assert reported[-1] == 4


def test_a_callback_may_use_the_pool(pool):
    inner = []

    def ask(value):
        first = pool.apply_async(divide, (value, 2), callback=inner.append)
        inner.append(first.get(PATIENCE) + pool.map_async(abs, [-1]).get(PATIENCE)[0])

    assert pool.apply_async(divide, (8,), callback=ask).get(PATIENCE) == 8
    assert inner == [4, 5]


def test_join_waits_for_callbacks():
    called = []

    def call_back(value):
        time.sleep(0.2)
        called.append(value)

    pool = Pool(2)
    for i in range(3):
        pool.apply_async(divide, (i,), callback=call_back)
    pool.close()
    pool.join()
    assert sorted(called) == [0, 1, 2]


# ---- items -----------------------------------------------------------------------------------------------------------


def test_imap_takes_items_in_a_thread(pool):
    go_on = threading.Event()

    def items():
        yield 1
        yield 2
        go_on.wait(PATIENCE)
        yield 3

    results = pool.imap(divide, items())
    assert results.next(PATIENCE) == 1
    assert results.next(PATIENCE) == 2
    with pytest.raises(multiprocessing.TimeoutError):
        results.next(0.05)
    go_on.set()
    assert results.next(PATIENCE) == 3
    for _ in range(2):
        with pytest.raises(StopIteration):
            results.next(PATIENCE)


def test_imap_of_what_never_ends(pool):
    taken = []
    results = pool.imap(slow, map(taken.append, itertools.count()))
    assert results.next(PATIENCE) is None
    assert len(taken) < 30


def test_items_run_whether_results_are_taken_or_not(tmp_path):
    pool = Pool(2)
    pool.imap_unordered(Path.touch, (tmp_path / f"{i}" for i in range(50)), chunksize=3)
    pool.imap(Path.touch, [tmp_path / "last"])
    pool.map_async(Path.touch, [tmp_path / "map"])
    pool.close()
    pool.join()
    assert len(list(tmp_path.iterdir())) == 52


def test_several_threads_take_results(pool):
    results = pool.imap_unordered(divide, iter(range(400)), chunksize=5)
    found = []
    takers = [threading.Thread(target=lambda: found.extend(results)) for _ in range(3)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join(PATIENCE)
    assert sorted(found) == list(range(400))


class Counted:
    """Of which the parent has as many as there are."""


def test_items_and_results_are_let_go(pool):
    items = [Counted() for _ in range(20)]
    kept = [weakref.ref(item) for item in items]
    results = pool.map(divide_nothing, items)
    kept += [weakref.ref(result) for result in results]
    for result in pool.imap(divide_nothing, iter(items)):
        kept.append(weakref.ref(result))
    del items, results, result
    assert wait_until(lambda: not any(one() for one in kept))


def divide_nothing(item):
    return item


# ---- for others ------------------------------------------------------------------------------------------------------


def test_async_map_and_call_of_a_common_executor():
    try:
        heard, called = [], []
        options = Options(heard=heard.append)
        result = async_map(executor(2), divide, [[4, 6], [2, 3]], options, called.append)
        assert isinstance(result, AsyncResult)
        assert result.get(PATIENCE) == [2, 2]
        assert result.get(PATIENCE) is called[0]
        assert sum(heard) == 2
        assert async_call(executor(2), divide, (9,), {"b": 2}, called.append).get(PATIENCE) == 4
        assert called[1:] == [4]
        with pytest.raises(KeyError):
            async_map(executor(2), divide, [raising(2)], Options(), called.append)
    finally:
        shutdown()


def test_cpythons_own_tests():
    """Those of multiprocessing.Pool of 3.13 and later; cpython_pool.py lists what is left out, and why."""
    probe = "import sys, test._test_multiprocessing; sys.exit(sys.version_info < (3, 13))"
    assert "Ran 2" in run_cpythons_tests("cpython_pool.py", probe)
