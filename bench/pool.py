"""Process pools: ours against those of the standard library, loky, joblib and mpire; python bench/pool.py [row ...].

Every round measures each pool once, all of them warm; medians, and how many times as long as ours the others take. Each
lives in a process of its own, which waits while others are measured: several keep threads busy in the program that uses
them, and would slow down their neighbours.
"""

import importlib
import multiprocessing
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np

import allcores as ac

WORKERS = 2
N = 10_000_000  # float64: 80 MB


def trivial(x):
    return x


def total(a):
    return float(a.sum())


def filled(n):
    return np.ones(n)


def tenth_of_a_millisecond(_):
    end = time.perf_counter() + 1e-4
    n = 0
    while time.perf_counter() < end:
        n += 1
    return n


# --- pools: each a pair of functions, call(f, x) and map(f, items), which return results ------------------------------


def allcores():
    executor = ac.Executor(WORKERS)
    return lambda f, x: executor.submit(f, x).result(), lambda f, items: list(executor.map(f, items))


def _by_chunks(executor):
    """Return the pair for an executor whose map sends items one by one, unless it is told otherwise."""
    return (
        lambda f, x: executor.submit(f, x).result(),
        lambda f, items: list(executor.map(f, items, chunksize=max(1, len(items) // (4 * WORKERS)))),
    )


def futures():
    return _by_chunks(ProcessPoolExecutor(WORKERS, multiprocessing.get_context("forkserver")))


def mp_pool():
    pool = multiprocessing.get_context("forkserver").Pool(WORKERS)
    return lambda f, x: pool.apply(f, (x,)), pool.map


def loky():
    return _by_chunks(importlib.import_module("loky").get_reusable_executor(WORKERS))


def joblib():
    found = importlib.import_module("joblib")
    parallel = found.Parallel(WORKERS)
    parallel.__enter__()
    return (
        lambda f, x: parallel([found.delayed(f)(x)])[0],
        lambda f, items: parallel(found.delayed(f)(item) for item in items),
    )


def mpire():
    pool = importlib.import_module("mpire").WorkerPool(WORKERS, keep_alive=True)
    return lambda f, x: pool.apply(f, (x,)), lambda f, items: pool.map(f, items)


def bare():
    """Run it here: one process, one core."""
    return lambda f, x: f(x), lambda f, items: [f(item) for item in items]


def echo():
    """Send 100 bytes over a bare socketpair to a process that sends them back, whatever the function."""
    here, there = socket.socketpair()
    code = f"import socket; s = socket.socket(fileno={there.fileno()})\nwhile d := s.recv(100): s.send(d)"
    subprocess.Popen([sys.executable, "-c", code], pass_fds=[there.fileno()])
    there.close()

    def call(_f, _x):
        here.send(b"x" * 100)
        here.recv(100)

    return call, None


POOLS = {
    "allcores": allcores,
    "futures": futures,
    "mp.Pool": mp_pool,
    "loky": loky,
    "joblib": joblib,
    "mpire": mpire,
    "serial": bare,
    "echo": echo,
}


# --- rows: a function of (call, map) that returns seconds -------------------------------------------------------------


def timed(work, count=1):
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count


_array = []


def array(changed):
    """Return an array of ones, with its first element `changed`."""
    if not _array:
        _array.append(np.ones(N))
    _array[0][0] = changed
    return _array[0]


def summed(map, a):
    """Sum an array in two workers; the seconds are negative if the sums are not those of the array as it is now."""
    start = time.perf_counter()
    found = map(total, [a, a])
    seconds = time.perf_counter() - start
    return seconds if found == [total(a)] * 2 else -seconds


def task(call, _map):
    return timed(lambda: call(trivial, 1), 50)


def items(_call, map):
    return timed(lambda: map(trivial, range(10_000)))


def short(_call, map):
    return timed(lambda: map(tenth_of_a_millisecond, range(2_000)))


def out(_call, map):
    return summed(map, array(time.time()))


def out_new(_call, map):
    """Each time another array: joblib takes one that it has seen for unchanged."""
    return summed(map, array(time.time()).copy())


def back(call, _map):
    return timed(lambda: call(filled, N))


def start(name):
    """Seconds from making a pool to its two first results, in a new interpreter."""
    make = {
        "allcores": "import allcores.pool as p;start = time.perf_counter();e = p.Executor(2)",
        "futures": "from concurrent.futures import ProcessPoolExecutor as P;import multiprocessing as m;"
        "start = time.perf_counter();e = P(2, m.get_context('forkserver'))",
    }[name]
    script = f"import time\nif __name__ == '__main__':\n    {make.replace(';', chr(10) + '    ')}\n"
    script += "    f = [e.submit(abs, -1) for _ in range(2)]; [x.result() for x in f]\n"
    script += "    print(time.perf_counter() - start)\n    e.shutdown()\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "start.py"
        path.write_text(script)
        return float(subprocess.run([sys.executable, path], stdout=subprocess.PIPE, text=True, check=True).stdout)


MAPPING = ("allcores", "futures", "mp.Pool", "loky", "joblib", "mpire")
ROWS = {  # what it is, who takes part, rounds, the row
    "task": ("one trivial task, warm", ("allcores", "futures", "mp.Pool", "loky", "echo"), 21, task),
    "items": ("10,000 trivial items", MAPPING, 15, items),
    "short": ("2,000 tasks of 0.1 ms", (*MAPPING, "serial"), 7, short),
    "out": ("80 MB array to two workers", MAPPING, 7, out),
    "out_new": ("the same, a new array", MAPPING, 7, out_new),
    "back": ("80 MB array from one worker", MAPPING, 7, back),
    "start": ("start, two first results", ("allcores", "futures"), 7, None),
}


class Contestant:
    """A process with one pool, which does a row when told to."""

    def __init__(self, name):
        command = [sys.executable, __file__, "--pool", name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.present = self.process.stdout.readline() == "ready\n"

    def run(self, row):
        self.process.stdin.write(row + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compete(name):
    """Be a contestant."""
    try:
        pool = POOLS[name]()
    except ImportError:
        print("not installed", flush=True)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        print(ROWS[line.strip()][3](*pool), flush=True)


def measure(row, contestants):
    title, names, count, work = ROWS[row]
    for name in names:
        if work is not None and name not in contestants:
            contestants[name] = Contestant(name)
    names = [name for name in names if work is None or contestants[name].present]
    times = {name: [] for name in names}
    for turn in range(-2, count):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds = start(name) if work is None else contestants[name].run(row)
            if turn >= 0:
                times[name].append(seconds)
    found = {name: median(map(abs, seconds)) for name, seconds in times.items()}
    stale = {name: ", stale data" if min(seconds) < 0 else "" for name, seconds in times.items()}
    cells = "  ".join(
        f"{name} {s * 1e6:,.0f} us ({s / found['allcores']:.2f}{stale[name]})" for name, s in found.items()
    )
    print(f"{title:28} {cells}", flush=True)


def main(rows):
    contestants = {}
    for row in rows or ROWS:
        measure(row, contestants)
    for contestant in contestants.values():
        contestant.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pool"]:
        sys.modules["pool"] = sys.modules["__main__"]  # workers import the functions from this file, under that name
        for function in (trivial, total, filled, tenth_of_a_millisecond):
            function.__module__ = "pool"
        compete(sys.argv[2])
    else:
        main(sys.argv[1:])
