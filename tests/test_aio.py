"""`allcores.aio`: results and errors at their places, what a cancellation ends, how far sources are taken."""

import asyncio
import contextlib
import gc
import itertools
import os
import signal
import threading
import time
import weakref
from pathlib import Path

import kill_fuzzer
import pytest

import allcores as ac
from allcores.calls import aio
from allcores.calls.executors import executor, shutdown
from allcores.pool import TaskTimeout, UnpicklableTask, WorkerDied
from allcores.pool.results import Options

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are for POSIX systems")

PATIENCE = 60


@pytest.fixture(autouse=True)
def leaves_nothing_running():
    if not Path("/proc/self/fd").is_dir():
        yield
        shutdown()
        return
    before = kill_fuzzer.what_is_there()
    yield
    shutdown()
    assert kill_fuzzer.what_is_there() == before


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE))


def divide(a, b):
    return a // b


def inverse(x):
    return 1 / x


def slow_if(limit, x):
    if x >= limit:
        time.sleep(PATIENCE)
    return x


def slow_from_three(x):
    return slow_if(3, x)


def die_at_three(x):
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def note_and_sleep(path):
    path.with_name(f"{path.name}-{os.getpid()}").touch()
    time.sleep(PATIENCE)


def own_pid(_):
    time.sleep(0.01)
    return os.getpid()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.01)
    return condition()


async def counted(n, taken=None):
    for i in range(n) if n is not None else itertools.count():
        if taken is not None:
            taken.append(i)
        yield i


async def collected(stream):
    return [result async for result in stream]


def test_results():
    assert run(aio.submit(divide, 7, b=2)) == 3
    assert run(aio.map(abs, [-1, 2, -3])) == [1, 2, 3]
    assert run(aio.map(abs, [])) == []
    assert run(aio.map(divide, [9, 8, 7], [1, 2, 3, 4])) == [9, 4, 2]
    assert run(aio.map(abs, range(-3000, 0), workers=2)) == list(range(3000, 0, -1))
    assert run(aio.map(abs, iter(range(-50, 0)), chunksize=7, buffersize=20)) == list(range(50, 0, -1))
    assert run(aio.starmap(divide, [(9, 1), (8, 2)])) == [9, 4]
    assert run(aio.map(abs, counted(100))) == list(range(100))
    assert run(collected(aio.imap(abs, range(-50, 0)))) == list(range(50, 0, -1))
    assert run(collected(aio.imap(abs, counted(50), buffersize=5))) == list(range(50))
    assert run(collected(aio.imap(divide, [9, 8], itertools.count(1)))) == [9, 4]
    assert sorted(run(collected(aio.imap_unordered(abs, counted(50))))) == list(range(50))


def test_unordered_results_come_as_they_are_there():
    async def main():
        return [x async for x in aio.imap_unordered(time.sleep, [0.5, 0], workers=2, chunksize=1)]

    async def numbers():
        async for x in aio.imap_unordered(slow_from_three, [5, 0, 1, 2], workers=2, chunksize=1):
            if x == 2:
                return True
        return False

    assert run(main()) == [None, None]
    assert run(numbers())


def test_errors_are_at_their_places():
    async def main():
        stream = aio.imap(inverse, [1, 0, 2, 0], chunksize=2)
        found = [await anext(stream)]
        with pytest.raises(ZeroDivisionError) as caught:
            await anext(stream)
        assert "inverse" in str(caught.value.__cause__)
        found.append(await anext(stream))
        with pytest.raises(ZeroDivisionError):
            await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        return found

    assert run(main()) == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        run(aio.map(inverse, [1, 0, 2]))
    with pytest.raises(ZeroDivisionError):
        run(aio.submit(inverse, 0))
    for found in (
        run(aio.map(inverse, [1, 0, 2], errors="return")),
        run(collected(aio.imap(inverse, [1, 0, 2], errors="return"))),
    ):
        assert found[::2] == [1, 0.5]
        assert isinstance(found[1], ZeroDivisionError)


def test_an_error_ends_what_else_runs():
    async def main():
        before = time.monotonic()
        with pytest.raises(ZeroDivisionError):
            await aio.map(inverse_or_sleep, [0, 1, 1], workers=2, chunksize=1)
        assert time.monotonic() - before < PATIENCE / 2
        return await aio.map(abs, [-1], workers=2)

    assert run(main()) == [1]


def inverse_or_sleep(x):
    if x:
        time.sleep(PATIENCE)
    return 1 / x


