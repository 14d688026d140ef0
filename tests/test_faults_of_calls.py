"""Every call that runs Python functions in processes, under every fault: workers killed, items that raise, that never
return, Ctrl-C. Which calls there are is listed in faulty_calls.py.
"""

import functools
import os
from pathlib import Path

import pytest
from faulty_calls import (
    BAD,
    CALLS,
    COUNT,
    RIGHT,
    alive,
    double,
    killed_at,
    killed_once,
    pids,
    raises_behind,
    sleeps_at,
    wait_until,
)
from support import run_script

import allcores as ac
from allcores.calls import executors

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at processes in /proc"),
    pytest.mark.usefixtures("processes_that_leave_nothing"),
]

GOOD = RIGHT[:BAD] + RIGHT[BAD + 1 :]


def named(*, options=(), kinds=("whole", "each", "one"), iterables=False):
    """Parametrize with the calls that have these options."""
    found = [
        name
        for name, call in CALLS.items()
        if call.kind in kinds and call.options.issuperset(options) and (call.takes_iterables or not iterables)
    ]
    assert found
    return pytest.mark.parametrize("name", found)


def failed(call, found, kind):
    """Assert that the bad item has this error, and all others their results."""
    errors = [one for one in found if isinstance(one, BaseException)]
    assert [type(error) for error in errors] == [kind]
    if call.ordered:
        assert found[BAD] is errors[0]
        assert found[:BAD] + found[BAD + 1 :] == GOOD
    else:
        assert sorted(one for one in found if isinstance(one, int)) == GOOD


def works(call):
    found = call.run(double, range(COUNT))
    assert (found if call.ordered else sorted(found)) == RIGHT


# --- a worker is killed -----------------------------------------------------------------------------------------------


@named()
def test_a_worker_is_killed(name):
    call = CALLS[name]
    f = functools.partial(killed_at, BAD)
    if call.kind == "whole":
        with pytest.raises(ac.WorkerDied, match="SIGKILL"):
            call.run(f, range(COUNT))
    else:
        failed(call, call.run(f, range(COUNT)), ac.WorkerDied)
    works(call)


@named(options=["retries"])
def test_a_worker_is_killed_and_the_item_tried_again(name, tmp_path):
    call = CALLS[name]
    found = call.run(functools.partial(killed_once, tmp_path / "once"), range(COUNT), retries=1)
    assert (found if call.ordered else sorted(found)) == RIGHT
    if call.kind == "whole":
        with pytest.raises(ac.WorkerDied):
            call.run(functools.partial(killed_at, BAD), range(COUNT), retries=1)


@named(options=["errors"])
def test_a_worker_is_killed_and_the_error_returned(name):
    call = CALLS[name]
    failed(call, call.run(functools.partial(killed_at, BAD), range(COUNT), errors="return"), ac.WorkerDied)


# --- the iterable raises ----------------------------------------------------------------------------------------------


@named(kinds=("whole", "each"), iterables=True)
def test_the_iterable_raises(name):
    call = CALLS[name]
    for buffersize in (None, 2, 100) if "buffersize" in call.options else (None,):
        the_iterable_raises(name, call, buffersize)
    works(call)


def the_iterable_raises(name, call, buffersize):
    options = {} if buffersize is None else {"buffersize": buffersize}
    if call.kind != "each" or (name == "Executor.map" and buffersize is None):  # that one as in concurrent.futures
        with pytest.raises(KeyError, match="of the items"):
            call.run(double, raises_behind(COUNT), **options)
    else:
        *found, error = call.run(double, raises_behind(COUNT), **options)
        assert (found if call.ordered else sorted(found)) == RIGHT
        assert type(error) is KeyError
        assert error.args == ("of the items",)
        *found, error = call.run(double, raises_behind(0), **options)
        assert found == []
        assert type(error) is KeyError


