"""`Executor` as an Executor: submit, map, shutdown, asyncio; and CPython's own tests of concurrent.futures."""

import asyncio
import concurrent.futures
import os
import sys
import threading
import time

import kill_fuzzer
import numpy as np
import pytest
from support import run_cpythons_tests, run_script

import allcores as ac

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are for POSIX systems")

needs_shared = pytest.mark.skipif(sys.platform != "linux", reason="shared memory needs Linux")

PATIENCE = 60


@pytest.fixture(autouse=True)
def leaves_no_process():
    if not os.path.isdir("/proc/self/fd"):
        yield
        return
    before = kill_fuzzer.what_is_there()
    yield
    assert kill_fuzzer.what_is_there() == before


@pytest.fixture
def executor():
    with ac.Executor(2) as executor:
        yield executor


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def own_pid(*_):
    return os.getpid()


def modules(_=None):
    return set(sys.modules)


def environment(name):
    return os.environ.get(name)


def change(a):
    a += 1
    return a


def nested(n):
    with ac.Executor() as inner:
        return inner._max_workers, list(inner.map(abs, range(-n, 0)))


_started = []


def start(value):
    _started.append(value)


def started():
    return _started


def divide(a, b):
    return a // b


def test_never_runs_in_the_caller(executor):
    assert os.getpid() not in set(executor.map(own_pid, range(100)))


def test_is_an_executor(executor):
    assert isinstance(executor, concurrent.futures.Executor)
    assert executor._max_workers == 2
    future = executor.submit(divide, 7, b=2)
    assert isinstance(future, concurrent.futures.Future)
    assert future.result(PATIENCE) == 3
    futures = [executor.submit(abs, -i) for i in range(10)]
    done, left = concurrent.futures.wait(futures, PATIENCE)
    assert len(done) == 10
    assert not left


def test_map(executor):
    assert list(executor.map(divide, [9, 8, 7], [1, 2, 3, 4])) == [9, 4, 2]
    assert list(executor.map(abs, [])) == []
    assert list(executor.map(abs, range(-5000, 0))) == list(range(5000, 0, -1))
    assert list(executor.map(abs, range(-50, 0), chunksize=7)) == list(range(50, 0, -1))


def test_map_goes_on_behind_an_error(executor):
    results = executor.map(divide, [6, 6, 6, 6], [1, 0, 2, 3])
    assert next(results) == 6
    with pytest.raises(ZeroDivisionError) as caught:
        next(results)
    assert "divide" in str(caught.value.__cause__)
    assert list(results) == [3, 2]


def test_map_within_a_time(executor):
    results = executor.map(time.sleep, [0, 0, PATIENCE], timeout=1)
    assert next(results) is None
    assert next(results) is None
    with pytest.raises(TimeoutError):
        next(results)
    executor._scheduler.cancel_all(running=True)


def test_map_takes_no_more_than_buffersize_ahead(executor):
    taken = []

    def source():
        for item in range(100):
            taken.append(item)
            yield item

    results = executor.map(abs, source(), buffersize=5)
    assert len(taken) == 5
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(taken) == 15
    assert list(results) == list(range(10, 100))


@pytest.mark.parametrize("argument", ["chunksize", "buffersize"])
def test_map_arguments(executor, argument):
    with pytest.raises(ValueError, match=f"{argument} must be greater than 0, got 0"):
        executor.map(abs, [1], **{argument: 0})


def test_arguments():
    with pytest.raises(ValueError, match="max_workers must be greater than 0, got 0"):
        ac.Executor(0)
    with pytest.raises(ValueError, match="max_tasks_per_worker must be greater than 0, got 0"):
        ac.Executor(1, max_tasks_per_worker=0)
    with pytest.raises(ValueError, match="start_method must be one of forkserver, spawn, fork, got 'thread'"):
        ac.Executor(1, start_method="thread")
    with pytest.raises(TypeError, match="initializer must be callable, got 3"):
        ac.Executor(1, initializer=3)
    with ac.Executor(1) as executor:
        with pytest.raises(ValueError, match="timeout must be above 0 seconds, got 0"):
            executor.submit_with(abs, 1, timeout=0)
        with pytest.raises(ValueError, match="retries must be 0 or more, got -1"):
            executor.submit_with(abs, 1, retries=-1)


