"""`map` and its like: results, options, faults; where they run, and that it makes no difference."""

import functools
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import run_script

import allcores as ac
from allcores.calls import probing

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="processes are for POSIX systems"),
    pytest.mark.usefixtures("common_executors"),
]

PATIENCE = 60


@pytest.fixture(autouse=True)
def nothing_seen():
    probing.forget()


ENGINES = ("auto", "serial", "threads", "processes")


@pytest.fixture(params=ENGINES)
def engine(request):
    with ac.using(request.param):
        yield request.param


def double(x):
    return 2 * x


def fail_on(bad, x):
    if x == bad:
        raise ZeroDivisionError(f"of {x}")
    return x


def crash_on(bad, x):
    if x == bad:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def crash_once(path, x):
    if x == 3 and not path.exists():
        path.touch()
        os._exit(1)
    return x


def sleep_on(bad, x):
    time.sleep(100 if x == bad else 0)
    return x


def busy(seconds, x=None):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return x


def busy_there(seconds):
    busy(seconds)
    return os.getpid()


def waits(_):
    time.sleep(0.0004)
    return os.getpid()


def where(_):
    return os.getpid(), threading.get_ident()


# --- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 3, 100, 5000])
def test_map(engine, n):
    expected = [2 * x for x in range(n)]
    assert ac.map(double, range(n)) == expected
    assert ac.map(double, list(range(n))) == expected
    assert ac.map(double, iter(range(n))) == expected
    assert ac.map(lambda x: 2 * x, tuple(range(n)), workers=1) == expected
    assert ac.map(pow, range(n), itertools.repeat(2)) == [x * x for x in range(n)]
    assert ac.starmap(divmod, [(x, 3) for x in range(n)]) == [divmod(x, 3) for x in range(n)]
    assert ac.map(double, range(n), workers=3) == expected


@pytest.mark.parametrize(
    "options", [{"chunksize": 7}, {"buffersize": 5}, {"timeout": 30}, {"retries": 2}, {"workers": 1}]
)
def test_options_change_no_result(options):
    assert ac.map(double, range(100), **options) == list(range(0, 200, 2))
    assert ac.starmap(divmod, [(x, 3) for x in range(30)], **options) == [divmod(x, 3) for x in range(30)]
    assert list(ac.imap(double, range(100), **options)) == list(range(0, 200, 2))
    assert list(ac.imap(pow, range(30), itertools.repeat(2), **options)) == [x * x for x in range(30)]
    assert sorted(ac.imap_unordered(double, range(100), **options)) == list(range(0, 200, 2))


def test_it_runs_where_it_is_told():
    here = where(0)
    with ac.using("serial"):
        assert set(ac.map(where, range(10))) == {here}
    with ac.using("threads"):
        found = set(ac.map(where, range(10)))
        assert {pid for pid, _ in found} == {here[0]}
        assert here not in found
    with ac.using("processes"):
        assert here[0] not in {pid for pid, _ in ac.map(where, range(10))}
    assert here[0] not in {pid for pid, _ in ac.imap(where, range(10))}
    assert ac.apply(where, (0,))[0] != here[0]
    assert set(ac.map(where, range(10), workers=1)) == {here}


def test_omp_num_threads_is_not_for_processes():
    script = """
        import os, allcores as ac
        from allcores.limits import engine_here
        print(engine_here()[1])
        with ac.limit(threads=1):
            print(engine_here()[1])
    """
    plain, limited = (run_script(script, OMP_NUM_THREADS=n).stdout.split() for n in (None, 1))
    assert plain == limited == [str(min(os.cpu_count(), int(plain[0]))), "1"]
    assert run_script(script, ALLCORES_NUM_THREADS=1).stdout.split() == ["1", "1"]


def test_cheap_functions_stay_here():
    assert set(ac.map(where, range(100))) == {where(0)}
    assert ac.explain(ac.map, where, range(100)).engine == "serial"


def test_what_takes_long_goes_to_workers():
    # The first call takes 0.1 s under Python's lock: workers begin with the others meanwhile.
    found = ac.map(lambda _: (busy(0.1), os.getpid())[1], range(12))
    assert os.getpid() in found
    assert set(found) - {os.getpid()}
    plan = ac.explain(ac.map, busy, [0.1] * 100)
    assert plan.engine == "serial"
    assert "nothing is known" in plan.why


def test_a_long_first_call_keeps_nobody_waiting():
    def work(x):
        busy(4.0 if x == 0 else 0.3)
        return os.getpid()

    begin = time.perf_counter()
    found = ac.map(work, range(5))
    assert found[0] == os.getpid()
    assert os.getpid() not in found[1:]
    assert time.perf_counter() - begin < 4.0 + 4 * 0.3 or os.cpu_count() == 1


