"""Shared arrays between processes: every way there, and every way to die."""

import gc
import multiprocessing
import os
import pickle
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import allcores as ac

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="shared arrays need Linux")

if sys.platform == "linux":
    from allcores import _shared
    from allcores.shared import blocks

METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture(autouse=True)
def nothing_left():
    gc.collect()
    ac.shared.release()
    files = len(list(Path("/proc/self/fd").iterdir()))
    before = ac.shared.usage()
    yield
    assert not multiprocessing.active_children()
    gc.collect()
    _shared.check()
    ac.shared.release()
    assert {**ac.shared.usage(), "recovered": 0} == {**before, "recovered": 0}
    assert (
        len(list(Path("/proc/self/fd").iterdir())) <= files + 6
    )  # multiprocessing's own, of a forkserver and a tracker
    assert not list(Path("/dev/shm").glob("*allcores*"))


def run(target, *args, method="fork"):
    """Run a function in a process of its own and wait for it; return the exit code."""
    process = multiprocessing.get_context(method).Process(target=target, args=args)
    process.start()
    process.join(60)
    assert process.exitcode is not None
    code = process.exitcode
    process.close()
    return code


def start(target, *args, method="fork"):
    process = multiprocessing.get_context(method).Process(target=target, args=args)
    process.start()
    return process


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    process.close()


def add_one(array):
    array += 1


def both_ways(connection):
    array = connection.recv()
    array += 1
    made = ac.shared.arange(1000)
    connection.send((array[::2], made, made[::-1].reshape(10, 100)))
    connection.recv()  # until the other has them


# --- there and back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_as_an_argument(method):
    a = ac.shared.zeros((100, 100))
    assert run(add_one, a[:, ::2], method=method) == 0
    assert a.sum() == 5000
    assert ac.shared.usage()["in_flight"] == 0


@pytest.mark.parametrize("method", METHODS)
def test_through_a_pipe_both_ways(method):
    a = ac.shared.zeros(1000)
    here, there = multiprocessing.Pipe()
    process = start(both_ways, there, method=method)
    here.send(a)
    view, made, other = here.recv()
    assert np.shares_memory(view, a)
    assert a.sum() == 1000
    here.send(None)
    process.join(30)
    process.close()
    np.testing.assert_array_equal(made, np.arange(1000))  # its maker has ended
    np.testing.assert_array_equal(other, np.arange(1000)[::-1].reshape(10, 100))
    made[0] = 7
    assert other[-1, -1] == 7
    here.close()
    there.close()


def put(there, n):
    for i in range(n):
        there.put(ac.shared.full(10_000, i))


def test_through_a_queue():
    there = multiprocessing.Queue()
    process = start(put, there, 20)
    got = [there.get(timeout=30) for _ in range(20)]
    process.join(30)
    process.close()
    assert [int(a[0]) for a in got] == list(range(20))
    there.close()


def put_and_end(there):
    there.put(ac.shared.full(10_000, 3.0))


@pytest.mark.parametrize("method", METHODS)
def test_a_process_waits_at_its_end_for_what_it_sent(method):
    there = multiprocessing.get_context(method).Queue()
    process = start(put_and_end, there, method=method)
    time.sleep(0.5 if method == "fork" else 0.1)
    a = there.get(timeout=30)
    assert a.sum() == 30_000
    process.join(30)
    assert process.exitcode == 0
    process.close()
    there.close()


def scaled(array, factor):
    array *= factor
    return array


@pytest.mark.parametrize("method", METHODS)
def test_through_multiprocessings_pool(method):
    a = ac.shared.ones((4, 1000))
    with multiprocessing.get_context(method).Pool(2) as pool:
        rows = pool.starmap(scaled, [(a[i], i) for i in range(4)])
        assert [int(row[0]) for row in rows] == [0, 1, 2, 3]
        assert all(np.shares_memory(row, a) for row in rows)
        pool.close()
        pool.join()


def test_through_joblib():
    joblib = pytest.importorskip("joblib")
    a = ac.shared.ones((4, 100_000))
    rows = joblib.Parallel(n_jobs=2)(joblib.delayed(scaled)(a[i], i) for i in range(4))
    assert all(np.shares_memory(row, a) for row in rows)
    assert [row.sum() for row in rows] == [0, 100_000, 200_000, 300_000]
    a[:] = 5  # a change in place is seen by the next call
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(np.sum)(a[i]) for i in range(4)) == [500_000.0] * 4
    del rows
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)


def write_to_readonly(array, connection):
    try:
        array[0] = 1
    except ValueError:
        connection.send("refused")


