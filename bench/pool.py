"""Process pools: ours against those of the standard library, loky, joblib and mpire; python bench/pool.py [row ...].

Every round measures each pool once, all of them warm; medians, and how many times as long as ours the others take.
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


class Pools:
    """The pools that are installed, one method a question: call(f, x), map(f, items), both(f, x)."""

    def __init__(self):
        self.ours = ac.Executor(WORKERS)
        context = multiprocessing.get_context("forkserver")
        self.futures = ProcessPoolExecutor(WORKERS, context)
        self.mp = context.Pool(WORKERS)
        self.loky = self.joblib = self.mpire = None
        if found := present("loky"):
            self.loky = found.get_reusable_executor(WORKERS)
        if found := present("joblib"):
            self.joblib = found.Parallel(WORKERS)
            self.joblib.__enter__()
            self.delayed = found.delayed
        if found := present("mpire"):
            self.mpire = found.WorkerPool(WORKERS, keep_alive=True)

    def calls(self):
        """Name: a function that runs one call and waits for it."""
        found = {
            "allcores": lambda f, x: self.ours.submit(f, x).result(),
            "futures": lambda f, x: self.futures.submit(f, x).result(),
            "mp.Pool": lambda f, x: self.mp.apply(f, (x,)),
        }
        if self.loky:
            found["loky"] = lambda f, x: self.loky.submit(f, x).result()
        return found

    def maps(self):
        """Name: a function that runs a call for each item and returns a list."""
        found = {
            "allcores": lambda f, items: list(self.ours.map(f, items)),
            "mp.Pool": lambda f, items: self.mp.map(f, items),
            "futures": lambda f, items: list(self.futures.map(f, items, chunksize=max(1, len(items) // (4 * WORKERS)))),
        }
        if self.loky:
            found["loky"] = lambda f, items: list(
                self.loky.map(f, items, chunksize=max(1, len(items) // (4 * WORKERS)))
            )
        if self.joblib:
            found["joblib"] = lambda f, items: self.joblib(self.delayed(f)(item) for item in items)
        if self.mpire:
            found["mpire"] = lambda f, items: self.mpire.map(f, items)
        return found

    def close(self):
        self.ours.shutdown()
        self.futures.shutdown()
        self.mp.terminate()
        if self.loky:
            self.loky.shutdown()
        if self.joblib:
            self.joblib.__exit__(None, None, None)
        if self.mpire:
            self.mpire.terminate()


def present(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"not installed: {name}")
        return None


def rounds(calls, count, before=lambda: None):
    """Seconds of each call: medians of interleaved rounds, a first one that does not count."""
    times = {name: [] for name in calls}
    names = list(calls)
    for turn in range(count + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            before()
            start = time.perf_counter()
            calls[name]()
            if turn:
                times[name].append(time.perf_counter() - start)
    return {name: median(found) for name, found in times.items()}


def show(row, found):
    ours = found["allcores"]
    cells = "  ".join(f"{name} {seconds * 1e6:,.0f} us ({seconds / ours:.2f})" for name, seconds in found.items())
    print(f"{row:34} {cells}", flush=True)


class Echo:
    """A bare socketpair to a process that sends back 100 bytes."""

    def __init__(self):
        self.here, there = socket.socketpair()
        code = f"import socket; s = socket.socket(fileno={there.fileno()})\nwhile d := s.recv(100): s.send(d)"
        self.process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[there.fileno()])
        there.close()

    def __call__(self):
        self.here.send(b"x" * 100)
        self.here.recv(100)

    def close(self):
        self.here.close()
        self.process.wait()


def one_task(pools):
    echo = Echo()
    calls = {name: (lambda call=call: [call(trivial, 1) for _ in range(50)]) for name, call in pools.calls().items()}
    calls["bare echo"] = lambda: [echo() for _ in range(50)]
    found = rounds(calls, 21)
    echo.close()
    show("one trivial task, warm", {name: seconds / 50 for name, seconds in found.items()})


def many_items(pools):
    calls = {name: (lambda call=call: call(trivial, range(10_000))) for name, call in pools.maps().items()}
    show("10,000 trivial items", rounds(calls, 9))


def short_tasks(pools):
    calls = {
        name: (lambda call=call: call(tenth_of_a_millisecond, range(2_000))) for name, call in pools.maps().items()
    }
    calls["serial"] = lambda: [tenth_of_a_millisecond(i) for i in range(2_000)]
    show("2,000 tasks of 0.1 ms", rounds(calls, 7))


def array_out(pools):
    a = np.ones(10_000_000)

    def touch():
        a[0] += 1  # a pool that remembers arrays must not: it is another one now

    calls = {name: (lambda call=call: call(total, [a, a])) for name, call in pools.maps().items()}
    show("80 MB array to two workers", rounds(calls, 5, touch))


def array_back(pools):
    calls = {name: (lambda call=call: call(filled, 10_000_000)) for name, call in pools.calls().items()}
    if pools.joblib:
        calls["joblib"] = lambda: pools.joblib([pools.delayed(filled)(10_000_000)])
    show("80 MB array from one worker", rounds(calls, 5))


START = {
    "allcores": "import allcores.pool as p;start = time.perf_counter();e = p.Executor(2)",
    "futures": "from concurrent.futures import ProcessPoolExecutor as P;import multiprocessing as m;"
    "start = time.perf_counter();e = P(2, m.get_context('forkserver'))",
}


def start(_pools):
    def run(name):
        script = f"import time\nif __name__ == '__main__':\n    {START[name].replace(';', chr(10) + '    ')}\n"
        script += "    f = [e.submit(abs, -1) for _ in range(2)]; [x.result() for x in f]\n"
        script += "    print(time.perf_counter() - start)\n    e.shutdown()\n"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "start.py"
            path.write_text(script)
            return float(subprocess.run([sys.executable, path], stdout=subprocess.PIPE, text=True, check=True).stdout)

    times = {name: [] for name in START}
    for _ in range(7):
        for name in START:
            times[name].append(run(name))
    show("start, two first results", {name: median(found) for name, found in times.items()})


ROWS = {
    "task": one_task,
    "items": many_items,
    "short": short_tasks,
    "out": array_out,
    "back": array_back,
    "start": start,
}


if __name__ == "__main__":
    pools = Pools()
    for wanted in sys.argv[1:] or ROWS:
        ROWS[wanted](pools)
    pools.close()