@pytest.mark.parametrize("how", ["submit", "map", "imap", "async source"])
def test_cancelling_ends_the_workers(how, tmp_path):
    def pids():
        return [int(path.name.rpartition("-")[2]) for path in tmp_path.iterdir()]

    async def endless():
        while True:
            yield tmp_path / "a"

    async def iterate(source):
        async for _ in aio.imap(note_and_sleep, source, workers=2):
            raise AssertionError

    async def main():
        work = {
            "submit": lambda: aio.submit(note_and_sleep, tmp_path / "a"),
            "map": lambda: aio.map(note_and_sleep, [tmp_path / "a"] * 9, workers=2, chunksize=1),
            "imap": lambda: iterate([tmp_path / "a"] * 9),
            "async source": lambda: iterate(endless()),
        }[how]
        task = asyncio.create_task(work())
        assert await until(pids)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await until(lambda: not any(alive(pid) for pid in pids()), 2)
        ended = len(pids())
        assert await aio.map(abs, [-1, -2], workers=2) == [1, 2]
        assert len(pids()) == ended  # nothing else of it was begun
        assert len(asyncio.all_tasks()) <= 2  # this one, and that of wait_for

    run(main())


@pytest.mark.parametrize("how", ["break", "aclose", "error", "dropped"])
def test_leaving_ends_the_workers(how):
    async def main():
        pool = executor(2)
        stream = aio.imap(slow_from_three, counted(None), workers=2, timeout=PATIENCE)

        def running():
            return [worker.pid for worker in pool._scheduler.workers.values() if worker.running is not None]

        if how == "aclose":
            async with contextlib.aclosing(stream):
                assert [await anext(stream) for _ in range(3)] == [0, 1, 2]
                assert await until(lambda: len(running()) == 2)
                pids = running()
        elif how == "dropped":
            assert await anext(stream) == 0
            assert await until(lambda: len(running()) == 2)
            pids = running()
            del stream
        else:
            with contextlib.suppress(KeyError):
                iterated, stream = stream, None
                async for x in iterated:
                    if x == 2:
                        assert await until(lambda: len(running()) == 2)
                        pids = running()
                        if how == "error":
                            raise KeyError
                        break
                del iterated
            if how == "error":
                del iterated
        gc.collect()
        assert await until(lambda: not any(alive(pid) for pid in pids), 2)
        assert await aio.map(abs, range(-10, 0), workers=2) == list(range(10, 0, -1))

    run(main())


def test_cancelling_leaves_the_work_of_others_alone():
    async def main():
        others = asyncio.create_task(aio.map(own_pid, range(100), workers=2, chunksize=1))
        for _ in range(10):
            task = asyncio.create_task(aio.map(time.sleep, [0.02] * 20, workers=2, chunksize=1))
            await asyncio.sleep(0.05)
            task.cancel()
        return await others

    assert len(run(main())) == 100


def until_second_time(path):
    if not path.exists():
        path.touch()
        time.sleep(PATIENCE)
    return "done"


def test_a_kill_that_comes_too_late_for_its_item_harms_no_other(tmp_path):
    with ac.Executor(1) as pool:
        ended = pool.start_map(time.sleep, [[0.5]], Options(chunksize=1))
        other = pool.start_map(until_second_time, [[tmp_path / "begun"]], Options(chunksize=1))
        (worker,) = pool._scheduler.workers.values()
        with worker.reading:  # nobody hears that the first is done, and that the second runs
            end = time.monotonic() + PATIENCE
            while not (tmp_path / "begun").exists() and time.monotonic() < end:
                time.sleep(0.01)
            assert worker.running.job is ended._feed.job
            ended.stop()
        assert list(other) == ["done"]


def test_what_was_sent_ahead_does_not_run_once_it_is_cancelled(tmp_path):
    with ac.Executor(1) as pool:
        first = pool.start_map(time.sleep, [[0.5]], Options(chunksize=1))
        ahead = pool.start_map(until_second_time, [[tmp_path / "begun"]], Options(chunksize=1))
        (worker,) = pool._scheduler.workers.values()
        end = time.monotonic() + PATIENCE
        while worker.ahead is None and time.monotonic() < end:
            time.sleep(0.01)
        ahead.stop()
        assert list(first) == [None]
        assert pool.submit(abs, -1).result(PATIENCE) == 1
        assert not (tmp_path / "begun").exists()


def test_timeouts_and_retries():
    async def main():
        with pytest.raises(TaskTimeout):
            await aio.submit(time.sleep, PATIENCE, timeout=0.2)
        # The start of a worker and what a task imports count: not a function of this module.
        found = await aio.map(time.sleep, [0, 0, 0, PATIENCE], timeout=2, retries=1, errors="return")
        assert found[:3] == [None] * 3
        assert isinstance(found[3], TaskTimeout)

    run(main())


def test_a_killed_worker_fails_its_own_item():
    async def main():
        found = await aio.map(die_at_three, range(10), errors="return")
        assert isinstance(found.pop(3), WorkerDied)
        assert found == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        with pytest.raises(WorkerDied):
            await aio.submit(die_at_three, 3)
        with pytest.raises(WorkerDied):
            await collected(aio.imap(die_at_three, counted(10)))

    run(main())


def test_what_cannot_be_pickled():
    async def main():
        with pytest.raises(UnpicklableTask):
            await aio.submit(abs, threading.Lock())
        found = await aio.map(abs, [1, threading.Lock(), 2], errors="return")
        assert found[::2] == [1, 2]
        assert isinstance(found[1], UnpicklableTask)
        with pytest.raises(UnpicklableTask):
            await aio.map(threading.Lock().acquire, [1])

    run(main())


