"""Tasks and workers when something goes wrong: crashes, kills, signals, forks, the program's own end."""

import functools
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import kill_fuzzer
import numpy as np
import pytest
from support import run_script

import allcores as ac
from allcores.pool import errors, pickling

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are for POSIX systems")
needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")

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


def own_pid():
    return os.getpid()


def crash(signum):
    os.kill(os.getpid(), signum)


def crash_on(item, bad=7):
    if item == bad:
        os._exit(5)
    return item


def note(path, item):
    with open(path, "a") as file:
        file.write(f"{item}\n")
    if item == 3:
        os._exit(1)
    return item


class Unloadable:
    """Pickles, but does not load."""

    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise ValueError("not to be loaded")


def unloadable():
    return Unloadable()


class Awkward(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


def awkward():
    raise Awkward(1, 2)


def lock():
    return threading.Lock()


def locks(item):
    return threading.Lock() if item == 3 else item


def raises_lock():
    error = ValueError("has a lock")
    error.lock = threading.Lock()
    raise error


@needs_proc
def test_killed_workers_take_nobody_along(tmp_path):
    rounds, least = (30, 5) if os.environ.get("ALLCORES_QUICK") else (200, 40)
    seen = kill_fuzzer.fuzz(rounds, 1, str(tmp_path), least)
    print(seen)
    assert all(seen[phase] >= least for phase in kill_fuzzer.PHASES)


@pytest.mark.parametrize("bad", [0, 16, 700, 1999])
def test_of_small_items_the_one_at_fault_fails_alone(executor, bad):
    # They run in batches: whose fault it is shows when each of the batch runs alone.
    results = executor.map(functools.partial(crash_on, bad=bad), range(2000))
    assert [next(results) for _ in range(bad)] == list(range(bad))
    with pytest.raises(ac.WorkerDied) as caught:
        next(results)
    assert caught.value.exitcode == 5
    assert list(results) == list(range(bad + 1, 2000))


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM])
def test_a_signal_is_named(executor, signum):
    with pytest.raises(ac.WorkerDied, match=signum.name) as caught:
        executor.submit(crash, signum).result(PATIENCE)
    assert caught.value.signal == signum
    assert caught.value.exitcode is None
    assert "crash" in caught.value.task
    assert not caught.value.oom
    assert executor.submit(abs, -1).result(PATIENCE) == 1


def test_a_kill_for_want_of_memory_is_told(executor, monkeypatch):
    from allcores.pool import deaths

    counts = iter((1, 1))
    monkeypatch.setattr(deaths, "ooms", lambda: executor._scheduler.ooms + next(counts, 0))
    with pytest.raises(ac.WorkerDied, match="want of memory") as caught:
        executor.submit(crash, signal.SIGKILL).result(PATIENCE)
    assert caught.value.oom
    with pytest.raises(ac.WorkerDied, match="SIGSEGV") as caught:
        executor.submit(crash, signal.SIGSEGV).result(PATIENCE)
    assert not caught.value.oom


def test_an_exit_code_is_told(executor):
    with pytest.raises(ac.WorkerDied, match="code 3") as caught:
        executor.submit(os._exit, 3).result(PATIENCE)
    assert caught.value.exitcode == 3
    assert caught.value.signal is None


def test_only_the_culprit_of_a_chunk_fails(executor):
    results = executor.map(crash_on, range(100), chunksize=50)
    found = []
    while True:
        try:
            found.append(next(results))
        except StopIteration:
            break
        except ac.WorkerDied as error:
            found.append(error.exitcode)
    assert found == [*range(7), 5, *range(8, 100)]


def test_an_item_runs_no_oftener_than_it_must(executor, tmp_path):
    path = tmp_path / "notes"
    import functools

    results = executor.map(functools.partial(note, path), range(6), chunksize=6)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ac.WorkerDied):
        next(results)
    assert list(results) == [4, 5]
    assert path.read_text().split().count("3") == 1


