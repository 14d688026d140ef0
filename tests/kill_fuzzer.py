"""Workers killed at every moment of a task's life: python tests/kill_fuzzer.py [rounds] [seed] [least kills a phase].

Each round kills one worker in one phase of its work, while other tasks go on. It holds that every future ends in
bounded time, that the tasks which were not the victim's have the right result, and that nothing is left behind.

    idle          between two tasks
    receiving     while its arguments are on their way
    computing     in the function
    mid-header    with a part of an answer's header sent
    mid-payload   with a part of an answer sent
"""

import collections
import gc
import os
import random
import signal
import sys
import time

import numpy as np

import allcores as ac
from allcores.pool import Executor, WorkerDied
from allcores.pool.channels import HEADER, RESULT

PHASES = ("idle", "receiving", "computing", "mid-header", "mid-payload")
SIZES = (1, 100, 10_000, 1_000_000, 10_000_000, 100_000_000)
OTHERS = ("sem.mp-", "sem.loky", "joblib_", "psm_", "torch_")  # what other programs may make in /dev/shm meanwhile
PATIENCE = 60.0  # seconds; a future that takes longer hangs


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def children():
    """Processes below this one."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, front = set(), {os.getpid()}
    while front:
        front = {pid for pid, parent in parents.items() if parent in front} - found
        found |= front
    return found


def what_is_there():
    """Return what a pool must not leave: descriptors, processes, names in /dev/shm, shared memory."""
    gc.collect()
    if sys.platform == "linux":
        ac.shared.release()
    return (
        descriptors(),
        children(),
        {name for name in os.listdir("/dev/shm") if not name.startswith(OTHERS)},
        ac.shared.usage() if sys.platform == "linux" else None,
    )


def length(data):
    return len(data)


def doubled(array):
    return array + array


def make(size):
    return bytes(size)


def pid_then_sleep(path):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    os.rename(path, path + ".there")
    time.sleep(PATIENCE)


def die_sending(size, part):
    """Send `part` bytes of an answer of `size` bytes, and die."""
    worker = next(found for found in gc.get_objects() if type(found).__name__ == "Worker" and hasattr(found, "board"))
    head = HEADER.pack(RESULT, 0, 0, 0, worker.board[0], size)
    data = head + bytes(max(0, min(part - len(head), size - 1)))
    worker.sock.sendall(memoryview(data)[: max(1, part)])
    os.kill(os.getpid(), signal.SIGKILL)


class Fuzzer:
    def __init__(self, seed, folder, workers=2):
        self.random = random.Random(seed)
        self.folder = folder
        self.seen = collections.Counter()
        self.executor = Executor(workers)
        self.executor._scheduler.on_death = lambda worker, phase: self.note(worker, phase)

    def note(self, worker, phase):
        if worker.status == -signal.SIGKILL:
            self.seen[phase] += 1

    def size(self):
        return self.random.choices(SIZES, weights=(8, 8, 8, 6, 3, 1))[0]

    def victim(self):
        """Start the round's phase and return its future, or None."""
        fewest = min(PHASES, key=self.seen.__getitem__)
        phase = fewest if self.seen[fewest] < max(self.seen.values(), default=0) - 2 else self.random.choice(PHASES)
        return phase, getattr(self, phase.replace("-", "_"))()

    def workers(self):
        return [worker for worker in list(self.executor._scheduler.workers.values()) if worker.pid and not worker.ended]

    def idle(self):
        wait_until(lambda: any(w.running is None and w.ready and not w.ended for w in self.workers()))
        for worker in self.workers():
            if worker.running is None:
                os.kill(worker.pid, signal.SIGKILL)
                wait_until(lambda number=worker.number: number not in self.executor._scheduler.workers)
                return

    def receiving(self):
        """Stop a worker, so that it does not read on, and kill it when something is on its way."""
        wait_until(lambda: all(w.running is None and w.ready for w in self.workers()))
        stopped = [worker for worker in self.workers() if worker.running is None]
        for worker in stopped:
            os.kill(worker.pid, signal.SIGSTOP)
        future = self.executor.submit(length, bytes(size := self.size()))
        hit = next((worker for worker in stopped if worker.running is not None), None)
        time.sleep(self.random.choice((0, 0.002)))
        for worker in stopped:
            os.kill(worker.pid, signal.SIGKILL if worker is hit else signal.SIGCONT)
        return lambda: future.result(PATIENCE) == size

    def computing(self):
        path = os.path.join(self.folder, f"{self.random.random()}")
        future = self.executor.submit(pid_then_sleep, path)
        wait_until(lambda: os.path.exists(path + ".there"))
        with open(path + ".there") as file:
            pid = int(file.read())
        os.kill(pid, signal.SIGKILL)
        return lambda: died(future)

    def mid_header(self):
        part = self.random.randint(1, HEADER.size - 1)
        future = self.executor.submit(die_sending, 1000, part)
        return lambda: died(future)

    def mid_payload(self):
        size = max(2, self.size())
        part = HEADER.size + (self.random.randrange(1, size) if size > 1 else 1)
        future = self.executor.submit(die_sending, size, part)
        return lambda: died(future)

    def round(self):
        others = [(size := self.size(), self.executor.submit(length, bytes(size))) for _ in range(2)]
        phase, check = self.victim()
        others += [(size := self.size(), self.executor.submit(make, size)) for _ in range(2)]
        arrays = [(n := self.size() // 8 + 1, self.executor.submit(doubled, np.arange(n))) for _ in range(2)]
        mapped = self.executor.map(abs, range(-20, 0))
        if check is not None and not check():
            raise AssertionError(f"the victim's future in phase {phase} ended otherwise")
        for size, future in others:
            try:
                value = future.result(PATIENCE)
            except WorkerDied:
                # A kill from outside hits whatever runs; only "idle" and "receiving" can miss their moment.
                assert phase in {"idle", "receiving"}, phase
                continue
            assert value == size or len(value) == size
        for n, future in arrays:
            try:
                array = future.result(PATIENCE)
            except WorkerDied:
                assert phase in {"idle", "receiving"}, phase
                continue
            assert np.array_equal(array, np.arange(0, 2 * n, 2))
        assert list(mapped) == list(range(20, 0, -1))


def died(future):
    try:
        future.result(PATIENCE)
    except WorkerDied as error:
        return error.signal == signal.SIGKILL
    return False


def wait_until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.0005)


def fuzz(rounds, seed, folder, least=0):
    """Run some rounds, and more until so many workers died in each phase; return how many did."""
    before = what_is_there()
    fuzzer = Fuzzer(seed, folder)
    with fuzzer.executor:
        fuzzer.executor.submit(abs, 1).result(PATIENCE)
        done = 0
        while done < rounds or min(fuzzer.seen[phase] for phase in PHASES) < least:
            fuzzer.round()
            done += 1
            assert done < 3 * rounds, f"phases are not hit: {fuzzer.seen}"
    del fuzzer.executor._scheduler.on_death
    after = what_is_there()
    assert after == before, (before, after)
    return fuzzer.seen


def main(rounds=200, seed=1, least=40):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        seen = fuzz(int(rounds), int(seed), folder, int(least))
    print(
        f"{rounds} rounds, seed {seed}, {time.perf_counter() - start:.1f} s; nothing left behind; workers killed while"
    )
    for phase in PHASES:
        print(f"{phase:12} {seen[phase]:5}")


if __name__ == "__main__":
    sys.path[0:1] = [os.path.dirname(os.path.abspath(__file__))]
    from kill_fuzzer import main as run  # functions of __main__ would go by value, large and slow

    run(*sys.argv[1:])