def test_readonly_in_others():
    here, there = multiprocessing.Pipe()
    a = ac.shared.ones(10, readonly=True)
    assert run(write_to_readonly, a, there, method="spawn") == 0
    assert here.recv() == "refused"
    here.close()
    there.close()


# --- fork -------------------------------------------------------------------------------------------------------------


def in_child(work):
    """Fork, run `work` in the child, and return its exit code: 0 if it returned."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_forked_child_has_arrays_of_its_own():
    kept = [ac.shared.full(100, i) for i in range(50)]

    def work():
        assert ac.shared.usage()["processes"] == 2
        mine = ac.shared.ones(10)
        assert mine.sum() == 10
        del kept[:25]
        _shared.check()
        assert [int(a[0]) for a in kept] == list(range(25, 50))

    assert in_child(work) == 0
    assert [int(a[0]) for a in kept] == list(range(50))
    _shared.check()


def test_what_the_parent_drops_stays_for_its_child():
    a = ac.shared.full(1000, 7)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(reading, 1)
        os._exit(0 if (a == 7).all() else 1)
    del a
    fresh = [ac.shared.zeros(1000) for _ in range(10)]
    os.write(writing, b"x")
    assert os.waitpid(pid, 0)[1] == 0
    ac.shared.reclaim()
    assert ac.shared.usage()["arrays"] == len(fresh)
    os.close(reading)
    os.close(writing)


def test_forks_while_threads_make_arrays():
    import threading

    stop = []

    def work():
        while not stop:
            pickle.loads(pickle.dumps(ac.shared.full(1000, 3)))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            assert in_child(lambda: ac.shared.ones(100).sum()) == 0
    finally:
        stop.append(True)
        for thread in threads:
            thread.join()


# --- deaths -----------------------------------------------------------------------------------------------------------


def hold(connection, array):
    connection.send("have it")
    time.sleep(60)


def make_and_send(connection):
    connection.send((ac.shared.full(25_000_000, 3.0), ac.shared.ones(5)))
    time.sleep(60)


def available():
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Shmem:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


def test_a_killed_reader_is_dropped():
    here, there = multiprocessing.Pipe()
    a = ac.shared.ones(1000)
    process = start(hold, there, a, method="spawn")
    assert here.recv() == "have it"
    assert ac.shared.usage()["processes"] == 2
    del a
    assert ac.shared.usage()["arrays"] == 1
    kill(process)
    ac.shared.reclaim()
    assert ac.shared.usage()["arrays"] == 0
    here.close()
    there.close()


def test_a_killed_owners_arrays_stay_for_who_has_them():
    before = available()
    here, there = multiprocessing.Pipe()
    process = start(make_and_send, there)
    large, small = here.recv()
    data = pickle.dumps(large)
    kill(process)
    assert large.sum() == 75e6
    assert ac.shared.usage()["arrays"] == 2
    np.testing.assert_array_equal(pickle.loads(data)[:5], [3] * 5)
    del large
    assert small.sum() == 5
    del small
    ac.shared.release()
    assert available() - before < 50e6
    here.close()
    there.close()


def send_and_die(connection, n):
    kept = [ac.shared.ones(1000) for _ in range(n)]
    connection.send_bytes(pickle.dumps(kept[0]))
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_handle_whose_maker_died_first_is_gone():
    here, there = multiprocessing.Pipe()
    assert run(send_and_die, there, 3) == -signal.SIGKILL
    with pytest.raises(ac.shared.SharedArrayGone):
        pickle.loads(here.recv_bytes())
    here.close()
    there.close()


def die_in_tables(array):
    _shared.die_in_tables(array)


def test_killed_within_the_tables():
    a = ac.shared.arange(1000)
    others = [ac.shared.full(i, i) for i in range(200)]
    del others[::3]
    for _ in range(3):
        assert run(die_in_tables, a) == -signal.SIGKILL
        others.append(ac.shared.zeros(100))
        _shared.check()
    assert ac.shared.usage()["recovered"] == 3
    np.testing.assert_array_equal(a, np.arange(1000))
    assert not others[-1].any()


def churn(connection, seed):
    generator = random.Random(seed)
    kept = []
    connection.send("here")
    while True:
        kept.append(pickle.loads(connection.recv_bytes()))
        if len(kept) > 20:
            del kept[generator.randrange(20)]
        for _ in range(20):
            view = pickle.loads(pickle.dumps(kept[generator.randrange(len(kept))]))
            del view


def test_killed_at_any_moment():
    """Readers that hold, drop and pin all the time die; the tables stay right, and nothing is lost or left."""
    rounds = int(os.environ.get("ALLCORES_KILLS", "30"))
    generator = random.Random(1)
    kept = [ac.shared.full(i, i, int) for i in range(1, 300)]
    for i in range(rounds):
        here, there = multiprocessing.Pipe()
        process = start(churn, there, i)
        here.recv()  # a child killed within its fork counts as alive for ten seconds
        end = time.monotonic() + generator.random() * 0.1
        while time.monotonic() < end:
            here.send_bytes(pickle.dumps(kept[generator.randrange(len(kept))]))
        kill(process)
        here.close()
        there.close()
        ac.shared.forget()
        ac.shared.reclaim()
        _shared.check()
        assert ac.shared.usage()["arrays"] == len(kept)
    assert all((a == n).all() for n, a in enumerate(kept, 1))


def churn_own(connection, seed):
    generator = random.Random(seed)
    kept = [ac.shared.full(n, n, int) for n in range(1, 100)]
    connection.send(kept)
    while True:
        kept[generator.randrange(100) - 1] = ac.shared.empty(generator.randrange(10_000))


def test_an_owner_killed_at_any_moment():
    generator = random.Random(2)
    for i in range(int(os.environ.get("ALLCORES_KILLS", "30"))):
        here, there = multiprocessing.Pipe()
        process = start(churn_own, there, i)
        kept = here.recv()
        time.sleep(generator.random() * 0.01)
        kill(process)
        ac.shared.reclaim()
        _shared.check()
        assert ac.shared.usage()["arrays"] == len(kept)
        assert all((a == n).all() for n, a in enumerate(kept, 1))
        here.close()
        there.close()
        del kept


def test_another_process_with_a_dead_ones_number():
    a = ac.shared.ones(10)
    here, there = multiprocessing.Pipe()
    process = start(pretend_and_hold, there, a, method="spawn")
    assert here.recv() == "have it"  # entered as this process, started at another time
    del a
    ac.shared.reclaim()
    assert ac.shared.usage()["arrays"] == 0
    kill(process)
    here.close()
    there.close()


def pretend_and_hold(connection, array):
    _shared.pretend(array, pid=os.getppid(), started=1)
    hold(connection, array)


def test_a_child_that_executed_another_program_has_nothing():
    a = ac.shared.ones(10)
    pid = os.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)"])
    time.sleep(0.5)
    del a
    ac.shared.reclaim()
    assert ac.shared.usage()["arrays"] == 0
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


# --- locks ------------------------------------------------------------------------------------------------------------


def count_up(lock, array, counter):
    for _ in range(2000):
        with lock:
            array[0] += 1
        ac.shared.atomic_add(array, 1, 1)
        counter.add(1)


@pytest.mark.parametrize("method", METHODS)
def test_lock_and_atomic_updates(method):
    lock, array, counter = ac.shared.Lock(), ac.shared.zeros(2), ac.shared.Value(int)
    processes = [start(count_up, lock, array, counter, method=method) for _ in range(3)]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
        process.close()
    assert array.tolist() == [6000, 6000]
    assert counter.value == 6000


def die_with(lock):
    lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_next_owner_learns_of_the_holders_death():
    lock = ac.shared.Lock()
    assert run(die_with, lock) == -signal.SIGKILL
    with lock:
        assert lock.abandoned
    with lock:
        assert not lock.abandoned


def hold_lock(lock, connection):
    with lock:
        connection.send("held")
        time.sleep(60)


def test_ctrl_c_ends_waiting():
    lock = ac.shared.Lock()
    here, there = multiprocessing.Pipe()
    process = start(hold_lock, lock, there)
    here.recv()

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    with pytest.raises(KeyboardInterrupt):
        lock.acquire()
    signal.signal(signal.SIGALRM, before)
    began = time.monotonic()
    assert not lock.acquire(timeout=0.2)
    assert 0.15 < time.monotonic() - began < 5
    kill(process)
    assert lock.acquire(timeout=5)
    assert lock.abandoned
    lock.release()
    here.close()
    there.close()


def test_a_block_sent_out_of_band():
    block = blocks.allocate(1_000_000)
    np.frombuffer(block, "u1")[:] = 5
    here, there = multiprocessing.Pipe()
    process = start(sum_block, there, method="spawn")
    here.send(block.handle())
    assert here.recv() == 5_000_000
    process.join(30)
    process.close()
    here.close()
    there.close()


def sum_block(connection):
    view = memoryview(blocks.attach(connection.recv(), readonly=True))
    connection.send(int(np.frombuffer(view, "u1").sum()))
