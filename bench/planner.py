"""How well the engine is chosen: random calls, the chosen one's time against the best of the engines when forced.

Each call is drawn anew: function, dtype, 1 to 1e7 elements, layout of its operands. A round times every engine once,
hot, in rotating order; ratios are of medians.
"""

import argparse
import contextlib
import operator
import sys
import time
from collections import Counter
from statistics import median

import numpy as np
from timing import duration, geometric_mean, machine

import allcores as ac
from allcores import _driver, calibration
from allcores.benchmark.timing import calls_for, measure
from allcores.kernels import KERNELS
from allcores.plan.model import Limits, State, Workload
from allcores.plan.plan import plan
from allcores.samples import arguments, type_lines

ENGINES = ["auto", "serial", "threads"]
LAYOUTS = ["packed", "packed", "packed", "strided", "rows", "columns", "axis 0", "axis 1", "out="]
MOST_SECONDS = 0.25  # of one serial call; larger draws are made again


def draw(random):
    """Return a label and a call without arguments."""
    lines = []
    while not lines:  # isnat is not of numbers
        kernel = KERNELS[random.choice(sorted(KERNELS))]
        lines = list(type_lines(kernel))
    common = [line for line in lines if line[0] in "df"]
    line = random.choice(common if common and random.random() < 0.7 else lines)
    size = int(10 ** random.uniform(0, 7))
    layout = random.choice(LAYOUTS)
    given = list(arguments(kernel, line, size))
    options = {}
    arrays = [i for i, value in enumerate(given) if isinstance(value, np.ndarray)]
    elementwise = kernel.family in ("ufunc", "special")
    if kernel.name in ("matmul", "vecdot", "dot", "vdot", "linalg.norm"):
        layout = "packed"
    if layout == "strided":
        given = [np.repeat(value, 2)[::2] if isinstance(value, np.ndarray) else value for value in given]
    elif layout in ("rows", "columns") and len(arrays) > 1 and elementwise:
        width = int(10 ** random.uniform(0, np.log10(max(size, 10)) - 0.5))
        rows = max(1, size // width)
        given = [value[: rows * width].reshape(rows, -1) for value in given]
        given[-1] = given[-1][:1] if layout == "rows" else given[-1][:, :1]
    elif layout.startswith("axis") and kernel.family in ("reduction", "summary"):
        width = int(10 ** random.uniform(0, np.log10(max(size, 10)) - 0.5))
        rows = max(1, size // width)
        given = [value[: rows * width].reshape(rows, -1) for value in given]
        options["axis"] = int(layout[-1])
    elif layout == "out=" and elementwise:
        made = kernel.function(*given)
        options["out"] = made
    else:
        layout = "packed"

    def call():
        return kernel.function(*given, **options)

    return f"{kernel.name} {line} {size:,} {layout}", call


def timed(call, rounds, rest):
    """Median seconds of a call on each engine."""
    seconds = {name: [] for name in ENGINES}
    repeats = 0
    for turn in range(rounds):
        shift = turn % len(ENGINES)
        for name in ENGINES[shift:] + ENGINES[:shift]:
            with ac.using(name):
                until = time.perf_counter() + rest
                call()
                while time.perf_counter() < until:
                    call()
                repeats = repeats or calls_for(call)
                seconds[name].append(measure(call, repeats))
    return {name: median(found) for name, found in seconds.items()}


def planning(rounds=31):
    """Nanoseconds of the decision itself, in the driver and by plan(), without the call of Python to it."""

    def nothing(*_):
        return 1

    def chosen(n, ns, nbytes):
        return plan(Workload(n, ns, nbytes), costs, limits, state)

    costs, limits, state = calibration.current(), Limits(2), State()
    large, small = (10**6, 1e6), (10**6, 9e3)
    x = np.ones(10**6)
    calls = {
        "nothing": (operator.length_hint, ((), 1), False),  # a compiled function of two arguments
        "small": (_driver.decide, small, False),
        "awake": (_driver.decide, large, True),
        "asleep": (_driver.decide, large, False),
        "nothing in Python": (nothing, (10**6, 1e6, 8e6), False),
        "plan()": (chosen, (10**6, 1e6, 8e6), False),
    }
    ns = {}
    for name, (function, given, awake) in calls.items():
        found = []
        for _ in range(rounds):
            if awake:
                with ac.using("threads"):
                    ac.add(x, x, out=x)
            found.append(1e9 * measure(lambda f=function, a=given: f(*a), 2000))
        ns[name] = median(found)
    for name in ("small", "awake", "asleep"):
        print(f"driver's decision, {name}: {ns[name] - ns['nothing']:.0f} ns")
    print(f"plan(): {ns['plan()'] - ns['nothing in Python']:.0f} ns")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workloads", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worst", type=int, default=15, help="calls of the largest ratio that are printed")
    options = parser.parse_args()
    print(machine())
    planning()
    random = np.random.default_rng(options.seed)
    rows = []
    with np.errstate(all="ignore"):
        while len(rows) < options.workloads:
            label, call = draw(random)
            try:
                with ac.using("serial"):
                    start = time.perf_counter()
                    call()
                    if time.perf_counter() - start > MOST_SECONDS:
                        continue
            except TypeError:
                continue  # NumPy has no such loop: ptp of truth values
            found = timed(call, options.rounds, 0.004)
            best = min(found["serial"], found["threads"])
            rows.append((found["auto"] / best, label, found))
    rows.sort(key=lambda row: row[0], reverse=True)
    print(f"{'':<44} {'chosen':>9} {'serial':>9} {'threads':>9}  chosen / best forced")
    for ratio, label, found in rows[: options.worst]:
        print(f"{label:<44} " + " ".join(f"{duration(found[name]):>9}" for name in ENGINES) + f"  {ratio:.2f}")
    ratios = [ratio for ratio, *_ in rows]
    within = sum(ratio <= 1.25 for ratio in ratios) / len(ratios)
    print(
        f"{len(rows)} calls: {within:.1%} within 1.25, most {ratios[0]:.2f}, "
        f"geometric mean {geometric_mean(ratios):.3f}"
    )
    best = Counter("serial" if found["serial"] <= found["threads"] else "threads" for _, _, found in rows)
    print("best: " + ", ".join(f"{name} {count}" for name, count in best.items()))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
        sys.exit(0)
    sys.exit(130)
