"""Calls that make their output against the same calls with out=: what fresh memory costs, recycled and not.

python bench/outputs.py [--rounds 41]
"""

import argparse
from functools import partial

import numpy as np
from timing import duration, geometric_mean, machine, medians

import allcores as ac

SIZES = (200_000, 1_000_000, 10_000_000)


def unrecycled(function, *arrays):
    with ac.limit(recycle_bytes=0):
        function(*arrays)


def cases():
    """Yield name, elements of the output, our function, NumPy's, and arrays."""
    for name, count in (("add", 2), ("sqrt", 1), ("exp", 1), ("greater", 2)):
        for size in SIZES:
            arrays = [np.random.default_rng(i).uniform(0.1, 9.0, size) for i in range(count)]
            yield name, size, getattr(ac, name), getattr(np, name), arrays
    rows = np.random.default_rng(3).uniform(0.1, 9.0, (4, 4_000_000))
    narrow = rows.reshape(-1, 4)
    for name in ("sum", "mean", "max", "argmin", "nansum"):
        ours, numpys = (partial(getattr(package, name), axis=0) for package in (ac, np))
        yield f"{name} of rows", rows.shape[1], ours, numpys, [rows]
    yield "vecdot", narrow.shape[0], ac.vecdot, np.vecdot, [narrow, narrow]
    thin = np.random.default_rng(4).integers(0, 9, (2000, 8))
    yield "matmul int", 2000 * 2000, ac.matmul, np.matmul, [thin, thin.T.copy()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    print(machine())
    print(f"\n{'':<22}{'elements':>12}{'out=':>11}{'recycled':>11}{'fresh':>11}{'numpy':>11}{'recycled/out=':>15}")
    ratios = []
    for name, size, function, numpys, arrays in cases():
        out = numpys(*arrays)
        # what is kept must not go between rounds, so the rival that keeps nothing is timed apart
        seconds = medians(
            {"out": partial(function, *arrays, out=out), "recycled": partial(function, *arrays),
             "numpy": partial(numpys, *arrays)},
            options.rounds,
        )  # fmt: skip
        seconds |= medians({"fresh": partial(unrecycled, function, *arrays)}, options.rounds)
        ratios.append(seconds["recycled"] / seconds["out"])
        cells = "".join(f"{duration(seconds[one]):>11}" for one in ("out", "recycled", "fresh", "numpy"))
        print(f"{name:<22}{size:>12,}{cells}{ratios[-1]:>15.2f}", flush=True)
    print(f"geometric mean {geometric_mean(ratios):.2f}, most {max(ratios):.2f}")


if __name__ == "__main__":
    main()