def test_calls_that_release_the_lock_go_to_threads():
    done = threading.Event()

    def work(_):
        time.sleep(0.02)
        return os.getpid(), done.is_set()  # an Event: this function could not be pickled

    found = ac.map(work, range(60))
    assert set(found) == {(os.getpid(), False)}
    known, plan = probing.seen(work)
    assert known.released > 0.5
    assert plan.engine == "threads"


def test_what_took_long_is_begun_elsewhere_with_the_first_call(monkeypatch):
    monkeypatch.setattr(
        probing._Watcher, "look", lambda *_: None
    )  # which on a slow machine has it begun elsewhere, too
    ac.map(where, range(2), workers=2, chunksize=1)  # starts the workers
    here = [os.getpid()] * 2
    for _ in range(2):
        assert ac.map(busy_there, [0.004] * 2, workers=2) == here
    found = ac.map(busy_there, [0.004] * 2, workers=2)
    assert found[0] == os.getpid()
    assert found[1] != os.getpid()
    ac.map(busy_there, [0.0] * 2, workers=2)  # it may be cheap again: the next two maps stay here
    for _ in range(2):
        assert ac.map(busy_there, [0.004] * 2, workers=2) == here
    assert ac.map(busy_there, [0.004] * 2, workers=2) != here


def test_partial_functions_are_told_apart():
    assert probing.key_of(functools.partial(functools.partial(busy, 1), 2)) == probing.key_of(busy)
    assert probing.key_of(functools.partial(len)) != probing.key_of(functools.partial(abs))


def test_what_waits_goes_to_threads_at_once():
    assert set(ac.map(waits, range(8), workers=2)) == {os.getpid()}
    plan = probing.seen(waits)[1]
    assert plan.engine == "threads"


def test_what_cannot_be_pickled_stays_here():
    lock = threading.Lock()

    def work(x):
        with lock:
            busy(0.002)
        return x

    assert ac.map(work, range(100)) == list(range(100))
    known, plan = probing.seen(work)
    assert "pickle" in known.unsendable
    assert plan.engine == "serial"
    with ac.using("processes"), pytest.raises(ac.UnpicklableTask):
        ac.map(work, range(100))


def test_without_processes_it_stays_here(monkeypatch, common_executors):
    def refuse(*_):
        raise OSError(24, "no more files")

    ac.shutdown()
    monkeypatch.setattr("allcores.calls.probing.executor", refuse)
    assert ac.map(functools.partial(busy, 0.002), range(200)) == list(range(200))
    common_executors()
    assert "no more files" in probing.seen(functools.partial(busy, 0.002))[0].unsendable


def test_a_broken_executor_is_replaced():
    from allcores.calls import executors

    broken = executors.executor()
    broken._scheduler._break(ac.PoolBroken("as a test"))
    with pytest.raises(ac.PoolBroken):
        broken.submit(abs, 1)
    assert ac.apply(abs, (-1,)) == 1
    assert executors.executor() is not broken
    broken.shutdown()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-1000, 1000), max_size=200), st.sampled_from(ENGINES), st.integers(1, 3))
def test_map_is_map(items, engine, workers):
    with ac.using(engine):
        assert ac.map(double, items, workers=workers) == [double(x) for x in items]


# --- errors and faults ------------------------------------------------------------------------------------------------


def test_the_first_error_is_raised(engine):
    with pytest.raises(ZeroDivisionError, match="of 5"):
        ac.map(functools.partial(fail_on, 5), range(100))
    with pytest.raises(ZeroDivisionError, match="of 5"):
        ac.starmap(fail_on, [(5, x) for x in range(10)])

    def items():
        yield from range(3)
        raise KeyError("of the items")

    with pytest.raises(KeyError, match="of the items"):
        ac.map(double, items())
    assert ac.map(double, [1]) == [2]


def test_errors_may_be_returned():
    found = ac.map(functools.partial(fail_on, 5), range(10), errors="return")
    assert isinstance(found[5], ZeroDivisionError)
    assert found[:5] + found[6:] == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    found = list(ac.imap(functools.partial(crash_on, 5), range(10), errors="return", chunksize=10))
    assert isinstance(found[5], ac.WorkerDied)
    assert found[:5] + found[6:] == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    found = list(ac.imap_unordered(functools.partial(fail_on, 5), range(10), errors="return"))
    assert sum(isinstance(one, ZeroDivisionError) for one in found) == 1
    assert {one for one in found if isinstance(one, int)} == set(range(10)) - {5}