@pytest.mark.parametrize("n", [0, 1, 1000, 100_000])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_go_both_ways(executor, n, order):
    a = np.asarray(np.arange(3.0 * n).reshape(3, n), order=order)
    back = executor.submit(change, a).result(PATIENCE)
    np.testing.assert_array_equal(back, a + 1)
    assert back.flags.writeable
    back += 1
    assert back.flags.c_contiguous == a.flags.c_contiguous


def doubled_in_place(array):
    array *= 2
    return float(array[0]), float(array[-1])


@needs_shared
def test_each_task_has_arguments_of_its_own(executor):
    a = np.ones(100_000)
    assert list(executor.map(doubled_in_place, [a] * 5)) == [(2, 2)] * 5
    assert executor.submit(doubled_in_place, a).result(PATIENCE) == (2, 2)
    assert a.sum() == a.size


def in_halves(array):
    return array[: len(array) // 2], array[len(array) // 2 :]


@needs_shared
def test_changes_of_arrays_are_seen_on_the_next_call(executor):
    plain, shared = np.ones(100_000), ac.shared.ones(100_000)
    for i in range(5):
        plain[0] = shared[0] = i
        for a in (plain, shared):
            assert list(executor.map(np.sum, [a, a])) == [a.sum()] * 2
            assert executor.submit(np.sum, a).result(PATIENCE) == a.sum()
    executor.submit(doubled_in_place, shared).result(PATIENCE)
    assert shared.sum() == plain.sum() * 2


def crash_first(path, array):
    if not path.exists():
        path.touch()
        os._exit(1)
    return float(array.sum())


_kept = []


def keep(array):
    _kept.append(array)


def total_of_kept(_):
    return float(sum(array.sum() for array in _kept))


@needs_shared
def test_shared_arrays_stay_until_their_task_is_done(tmp_path):
    with ac.Executor(2, initializer=keep, initargs=(ac.shared.ones(1000),)) as executor:
        # Nobody but the task has them, and the first worker dies with it.
        futures = [executor.submit_with(crash_first, tmp_path / str(i), ac.shared.ones(100), retries=1) for i in (1, 2)]
        assert [future.result(PATIENCE) for future in futures] == [100, 100]
        assert list(executor.map(total_of_kept, range(4), chunksize=1)) == [1000] * 4
        assert list(executor.map(np.sum, [ac.shared.ones(n) for n in (10, 20, 30)])) == [10, 20, 30]
        closure = ac.shared.ones(10)
        assert list(executor.map(lambda x: x * closure.sum(), [1, 2])) == [10, 20]
        busy = [executor.submit(time.sleep, 0.2) for _ in range(2)]
        cancelled = executor.submit(np.sum, ac.shared.ones(10))
        assert cancelled.cancel()
        assert [future.result(PATIENCE) for future in busy] == [None, None]
        del cancelled, futures
        assert wait_until(lambda: ac.shared.usage()["arrays"] == 2)  # the initializer's and the closure's
        assert ac.shared.usage()["in_flight"] <= 1  # the initializer's, for a worker to come
    del executor


@needs_shared
def test_no_shared_memory_for_a_large_argument(executor, monkeypatch):
    from allcores.shared import memory

    monkeypatch.setattr(memory, "headroom", lambda: 0.0)
    ac.shared.release()
    with pytest.raises(MemoryError, match="is more than the 0 bytes"):
        executor.submit(np.sum, np.ones(10_000_000)).result(PATIENCE)
    found = executor.map(np.sum, [np.ones(10_000_000)])
    with pytest.raises(MemoryError, match="is more than the 0 bytes"):
        next(found)
    assert executor.submit(np.sum, np.ones(10)).result(PATIENCE) == 10


def test_many_large_results_hold_no_descriptor(executor):
    list(executor.map(abs, range(100)))
    before = kill_fuzzer.descriptors()
    kept = list(executor.map(np.ones, [20_000] * 200))
    assert kill_fuzzer.descriptors() <= before + 3  # a worker more
    assert all(a.sum() == 20_000 for a in kept)


def test_changes_to_an_argument_are_seen_by_the_next_call(executor):
    a = np.zeros(100_000)
    for i in range(5):
        assert executor.submit(np.max, a).result(PATIENCE) == i
        a += 1


def test_closures(executor):
    k = 3
    assert executor.submit(lambda x: x * k, 4).result(PATIENCE) == 12
    assert list(executor.map(lambda x: x * k, range(5))) == [0, 3, 6, 9, 12]


def test_functions_and_classes_of_main():
    done = run_script("""
        import allcores as ac
        class Point:
            def __init__(self, x): self.x = x
        class Wrong(Exception): pass
        def move(p): return Point(p.x + 1)
        def wrong(): raise Wrong("so")
        with ac.Executor(1) as executor:
            moved = executor.submit(move, Point(1)).result(60)
            print(type(moved) is Point, moved.x)
            try:
                executor.submit(wrong).result(60)
            except Wrong as error:
                print("caught", error)
    """)
    assert done.stdout == "True 2\ncaught so\n"


def test_workers_import_nothing_until_needed(executor):
    found = executor.submit(eval, "set(__import__('sys').modules)").result(PATIENCE)
    assert "numpy" not in found
    assert "allcores" not in found


def test_workers_share_the_cores(executor, monkeypatch):
    share = max(1, len(os.sched_getaffinity(0)) // 2) if hasattr(os, "sched_getaffinity") else 1
    threads = int(executor.submit(environment, "OMP_NUM_THREADS").result(PATIENCE))
    assert threads <= share
    assert executor.submit(nested, 4).result(PATIENCE) == (threads, [4, 3, 2, 1])


def test_workers_have_the_environment_of_now(executor, monkeypatch):
    monkeypatch.setenv("ALLCORES_TEST", "7")
    assert executor.submit(environment, "ALLCORES_TEST").result(PATIENCE) == "7"


def test_initializer():
    with ac.Executor(1, initializer=start, initargs=(5,)) as executor:
        assert executor.submit(started).result(PATIENCE) == [5]


def test_max_tasks_per_worker():
    with ac.Executor(1, max_tasks_per_worker=2) as executor:
        pids = [executor.submit(own_pid).result(PATIENCE) for _ in range(6)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4] == pids[5]


def test_max_tasks_per_worker_all_at_once():
    with ac.Executor(2, max_tasks_per_worker=3) as executor:
        futures = [executor.submit(own_pid) for _ in range(30)]
        pids = [future.result(PATIENCE) for future in futures]
    assert max(pids.count(pid) for pid in pids) == 3


def test_shutdown(executor):
    futures = [executor.submit(time.sleep, 0.05) for _ in range(8)]
    executor.shutdown()
    assert all(future.done() for future in futures)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, 1)


def test_shutdown_cancels(executor):
    futures = [executor.submit(time.sleep, 0.2) for _ in range(8)]
    executor.shutdown(cancel_futures=True)
    assert sum(future.cancelled() for future in futures) >= 4
    assert all(future.done() for future in futures)


def test_an_executor_that_nobody_refers_to_ends():
    executor = ac.Executor(1)
    future = executor.submit(abs, -1)
    scheduler = executor._scheduler
    del executor
    assert future.result(PATIENCE) == 1
    scheduler.join()


def test_asyncio(executor):
    async def main():
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(executor, abs, -i) for i in range(20)))

    assert asyncio.run(main()) == list(range(20))


def test_callbacks_may_submit(executor):
    done = threading.Event()
    found = []

    def again(future):
        found.append(executor.submit(abs, -2))
        found[0].add_done_callback(lambda _: done.set())

    executor.submit(abs, -1).add_done_callback(again)
    assert done.wait(PATIENCE)
    assert found[0].result() == 2


@pytest.mark.parametrize("turn", range(20))
def test_many_threads_submit(executor, turn):
    """Tasks that are sent ahead and taken back while workers start: in one of forty runs a claim got lost once."""
    results = []

    def work():
        results.extend(executor.submit(abs, -i).result(PATIENCE) for i in range(50))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(list(range(50)) * 8)


def test_mixed_calls_and_maps(executor):
    maps = [executor.map(abs, range(-300, 0)) for _ in range(5)]
    calls = [executor.submit(abs, -i) for i in range(100)]
    assert [call.result(PATIENCE) for call in calls] == list(range(100))
    for results in maps:
        assert list(results) == list(range(300, 0, -1))


def test_cpythons_own_tests():
    """Those of Executor, wait and as_completed; cpython_futures.py lists what is left out, and why."""
    assert "Ran" in run_cpythons_tests("cpython_futures.py", "import test.test_concurrent_futures.executor")
