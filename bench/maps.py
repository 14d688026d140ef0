"""`ac.map` on Python functions: what it adds to cheap ones, uneven tasks against other pools, the engine it chooses.

    python bench/maps.py [cheap] [uneven] [planner] [first] [--seeds 1 2 3]

planner: for each seed 60 workloads drawn at random, each run as chosen and with each engine forced, interleaved; how
often the chosen one took at most 1.25 times as long as the fastest, and the most. Misses are measured again, with more
rounds, and only the second time counts. first: the same, but no map knows of those before it; workers are there.
"""

import argparse
import multiprocessing
import random
import time
from statistics import median

import numpy as np

import allcores as ac
from allcores.calls import probing


def cheap(x):
    return 2 * x


def python_for(seconds, size=0):
    """Compute in Python for a while, in which waiting for the lock does not count, and return some bytes."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return bytes(size)


def waiting_for(seconds, size=0):
    """Take time outside of Python's lock."""
    time.sleep(seconds)
    return bytes(size)


def array_of(n, size=0):
    """NumPy's functions, which hold the lock between calls and release it in them."""
    return float(np.sin(np.arange(n)).sum()), bytes(size)


def seconds_of(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def on_cheap():
    items = list(range(100))
    plain, ours = [], []
    for _ in range(2000):
        plain.append(seconds_of(lambda: [cheap(x) for x in items]))
        ours.append(seconds_of(lambda: ac.map(cheap, items)))
    print(f"100 cheap items: comprehension {median(plain) * 1e6:.1f} us, ac.map {median(ours) * 1e6:.1f} us")


def on_uneven():
    rng = random.Random(1)
    times = [rng.uniform(0.001, 0.05) for _ in range(500)]
    scale = 5.0 / sum(times)  # 500 tasks of 10 ms on average
    times = [t * scale for t in times]
    runs = {"serial": lambda: [python_for(t) for t in times], "allcores": lambda: ac.map(python_for, times)}
    pool = multiprocessing.get_context("forkserver").Pool(2)
    runs["mp.Pool"] = lambda: pool.map(python_for, times)
    try:
        import joblib
    except ImportError:
        print("not installed: joblib")
    else:
        parallel = joblib.Parallel(2)
        runs["joblib"] = lambda: parallel(joblib.delayed(python_for)(t) for t in times)
    found = {name: [] for name in runs}
    for turn in range(4):
        for name, run in runs.items():
            took = seconds_of(run)
            if turn:
                found[name].append(took)
    pool.terminate()
    ours = median(found["allcores"])
    print("500 uneven tasks: " + "  ".join(f"{n} {median(t):.2f} s ({median(t) / ours:.2f})" for n, t in found.items()))


def drawn(rng):
    """Return a function, its items and what they are, in words."""
    function = rng.choice((python_for, waiting_for, array_of))
    total = 10 ** rng.uniform(-3.5, -0.3)
    count = max(2, int(10 ** rng.uniform(0.3, 3)))
    size = int(10 ** rng.uniform(0, 5))
    each = total / count
    first = max(1, int(each * 1e8)) if function is array_of else each
    what = f"{function.__name__} {count} items of {each * 1e6:.0f} us, {size} bytes back"
    return function, [(first, size)] * count, what


def engines(function, items, rounds, anew):
    """Return the seconds of each engine, and of the one chosen."""
    found = {name: [] for name in ("auto", "serial", "threads", "processes")}
    for turn in range(rounds + 1):
        for name, times in found.items():
            if anew:
                probing.forget()
            with ac.using(name):
                took = seconds_of(lambda: ac.starmap(function, items))
            if turn:
                times.append(took)
    return {name: median(times) for name, times in found.items()}


def on_planner(seeds, anew=False, workloads=60):
    for seed in seeds:
        rng = random.Random(seed)
        ratios = []
        for _ in range(workloads):
            function, items, what = drawn(rng)
            for rounds in (3, 15):  # a miss that is not seen again was the machine's
                found = engines(function, items, rounds, anew)
                chosen = found.pop("auto")
                best = min(found, key=found.get)
                ratio = chosen / found[best]
                if ratio <= 1.25 or found["serial"] > 0.2:
                    break
            ratios.append(ratio)
            if ratio > 1.25:
                times = ", ".join(f"{name} {took * 1e3:.2f}" for name, took in found.items())
                print(f"  {what}: {chosen * 1e3:.2f} ms, {ratio:.2f} of {best} ({times})")
        good = sum(ratio <= 1.25 for ratio in ratios)
        kind = "first maps" if anew else "planner"
        print(
            f"{kind}, seed {seed}: {good} of {workloads} within 1.25 of the fastest engine, most {max(ratios):.2f}",
            flush=True,
        )


ROWS = {
    "cheap": on_cheap,
    "uneven": on_uneven,
    "planner": on_planner,
    "first": lambda seeds: on_planner(seeds, anew=True),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="of " + ", ".join(ROWS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[1])
    given = parser.parse_args()
    for row in given.rows or ROWS:
        if row in ("planner", "first"):
            ROWS[row](given.seeds)
        else:
            ROWS[row]()


if __name__ == "__main__":
    main()
