"""Inner products of many pairs of vectors, products that BLAS does not take, and stacks, against NumPy and torch."""

import argparse
from functools import partial
from importlib import import_module

import numpy as np
from timing import geometric_mean, machine, medians, row, rows_of, started

import allcores as ac

PAIRS = [
    ("vecdot", "d", (333_333, 3)), ("vecdot", "d", (100_000, 10)), ("vecdot", "f", (100_000, 10)),
    ("vecdot", "d", (10_000, 100)), ("vecdot", "d", (1_000, 1_000)), ("vecdot", "f", (1_000, 1_000)),
    ("vecdot", "D", (100_000, 10)), ("vecdot", "l", (100_000, 10)), ("vecdot", "i", (1_000, 1_000)),
    ("vecdot", "e", (1_000, 1_000)), ("vecdot", "d", (10, 100_000)),
    ("dot", "l", (1_000_000,)), ("dot", "i", (1_000_000,)), ("dot", "b", (1_000_000,)), ("dot", "e", (1_000_000,)),
    ("dot", "g", (1_000_000,)), ("dot", "l", (10_000_000,)),
    ("dot", "l", (300, 300)), ("dot", "i", (300, 300)), ("dot", "b", (300, 300)), ("dot", "e", (300, 300)),
    ("dot", "?", (300, 300)),
    *(("matmul", dtype, shape) for dtype in "df" for shape in (
        (10_000, 4, 4), (2_000, 16, 16), (500, 64, 64), (100, 128, 128), (50, 256, 256), (4, 1_000, 1_000))),
    ("matmul", "D", (500, 32, 32)), ("dot", "d", (20, 64, 64)), ("dot", "f", (20, 64, 64)),
]  # fmt: skip


def torch_call(name, a, b):
    if a.ndim > 2 and name == "dot":
        return None
    torch = import_module("torch")
    x, y = torch.from_numpy(a), torch.from_numpy(b)
    by_name = {"vecdot": torch.linalg.vecdot, "matmul": torch.bmm}
    function = by_name.get(name) or (torch.dot if a.ndim == 1 else torch.mm)
    try:
        function(x, y)
    except RuntimeError:  # a type that it has no product of
        return None
    return partial(function, x, y)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--numpy-only", action="store_true", help="leave torch out")
    options = parser.parse_args()
    print(machine())
    peers = [] if options.numpy_only else started(["torch"])
    random = np.random.default_rng(5)
    ratios = []
    rows_of(f"best of NumPy {' '.join(peers)}")
    for name, dtype, shape in PAIRS:
        a, b = ((random.random(shape) * (1 if dtype == "e" else 9)).astype(dtype) for _ in "ab")
        if dtype == "e":  # sums that stay below 65,504
            a /= 16
        calls = {"ac": partial(getattr(ac, name), a, b), "numpy": partial(getattr(np, name), a, b)}
        for peer in peers if dtype != "g" else ():
            call = torch_call(name, a, b)
            if call is not None:
                calls[peer] = call
        found = row(f"{name} {np.dtype(dtype)} {shape}", medians(calls, options.rounds))
        if found:
            ratios.append(found)
    if ratios:
        print(f"geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}")


if __name__ == "__main__":
    main()