def test_a_killed_worker_fails_its_item(tmp_path):
    crash = functools.partial(crash_on, 3)
    with ac.using("processes"):
        for call in (lambda: ac.map(crash, range(20)), lambda: ac.starmap(crash, [(x,) for x in range(20)])):
            with pytest.raises(ac.WorkerDied, match="SIGKILL"):
                call()
    results = ac.imap(crash, range(8))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ac.WorkerDied):
        next(results)
    with pytest.raises(ac.WorkerDied):
        list(ac.imap_unordered(crash, range(8)))
    with pytest.raises(ac.WorkerDied):
        ac.apply(crash, (3,))
    with pytest.raises(ac.WorkerDied):
        ac.submit(crash, 3).result(PATIENCE)
    for i, options in enumerate(({"retries": 1}, {"retries": 1, "chunksize": 5}, {"retries": 1, "timeout": 60})):
        assert ac.map(functools.partial(crash_once, tmp_path / str(i)), range(10), **options) == list(range(10))


def test_timeouts_are_of_each_item():
    begin = time.perf_counter()
    with pytest.raises(ac.TaskTimeout, match=r"timeout of 0.3 s"):
        ac.map(functools.partial(sleep_on, 2), range(5), timeout=0.3)
    found = ac.map(functools.partial(sleep_on, 2), range(5), timeout=0.3, errors="return", retries=1)
    assert isinstance(found[2], ac.TaskTimeout)
    assert found[:2] + found[3:] == [0, 1, 3, 4]
    assert time.perf_counter() - begin < 30
    # Items that take long together do not time out.
    assert ac.map(time.sleep, [0.1] * 8, timeout=0.7) == [None] * 8


def test_dropped_iterators_hand_out_no_more(tmp_path):
    def note(x):
        (tmp_path / str(x)).touch()
        time.sleep(0.05)
        return x

    results = ac.imap(note, range(1000))
    first = next(results)
    del results
    assert first == 0
    time.sleep(0.3)
    count = len(list(tmp_path.iterdir()))
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) == count < 100


def test_endless_items_within_a_buffer():
    taken = 0

    def items():
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = ac.imap(double, items(), buffersize=20)
    assert list(itertools.islice(results, 1000)) == list(range(2, 2002, 2))
    assert taken <= 1022
    taken = 0
    results = ac.imap_unordered(double, items(), buffersize=20)
    assert len(list(itertools.islice(results, 1000))) == 1000
    assert taken <= 1022


def test_many_items_take_constant_memory():
    done = run_script("""
        import resource, allcores as ac
        count = total = 0
        for i, x in enumerate(ac.imap(len, (bytes(1000) for _ in range(100_000)), buffersize=1000)):
            total += x
            if i == 10_000:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert total == 100_000_000
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """)
    assert int(done.stdout) < 10_000  # KiB; all items together are 100 MB


# --- options ----------------------------------------------------------------------------------------------------------


def draw(x, *, rng):
    return x, float(rng.random())


def test_seeds_give_each_item_its_own_numbers(engine):
    expected = [
        (x, float(np.random.default_rng(np.random.SeedSequence(7, spawn_key=(x,))).random())) for x in range(20)
    ]
    assert ac.map(draw, range(20), seed=7) == expected
    assert ac.starmap(draw, [(x,) for x in range(20)], seed=7, workers=3) == expected
    assert ac.map(draw, range(20), seed=7, chunksize=3) == expected
    assert list(ac.imap(draw, range(20), seed=7)) == expected
    assert sorted(ac.imap_unordered(draw, range(20), seed=7)) == expected
    assert ac.map(draw, range(20), seed=8) != expected


_started = []


def note_start(x):
    _started.append(x)


def started(_):
    return _started


def test_initializers_have_workers_of_their_own():
    assert ac.map(started, range(4), initializer=note_start, initargs=(5,)) == [[5]] * 4
    assert list(ac.imap(started, range(4), initializer=note_start, initargs=(6,))) == [[6]] * 4
    assert ac.apply(started, (0,)) == []
    results = ac.imap(started, range(4), initializer=note_start, initargs=(6,))
    assert next(results) == [6]
    del results