def test_items_behind_an_item_that_raises():
    for buffersize in (None, 1, 2, 100):
        for error in ("raise", "return"):
            results = ac.imap(divmod, [1, 1, 1, 1, 1], [1, 0, 1, 0, 1], buffersize=buffersize, errors=error)
            found = []
            while len(found) < 5:
                try:
                    found.append(next(results))
                except ZeroDivisionError as problem:
                    found.append(problem)
            assert found[::2] == [(1, 0)] * 3
            assert [type(one) for one in found[1::2]] == [ZeroDivisionError] * 2
            assert next(results, "end") == "end"


def test_more_items_are_refused_after_shutdown():
    executor = ac.Executor(2)
    results = executor.map(double, iter(range(10)), buffersize=2)
    assert next(results) == 0
    executor.shutdown()
    assert [next(results), next(results)] == [2, 4]
    with pytest.raises(RuntimeError, match="after shutdown"):
        next(results)


# --- items that never return ------------------------------------------------------------------------------------------


@named(options=["timeout"])
def test_an_item_takes_too_long(name, tmp_path):
    call = CALLS[name]
    f = functools.partial(sleeps_at, BAD, tmp_path)
    if call.kind == "whole":
        with pytest.raises(ac.TaskTimeout, match=r"timeout of 1.0 s"):
            call.run(f, range(COUNT), timeout=1.0)
    else:
        failed(call, call.run(f, range(COUNT), timeout=1.0), ac.TaskTimeout)
    (pid,) = pids(tmp_path)
    wait_until(lambda: not alive(pid))
    works(call)


def waits(folder):
    """Return waits for an item that never returns, each with what else ends it."""
    f = functools.partial(sleeps_at, None, folder)
    executor, pool = ac.Executor(1), ac.Pool(1)
    futures = [ac.submit(f, 0), executor.submit(f, 0)]
    return {
        **{f"future {i}": lambda wait=future.result: wait(0.2) for i, future in enumerate(futures)},
        "future.exception": lambda: futures[0].exception(0.2),
        "apply_async": lambda: ac.apply_async(f, (1,)).get(0.2),
        "map_async": lambda: ac.map_async(f, [1]).get(0.2),
        "Executor.map": lambda: next(executor.map(f, [1], timeout=0.2)),
        "Pool.apply_async": lambda: pool.apply_async(f, (1,)).get(0.2),
        "Pool.map_async": lambda: pool.map_async(f, [1]).get(0.2),
        "Pool.imap": lambda: pool.imap(f, [1]).next(0.2),
    }, (executor, pool)


def test_waiting_ends_in_time(tmp_path):
    import multiprocessing

    found, (executor, pool) = waits(tmp_path)
    for wait in found.values():
        with pytest.raises((TimeoutError, multiprocessing.TimeoutError)):
            wait()
    pool.terminate()
    for one in (executor, executors.executor()):
        one._scheduler.cancel_all(running=True)
        one.shutdown()


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------


def interrupt_each():
    """Interrupt every call while an item of it runs: a script of its own, as KeyboardInterrupt ends test runs."""
    import signal
    import tempfile
    import threading

    for name, call in CALLS.items():
        with tempfile.TemporaryDirectory() as directory, ac.using("processes"):
            folder = Path(directory)
            items = range(1, COUNT)  # the first row is done by the caller

            def interrupt(folder=folder):
                wait_until(lambda: pids(folder))
                os.kill(os.getpid(), signal.SIGINT)

            thread = threading.Thread(target=interrupt)
            thread.start()
            try:
                call.run(functools.partial(sleeps_at, BAD, folder), items)
            except KeyboardInterrupt:
                found = "interrupted"
            else:
                found = "not interrupted"
            thread.join()
            if name in ("submit", "apply_async", "map_async", "starmap_async"):  # the wait is over, not the call
                executors.executor()._scheduler.cancel_all(running=True)
            (pid,) = pids(folder)
            wait_until(lambda pid=pid: not alive(pid))
            works(call)
            print(f"{name}: {found}", flush=True)


def test_ctrl_c_ends_each_call():
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nimport test_faults_of_calls as tests\n"
    done = run_script(script + "tests.interrupt_each()")
    assert done.stdout.splitlines() == [f"{name}: interrupted" for name in CALLS]
    assert done.stderr == ""