def test_what_cannot_be_pickled(executor):
    with pytest.raises(ac.UnpicklableTask, match="lock") as caught:
        executor.submit(len, threading.Lock()).result(PATIENCE)
    assert isinstance(caught.value, pickle.PicklingError)
    with pytest.raises(ac.UnpicklableTask, match="not to be loaded") as caught:
        executor.submit(len, Unloadable()).result(PATIENCE)
    assert "_refuse" in caught.value.worker_traceback
    with pytest.raises(ac.UnpicklableResult, match="lock"):
        executor.submit(lock).result(PATIENCE)
    with pytest.raises(ac.UnpicklableResult, match="not to be loaded"):
        executor.submit(unloadable).result(PATIENCE)
    with pytest.raises(ac.UnpicklableResult, match="Awkward") as caught:
        executor.submit(awkward).result(PATIENCE)
    assert "awkward" in caught.value.worker_traceback
    with pytest.raises(ac.UnpicklableResult, match="ValueError cannot be pickled"):
        executor.submit(raises_lock).result(PATIENCE)
    assert executor.submit(abs, -1).result(PATIENCE) == 1


@pytest.mark.parametrize("function", [locks, len])
def test_one_unpicklable_item_of_many(executor, function):
    items = range(8) if function is locks else [(), (), (), threading.Lock(), (), (), (), ()]
    results = executor.map(function, items, chunksize=8)
    found = []
    for _ in range(8):
        try:
            next(results)
            found.append("fine")
        except (ac.UnpicklableTask, ac.UnpicklableResult) as error:
            found.append(type(error).__name__)
    assert found.count("fine") == 7
    assert found[3] == ("UnpicklableResult" if function is locks else "UnpicklableTask")


def test_timeout_ends_the_task_only(executor):
    slow = executor.submit_with(time.sleep, PATIENCE, timeout=0.2)
    others = [executor.submit(abs, -i) for i in range(20)]
    with pytest.raises(ac.TaskTimeout, match=r"timeout of 0\.2 s") as caught:
        slow.result(PATIENCE)
    assert isinstance(caught.value, TimeoutError)
    assert [other.result(PATIENCE) for other in others] == list(range(20))


def test_timeout_counts_from_the_start_of_the_task():
    with ac.Executor(1) as executor:
        tasks = [executor.submit_with(time.sleep, 0.3, timeout=3) for _ in range(3)]
        assert [task.result(PATIENCE) for task in tasks] == [None] * 3
    with ac.Executor(1, initializer=time.sleep, initargs=(1,)) as executor:  # nor does the worker's own start count
        assert executor.submit_with(time.sleep, 0.3, timeout=0.5).result(PATIENCE) is None