@pytest.mark.parametrize("ordered", [True, False])
def test_sources_are_taken_as_far_as_the_buffer(ordered):
    async def main():
        taken, results = [], 0
        async for _ in aio.imap(abs, counted(None, taken), buffersize=10, ordered=ordered):
            results += 1
            assert len(taken) <= results + 10
            if results == 100:
                await asyncio.sleep(0.1)
                assert len(taken) <= results + 10
                break
        taken.clear()
        results = 0
        async for _ in aio.imap(abs, (taken.append(x) or x for x in itertools.count()), ordered=ordered):
            results += 1
            assert len(taken) <= results + 4 * executor()._max_workers
            if results == 100:
                break

    run(main())


class Item:
    live = 0

    def __init__(self, number):
        self.number = number
        Item.live += 1
        weakref.finalize(self, Item.gone)

    @staticmethod
    def gone():
        Item.live -= 1

    def __reduce__(self):
        return int, (self.number,)


def test_many_items_in_constant_memory():
    async def main():
        most, total = 0, 0
        source = (Item(i) for i in range(100_000))
        async for x in aio.imap(abs, source, buffersize=2000):
            most = max(most, Item.live)
            assert x == total
            total += 1
        return total, most

    total, most = run(main())
    assert total == 100_000
    assert most <= 2001
    assert Item.live == 0


def test_trivial_items_wake_the_loop_now_and_then(monkeypatch):
    async def main():
        loop = asyncio.get_running_loop()
        woken = []
        tell = loop.call_soon_threadsafe
        monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *args: (woken.append(1), tell(*args))[1])
        assert len(await aio.map(abs, range(10_000), workers=2)) == 10_000
        return len(woken)

    assert run(main()) < 1000


def test_the_loop_goes_on_meanwhile():
    async def main():
        await aio.submit(abs, 1)
        work = asyncio.create_task(aio.map(time.sleep, [0.5] * 4, workers=2))
        beats = 0
        while not work.done():
            await asyncio.sleep(0.01)
            beats += 1
        return beats

    assert run(main()) > 20


def test_sources_that_raise():
    async def source(n):
        async for i in counted(n):
            yield i
        raise KeyError("source")

    def plain(n):
        yield from range(n)
        raise KeyError("source")

    async def main():
        for make in (source, plain):
            stream = aio.imap(abs, make(7))
            assert [await anext(stream) for _ in range(7)] == list(range(7))
            with pytest.raises(KeyError, match="source"):
                await anext(stream)
            with pytest.raises(KeyError, match="source"):
                await aio.map(abs, make(7))

    run(main())


def test_the_end_of_the_executor_ends_the_iteration():
    async def main():
        stream = aio.imap(abs, counted(None), workers=2)
        assert await anext(stream) == 0
        await asyncio.to_thread(shutdown)
        with pytest.raises(RuntimeError, match="after shutdown"):
            async for _ in stream:
                pass

    run(main())


def test_several_loops_at_once_and_in_turn():
    found = []

    def one(n):
        found.append(run(aio.map(abs, range(-n, 0), workers=2)) == list(range(n, 0, -1)))

    threads = [threading.Thread(target=one, args=(2000 + i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert found == [True] * 4
    one(10)
    assert found[-1]


def test_a_loop_that_is_closed_on_running_work():
    streams = []

    async def main():
        streams.append(aio.imap(slow_from_three, counted(None), workers=2))
        assert await anext(streams[0]) == 0

    before = time.monotonic()
    run(main())  # ends the iteration, though it is still referred to
    assert run(aio.map(abs, [-1, -2], workers=2)) == [1, 2]
    assert time.monotonic() - before < PATIENCE / 2


def test_what_is_refused():
    async def refused(*args, **options):
        with pytest.raises((TypeError, ValueError)) as caught:
            await aio.map(*args, **options)
        return str(caught.value)

    assert run(refused(1, [1])) == "f must be callable, got 1"
    assert run(refused(abs)) == "iterables must be at least one, got none"
    assert run(refused(abs, [1], workers=0)) == "workers must be 1 or more, got 0"
    assert run(refused(abs, [1], chunksize=0)) == "chunksize must be 1 or more, got 0"
    assert run(refused(abs, [1], buffersize=-1)) == "buffersize must be 1 or more, got -1"
    assert run(refused(abs, [1], timeout=0)) == "timeout must be above 0 seconds, got 0"
    assert run(refused(abs, [1], retries=-1)) == "retries must be 0 or more, got -1"
    assert run(refused(abs, [1], errors="no")) == "errors must be 'raise' or 'return', got 'no'"
    assert run(refused(abs, counted(1), [1])) == "iterables must be one if it is an async iterable, got 2"
    assert "not iterable" in run(refused(abs, 1))
    with pytest.raises(ValueError, match="workers"):
        aio.imap(abs, [1], workers=0)
