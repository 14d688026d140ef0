"""`Pool` when something goes wrong: workers that die, what does not pickle, ends in the middle of work, forks."""

import gc
import itertools
import os
import signal
import threading
import time
import weakref
from concurrent.futures import CancelledError

import pytest
from support import run_script
from test_mp_pool import PATIENCE, divide, fail, leaves_no_process, pool, results_and_error, slow, wait_until

from allcores.calls.mp_pool import Pool
from allcores.pool import NotUsableAfterFork, UnpicklableResult, UnpicklableTask, WorkerDied

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are for POSIX systems")

__all__ = ["leaves_no_process", "pool"]  # fixtures


def die_at_three(a, b=0):
    if a == 3:
        time.sleep(0.01)  # so that each item runs alone, as one of more than some microseconds does
        os.kill(os.getpid(), signal.SIGKILL)
    return a + b


ITEMS = list(range(6))
GOOD = [0, 1, 2, 4, 5]


@pytest.mark.parametrize("chunksize", [None, 1, 2, 6])
def test_a_worker_dies_in_map(pool, chunksize):
    for call in (
        lambda: pool.map(die_at_three, ITEMS, chunksize),
        lambda: pool.map_async(die_at_three, ITEMS, chunksize).get(PATIENCE),
        lambda: pool.starmap(die_at_three, [(i, 1) for i in ITEMS], chunksize),
        lambda: pool.starmap_async(die_at_three, [(i, 1) for i in ITEMS], chunksize).get(PATIENCE),
    ):
        with pytest.raises(WorkerDied, match=r"SIGKILL while it ran \w+.die_at_three"):
            call()
    assert pool.map(divide, ITEMS) == ITEMS


@pytest.mark.parametrize("chunksize", [1, 2, 6])
@pytest.mark.parametrize("kind", [list, iter])
def test_a_worker_dies_in_imap(pool, kind, chunksize):
    found = results_and_error(pool.imap(die_at_three, kind(ITEMS), chunksize))
    assert found[:3] + found[4:] == GOOD
    assert found[3][0] is WorkerDied
    found = results_and_error(pool.imap_unordered(die_at_three, kind(ITEMS), chunksize))
    assert sorted(one for one in found if type(one) is int) == GOOD
    assert [one[0] for one in found if type(one) is not int] == [WorkerDied]


def test_a_worker_dies_in_apply(pool):
    others = [pool.apply_async(slow, (i,)) for i in range(4)]
    errors = []
    with pytest.raises(WorkerDied):
        pool.apply(die_at_three, (3,))
    result = pool.apply_async(die_at_three, (3,), callback=fail, error_callback=errors.append)
    with pytest.raises(WorkerDied):
        result.get(PATIENCE)
    assert [type(error) for error in errors] == [WorkerDied]
    assert not result.successful()
    assert [other.get(PATIENCE) for other in others] == [0, 1, 2, 3]


def test_what_cannot_be_pickled(pool):
    lock = threading.Lock()
    errors = []
    for result in (
        pool.map_async(divide, [1, lock], error_callback=errors.append),
        pool.map_async(lock.__enter__, [1], error_callback=errors.append),
        pool.apply_async(divide, (lock,), error_callback=errors.append),
    ):
        with pytest.raises(UnpicklableTask):
            result.get(PATIENCE)
    assert [type(error) for error in errors] == [UnpicklableTask] * 3
    found = results_and_error(pool.imap(divide, iter([1, lock, 2])))
    assert found[::2] == [1, 2]
    assert found[1][0] is UnpicklableTask
    with pytest.raises(UnpicklableResult):
        pool.map(lock_unless_two, [1, 2])
    assert pool.map(divide, [1]) == [1]


def lock_unless_two(a):
    return threading.Lock() if a != 2 else a


def endless():
    yield from itertools.repeat(PATIENCE)


