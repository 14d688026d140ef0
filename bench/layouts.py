"""Operands that are not flat: broadcast, strided, transposed, of mixed types. Against NumPy, with out=."""

import argparse
from functools import partial

import numpy as np
from timing import geometric_mean, machine, medians, row, rows_of

import allcores as ac


def cases():
    random = np.random.default_rng(3)
    wide, narrow = random.random((200_000, 50)), random.random((3_333_333, 3))
    square = random.random((3_000, 3_000))
    flat = random.random(20_000_000)
    counts = random.integers(0, 1_000, 10_000_000)
    yield "(200000, 50) - (50,)", "subtract", (wide, wide[0].copy()), wide.shape
    yield "(200000, 50) - (200000, 1)", "subtract", (wide, wide[:, :1].copy()), wide.shape
    yield "(3333333, 3) - (3,)", "subtract", (narrow, narrow[0].copy()), narrow.shape
    yield "every second of 2e7 + every second", "add", (flat[::2], flat[1::2]), (10_000_000,)
    yield "(3000, 3000) + its transpose", "add", (square, square.T), square.shape
    yield "columns [:, :1500] * [:, 1500:]", "multiply", (square[:, :1500], square[:, 1500:]), (3_000, 1_500)
    yield "int64 + float64, 1e7", "add", (counts, flat[:10_000_000]), (10_000_000,)
    yield "float32 * float64, 1e7", "multiply", (flat[:10_000_000].astype("f4"), flat[:10_000_000]), (10_000_000,)
    yield "outer (3000, 1) * (3000,)", "multiply", (square[:, :1].copy(), square[0].copy()), square.shape


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(machine())
    rows_of("layouts, float64, out=, NumPy")
    ratios = []
    for label, name, arguments, shape in cases():
        out = np.zeros(shape)
        calls = {
            "ac": partial(getattr(ac, name), *arguments, out=out),
            "numpy": partial(getattr(np, name), *arguments, out=out),
        }
        found = row(label, medians(calls, rounds))
        if found:
            ratios.append(found)
    print(f"geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}")


if __name__ == "__main__":
    main()