def test_timeouts_leave_out_what_is_imported(tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(1)\ndef nap(seconds): time.sleep(seconds)\n")
    monkeypatch.syspath_prepend(tmp_path)
    import slow_to_import

    with ac.Executor(1) as executor:
        assert executor.submit_with(slow_to_import.nap, 0.01, timeout=0.5).result(PATIENCE) is None
    with ac.Executor(1) as executor:
        begin = time.monotonic()
        with pytest.raises(ac.TaskTimeout):
            executor.submit_with(slow_to_import.nap, PATIENCE, timeout=0.5).result(PATIENCE)
        assert time.monotonic() - begin < 20


def survive_third(path):
    with open(path, "a") as file:
        file.write("x")
    if os.path.getsize(path) < 3:
        os._exit(1)
    return os.path.getsize(path)


def test_retries(executor, tmp_path):
    assert executor.submit_with(survive_third, tmp_path / "a", retries=2).result(PATIENCE) == 3
    with pytest.raises(ac.WorkerDied):
        executor.submit_with(survive_third, tmp_path / "b", retries=1).result(PATIENCE)


def test_kill(executor):
    running = executor.submit(time.sleep, PATIENCE)
    while not running.running():
        time.sleep(0.001)
    time.sleep(0.1)
    assert not running.cancel()
    assert running.kill()
    with pytest.raises(ac.TaskKilled):
        running.result(PATIENCE)
    done = executor.submit(abs, -1)
    assert done.result(PATIENCE) == 1
    assert not done.kill()


def test_kill_of_a_waiting_task_cancels_it():
    with ac.Executor(1) as executor:
        executor.submit(time.sleep, 0.3)
        waiting = [executor.submit(time.sleep, PATIENCE) for _ in range(3)]
        assert all(future.kill() for future in waiting)
        assert all(future.cancelled() for future in waiting)


def test_a_task_does_not_wait_behind_a_long_one(executor):
    executor.submit(abs, 1).result(PATIENCE)
    slow = executor.submit(time.sleep, 3)
    start = time.monotonic()
    quick = [executor.submit(time.sleep, 0.05) for _ in range(6)]
    for future in quick:
        future.result(PATIENCE)
    assert time.monotonic() - start < 2.5
    slow.result(PATIENCE)


def test_initializer_that_raises():
    with ac.Executor(2, initializer=_refuse) as executor:
        future = executor.submit(abs, 1)
        with pytest.raises(ac.PoolBroken, match="not to be loaded"):
            future.result(PATIENCE)
        with pytest.raises(ac.PoolBroken):
            executor.submit(abs, 1)


def test_initializer_that_crashes():
    executor = ac.Executor(1, initializer=os._exit, initargs=(9,))
    future = executor.submit(abs, 1)
    with pytest.raises(ac.PoolBroken, match="code 9"):
        future.result(PATIENCE)
    executor.shutdown()


def test_the_server_may_die(executor):
    executor.submit(abs, 1).result(PATIENCE)
    slow = executor.submit(time.sleep, PATIENCE)
    while not slow.running():
        time.sleep(0.001)
    time.sleep(0.1)
    os.kill(executor._scheduler.server.process.pid, signal.SIGKILL)
    with pytest.raises(ac.WorkerDied):
        slow.result(PATIENCE)
    assert executor.submit(abs, -3).result(PATIENCE) == 3


def test_idle_workers_leave(monkeypatch):
    from allcores.pool import scheduler

    monkeypatch.setattr(scheduler, "IDLE_SECONDS", 0.2)
    with ac.Executor(2) as executor:
        first = executor.submit(own_pid).result(PATIENCE)
        end = time.monotonic() + PATIENCE
        while executor._scheduler.workers:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert executor.submit(own_pid).result(PATIENCE) != first


def test_a_forked_child_says_so_and_makes_its_own(executor):
    waiting = executor.submit(time.sleep, 0.5)
    mapped = executor.map(time.sleep, [0.3] * 4)
    pid = os.fork()
    if not pid:
        code = 1
        try:
            with pytest.raises(ac.NotUsableAfterFork):
                executor.submit(abs, 1)
            with pytest.raises(ac.NotUsableAfterFork):
                waiting.result(PATIENCE)
            with pytest.raises(ac.NotUsableAfterFork):
                list(mapped)
            executor.shutdown()
            with ac.Executor(1) as own:
                assert own.submit(abs, -2).result(PATIENCE) == 2
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert waiting.result(PATIENCE) is None
    assert list(mapped) == [None] * 4
    assert executor.submit(abs, -1).result(PATIENCE) == 1


@needs_proc
def test_nobody_waits_when_no_worker_can_be_started(monkeypatch):
    with ac.Executor(2) as executor:
        executor.submit(abs, 1).result(PATIENCE)
        waiting = [executor.submit(time.sleep, PATIENCE) for _ in range(4)]
        mapped = executor.map(time.sleep, [PATIENCE] * 3)
        while not all(w.running and w.begun(w.running.serial) for w in executor._scheduler.workers.values()):
            time.sleep(0.01)
        monkeypatch.setattr(sys, "executable", "/is/not/there")
        executor._scheduler.server.process.kill()
        for future in waiting:
            with pytest.raises((ac.WorkerDied, ac.PoolBroken)):
                future.result(PATIENCE / 3)
        with pytest.raises((ac.WorkerDied, ac.PoolBroken)):
            next(mapped)
        with pytest.raises(ac.PoolBroken, match="no worker can be started"):
            executor.submit(abs, 1)


def test_errors_pickle():
    for name in errors.__all__:
        kind = getattr(errors, name)
        if issubclass(kind, errors.PoolError):
            error = kind("text", task="f", signal=9, exitcode=None, oom=True, worker_traceback="there")
            back = pickle.loads(pickle.dumps(error))
            assert type(back) is kind
            assert str(back) == "text"
            assert vars(back) == vars(error)


def test_without_cloudpickle_the_error_says_what_to_install(executor, monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(ac.UnpicklableTask, match="pip install cloudpickle"):
        executor.submit(lambda: 1).result(PATIENCE)
    assert executor.submit(len, "__main__").result(PATIENCE) == 8
    assert pickling.dumps("__main__")[1] == []


START = """
import os, sys, time
import allcores as ac

def child_pids():
    return [w.pid for w in executor._scheduler.workers.values()] + [executor._scheduler.server.process.pid]

executor = ac.Executor(2)
"""


def wait_for_end(pids, seconds):
    end = time.monotonic() + seconds
    left = set(pids)
    while left and time.monotonic() < end:
        for pid in list(left):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    if file.read().rpartition(")")[2].split()[0] in "ZX":
                        left.discard(pid)
            except OSError:
                left.discard(pid)
        time.sleep(0.01)
    return left


@needs_proc
@pytest.mark.parametrize("busy", ["__import__('time').sleep(60)", "sum(range(10**12))", "pow(7, 10**9)"])
def test_a_killed_program_takes_its_workers_along(busy):
    script = START + textwrap.dedent(f"""
        futures = [executor.submit(eval, "{busy}") for _ in range(2)]
        while not all(w.begun(w.running.serial) if w.running else False for w in executor._scheduler.workers.values()):
            time.sleep(0.01)
        print(*child_pids(), flush=True)
        time.sleep(60)
    """)
    program = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in program.stdout.readline().split()]
    assert len(pids) == 3
    program.kill()
    program.wait()
    program.stdout.close()
    assert not wait_for_end(pids, 2)


@needs_proc
def test_ctrl_c_ends_cleanly():
    script = START + textwrap.dedent("""
        with executor:
            futures = [executor.submit(time.sleep, 60) for _ in range(5)]
            while not all(w.ready for w in executor._scheduler.workers.values()) or not executor._scheduler.workers:
                time.sleep(0.01)
            print(*child_pids(), flush=True)
            futures[0].result()
    """)
    program = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = [int(pid) for pid in program.stdout.readline().split()]
    os.killpg(program.pid, signal.SIGINT)
    _, stderr = program.communicate(timeout=PATIENCE)
    assert stderr.count("Traceback") == 1
    assert "KeyboardInterrupt" in stderr
    assert not wait_for_end(pids, 5)


@needs_proc
def test_ctrl_c_at_any_moment_loses_no_task():
    script = START + textwrap.dedent("""
        import random, signal, threading
        def double(x):
            return 2 * x
        executor.submit(abs, 1).result()
        futures, interrupts, over = [], 0, False
        def storm():
            while not over:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(random.random() * 2e-3)
        thread = threading.Thread(target=storm)
        while interrupts < 300:
            try:
                if not thread.ident:
                    thread.start()
                for i in range(1000):
                    futures.append((i, executor.submit(double, i)))
                    if i % 3 == 0:
                        assert futures[-1][1].result(60) == 2 * i
            except KeyboardInterrupt:
                interrupts += 1
        while True:  # one more may come until the thread has ended
            try:
                over = True
                thread.join()
                break
            except KeyboardInterrupt:
                pass
        assert [future.result(60) for _, future in futures] == [2 * i for i, _ in futures]
        assert list(executor.map(double, range(100))) == list(range(0, 200, 2))
        print(len(futures), "right")
    """)
    assert "right" in run_script(script).stdout


def test_the_program_ends_with_its_tasks_done():
    done = run_script(START + "f = executor.submit(print, 'printed', flush=True)")
    assert "printed" in done.stdout


def test_fork_on_request_only_without_other_threads(executor):
    executor.submit(abs, 1).result(PATIENCE)
    with pytest.raises(RuntimeError, match="not safe while other threads run, here"):
        ac.Executor(1, start_method="fork")


@pytest.mark.parametrize("method", ["forkserver", "spawn", "fork"])
def test_start_methods(method):
    with ac.Executor(2, start_method=method) as executor:
        assert list(executor.map(abs, range(-9, 0))) == list(range(9, 0, -1))
        a = np.arange(100_000.0)
        np.testing.assert_array_equal(executor.submit(np.negative, a).result(PATIENCE), -a)