@pytest.mark.parametrize("how", ["terminate", "with", "thread"])
def test_terminate_during_work(how):
    pool = Pool(2)
    started = time.monotonic()
    told = []
    results = [
        pool.apply_async(time.sleep, (PATIENCE,), error_callback=told.append),
        pool.map_async(time.sleep, [PATIENCE] * 1000, error_callback=told.append),
        pool.map_async(time.sleep, [PATIENCE]),
        pool.apply_async(time.sleep, (PATIENCE,)),
    ]
    iterators = [
        pool.imap(time.sleep, [PATIENCE] * 9),
        pool.imap(time.sleep, endless()),
        pool.imap_unordered(time.sleep, endless(), 3),
    ]
    time.sleep(0.2)
    if how == "with":
        with pool:
            pass
    elif how == "terminate":
        pool.terminate()
    else:
        threading.Timer(0.2, pool.terminate).start()
        with pytest.raises((WorkerDied, CancelledError)):
            results[0].get(PATIENCE)
    for result in results:
        with pytest.raises((WorkerDied, CancelledError)):
            result.get(PATIENCE)
    for iterator in iterators:
        with pytest.raises((WorkerDied, CancelledError)):
            iterator.next(PATIENCE)
    pool.join()
    assert [isinstance(error, (WorkerDied, CancelledError)) for error in told] == [True, True]
    assert time.monotonic() - started < PATIENCE / 2


def test_terminate_ends_even_what_was_taken_back():
    """A map whose only chunk waits in a worker is in no queue."""
    pool = Pool(2)
    busy = [pool.apply_async(time.sleep, (PATIENCE,)) for _ in range(2)]
    workers = pool._executor._scheduler.workers
    assert wait_until(lambda: len(workers) == 2 and all(worker.running for worker in workers.values()))
    result = pool.map_async(time.sleep, [PATIENCE])
    pool.terminate()
    for one in (result, *busy):
        with pytest.raises((WorkerDied, CancelledError)):
            one.get(2)
    pool.join()


def test_collected_while_it_works():
    pool = Pool(2)
    pool.map(divide, [1])
    busy = pool._executor.submit(time.sleep, PATIENCE)  # one that does not keep the pool
    pool.circle = pool
    found = weakref.ref(pool)
    del pool
    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool"):
        gc.collect()
    assert found() is None
    with pytest.raises(WorkerDied):
        busy.result(PATIENCE)


def of_pools_nobody_else_has():
    return [
        Pool(1).map_async(slow, [1, 2]).get(PATIENCE),
        list(Pool(1).imap(slow, [1, 2])),
        list(Pool(1).imap(slow, iter([1, 2]))),
        Pool(1).apply(slow, (1,)),
        Pool(1).apply_async(slow, (1,), callback=divide).get(PATIENCE),
    ]


def test_results_keep_their_pool():
    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool"):
        found = of_pools_nobody_else_has()
    assert found == [[1, 2], [1, 2], [1, 2], 1, 1]
    assert wait_until(lambda: all(not thread.name.startswith("allcores") for thread in threading.enumerate()))


def test_the_program_ends_with_work():
    started = time.monotonic()
    done = run_script(
        """
        import itertools, time
        from allcores.calls.mp_pool import Pool
        pool = Pool(2)
        result = pool.map_async(time.sleep, [1000] * 10, callback=print)
        results = pool.imap(time.sleep, itertools.repeat(1000))
        time.sleep(0.3)
        print("end")
        """
    )
    assert done.stdout == "end\n"
    assert time.monotonic() - started < 30


def test_fork():
    done = run_script(
        """
        import os, time
        from allcores.calls.mp_pool import Pool
        from allcores.pool import NotUsableAfterFork
        pool = Pool(2)
        results = [pool.map_async(time.sleep, [1] * 2), pool.apply_async(time.sleep, (1,), callback=id)]
        iterator = pool.imap(time.sleep, iter([1]))
        child = os.fork()
        if not child:
            for call in (*(result.get for result in results), iterator.next, lambda: pool.map(abs, [1])):
                try:
                    call()
                except NotUsableAfterFork:
                    print("refused", flush=True)
            pool.terminate()
            pool.join()
            with Pool(1) as own:
                print(own.map(abs, [-5]), flush=True)
                own.apply_async(abs, (-6,), callback=lambda value: print(value, flush=True)).wait()
            os._exit(0)
        os.waitpid(child, 0)
        print(results[0].get(), iterator.next())
        pool.close()
        pool.join()
        """
    )
    assert done.stdout.splitlines() == ["refused"] * 4 + ["[5]", "6", "[None, None] None"]
    assert NotUsableAfterFork.__name__ not in done.stderr


def test_started_by_fork_again_and_again():
    done = run_script(
        """
        import os
        from allcores.calls.mp_pool import Pool
        os.environ["OMP_NUM_THREADS"] = "1"
        for i in range(3):
            with Pool(1, context="fork") as pool:
                print(pool.apply_async(abs, (-i,), callback=lambda value: None).get())
            pool.join()
        """
    )
    assert done.stdout == "0\n1\n2\n"