def test_progress(monkeypatch):
    shown = []

    class Bar:
        def __init__(self, total):
            shown.append(["total", total, 0, False])

        def update(self, count=1):
            shown[-1][2] += count

        def close(self):
            shown[-1][3] = True

    import types

    for name in ("tqdm", "tqdm.auto"):
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(tqdm=Bar))
    ac.map(double, range(50), progress=True)
    list(ac.imap(double, range(50), progress=True))
    list(ac.imap_unordered(double, (x for x in range(50)), progress=True))
    with pytest.raises(ZeroDivisionError):
        ac.map(functools.partial(fail_on, 1), range(3), progress=True)
    assert shown[:3] == [["total", 50, 50, True]] * 2 + [["total", None, 50, True]]
    assert shown[3][3]
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        ac.map(double, range(3), progress=True)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"workers": 0}, ValueError, "workers must be at least 1, got 0"),
        ({"workers": 1.5}, TypeError, "workers must be an integer, got 1.5"),
        ({"chunksize": 0}, ValueError, "chunksize must be at least 1, got 0"),
        ({"buffersize": -1}, ValueError, "buffersize must be at least 1, got -1"),
        ({"timeout": 0}, ValueError, "timeout must be above 0 seconds, got 0"),
        ({"retries": -1}, ValueError, "retries must be 0 or more, got -1"),
        ({"errors": "ignore"}, ValueError, "errors must be 'raise' or 'return', got 'ignore'"),
        ({"initializer": 3}, TypeError, "initializer must be callable, got 3"),
        ({"worker": 2}, TypeError, "there is no option 'worker'"),
    ],
)
def test_wrong_options_are_named(options, error, match):
    for call in (ac.map, ac.imap, ac.imap_unordered, ac.map_async):
        with pytest.raises(error, match=match):
            call(double, [1, 2], **options)
    with pytest.raises(TypeError, match="function must be callable, got 3"):
        ac.map(3, [1])
    with pytest.raises(TypeError, match="at least one iterable"):
        ac.map(double)
    with pytest.raises(TypeError, match="not iterable"):
        ac.map(double, 3)


# --- surroundings -----------------------------------------------------------------------------------------------------


def nested(depth):
    return 1 if depth == 0 else 1 + sum(ac.map(nested, [depth - 1] * 2))


def test_nested_maps():
    expected = [1, 3, 7, 15]
    with ac.using("processes"):
        assert ac.map(nested, range(4)) == expected
    assert list(ac.imap(nested, range(4))) == expected


def test_several_threads_at_once():
    found = {}

    def work(k):
        found[k] = [ac.map(double, range(k, k + 500)), list(ac.imap(double, range(k, k + 50)))]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(6):
        assert found[k] == [[2 * x for x in range(k, k + 500)], [2 * x for x in range(k, k + 50)]]


def test_after_a_fork():
    run_script("""
        import os, allcores as ac
        assert list(ac.imap(abs, [-1, 2])) == [1, 2]
        pid = os.fork()
        if not pid:
            ok = list(ac.imap(abs, [-1, 2])) == [1, 2] and ac.map(abs, range(-50, 0))[0] == 50
            ac.shutdown()
            os._exit(0 if ok else 1)
        assert os.waitpid(pid, 0)[1] == 0
        assert list(ac.imap(abs, [-1, 2])) == [1, 2]
    """)


def test_main_functions_and_exit():
    done = run_script("""
        import allcores as ac
        class Point:
            def __init__(self, x):
                self.x = x
        def move(p, by):
            return Point(p.x + by)
        if __name__ == "__main__":
            print([p.x for p in ac.imap(move, [Point(1), Point(2)], [10, 20])])
            with ac.using("processes"):
                print([p.x for p in ac.map(move, [Point(1), Point(2)], [10, 20])])
            kept = ac.imap(move, [Point(i) for i in range(1000)], [1] * 1000)  # not taken at the end
            ac.submit(print, "printed at the end", flush=True)
    """)
    first, second, last = done.stdout.splitlines()
    assert first == second == "[11, 22]"
    assert last.startswith("[worker ")
    assert last.endswith("] printed at the end")


def test_maps_and_tasks_at_the_end_of_the_program():
    done = run_script("""
        import atexit
        import allcores as ac
        def at_exit():
            print(ac.map(abs, range(-3, 0)), flush=True)
            try:
                print(ac.submit(abs, -4).result(60))
            except RuntimeError as error:  # since CPython 3.12
                print(error)
        atexit.register(at_exit)
    """)
    first, second = done.stdout.splitlines()
    assert first == "[3, 2, 1]"
    assert second in ("4", "can't create new thread at interpreter shutdown")


@pytest.mark.parametrize(("name", "shown"), [("parameter_sweep", "failed: a queue"), ("producer_consumer", "8 frames")])
def test_examples_run(name, shown):
    script = Path(__file__).parents[1] / "examples" / f"{name}.py"
    done = subprocess.run([sys.executable, script, "8"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
