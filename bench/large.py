"""Large contiguous calls with out=: against NumPy, and the common ones against the best of the libraries installed."""

import argparse
import sys
from functools import partial

import numpy as np
from timing import geometric_mean, machine, medians, row, rows_of, started

from allcores.benchmark.cases import CASES, Case, operands
from allcores.benchmark.peers import LIBRARIES
from allcores.kernels import KERNELS

MEMORY_BOUND = ["add", "subtract", "multiply", "divide", "maximum", "less", "sqrt", "absolute", "isnan", "rint"]
COMPUTE_BOUND = ["exp", "log", "sin", "cos", "tan", "tanh", "arctan2", "power", "log1p", "cbrt", "remainder"]
COMPARED = ["exp", "log", "sqrt", "add", "divide", "maximum", "less"]
PEERS = ["numexpr", "torch", "jax"]
DOMAIN = {
    "arccosh": (1.0, 9.0), "arccos": (-0.9, 0.9), "arcsin": (-0.9, 0.9), "arctanh": (-0.9, 0.9), "gcd": (1, 1000),
    "lcm": (1, 1000), "left_shift": (0, 7), "right_shift": (0, 7),
}  # fmt: skip


def arrays_for(kernel, size):
    """Arguments and out= of a kernel: float64 where it takes it, else integers, truth values, dates."""
    random = np.random.default_rng(7)
    low, high = DOMAIN.get(kernel.name, (0.1, 9.0))
    if kernel.family == "composite":
        x = random.uniform(low, high, size)
        given = {"where": (x < 2.0, x, x), "clip": (x, 1.0, 5.0), "fma": (x, x, x), "round": (x, 2), "around": (x, 2)}
        return given.get(kernel.name, (x,) if kernel.name == "nan_to_num" else (x, x.copy())), {}
    if kernel.family != "ufunc":
        return (random.uniform(low, high, size),), {}
    for kind in "dlq?M":
        for types in kernel.reference.types:
            given, made = types.split("->")
            if given[0] == kind and "O" not in types:
                break
        else:
            continue
        arguments = tuple(random.uniform(low, high, size).astype("M8[s]" if char == "M" else char) for char in given)
        out = tuple(np.zeros(size, char) for char in made)
        return arguments, {"out": out if len(out) > 1 else out[0]}
    raise LookupError(f"no operands for {kernel.reference.types}")


def against_numpy(names, size, rounds):
    ratios = []
    for name in names:
        kernel = KERNELS[name]
        arguments, out = arrays_for(kernel, size)
        with np.errstate(all="ignore"):
            calls = {"ac": partial(kernel.function, *arguments, **out)}
            calls["numpy"] = partial(kernel.reference, *arguments, **out)
            found = row(f"{name} {size:,}", medians(calls, rounds))
        if found:
            ratios.append(found)
    return ratios


def against_peers(size, rounds):
    names = started(PEERS)
    arrays = operands(size)
    arrays["j"] = arrays["i"][::-1].copy()
    cases = [*(CASES[name] for name in COMPARED), Case("int64 add", "add", ("i", "j"), "i8", CASES["add"].python)]
    ratios = []
    rows_of(f"{size:,} elements, out=, best of NumPy {' '.join(names)} (JAX has no out=)")
    for case in cases:
        calls = {"ac": LIBRARIES["allcores"].prepare(case, arrays)}
        for name in ("numpy", *names):
            call = LIBRARIES[name].prepare(case, arrays)
            if call is not None:
                calls[name] = call
        found = row(case.name, medians(calls, rounds))
        if found:
            ratios.append(found)
    summary("against the best peer", ratios)


def summary(what, ratios):
    if ratios:
        print(f"{what}: geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}, of {len(ratios)}")


def every_kernel(size, rounds):
    """All of the registry, in its order; fails when one cannot be timed."""
    rows_of(f"every kernel, {size:,} elements")
    ratios, without = [], []
    for name in KERNELS:
        try:
            ratios += against_numpy([name], size, rounds)
        except (LookupError, TypeError) as error:
            without.append(f"{name}: {error}")
    summary("every kernel", ratios)
    if without or len(ratios) != len(KERNELS):
        sys.exit("kernels without a benchmark:\n" + "\n".join(without))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every kernel of the registry against NumPy")
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e6, 1e7])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(machine())
    for size in map(int, options.sizes):
        if options.all:
            every_kernel(size, options.rounds)
            continue
        for group, names in (("memory-bound", MEMORY_BOUND), ("compute-bound", COMPUTE_BOUND)):
            rows_of(f"{group}, {size:,} elements, out=, NumPy")
            summary(group, against_numpy(names, size, options.rounds))
        against_peers(size, options.rounds)


if __name__ == "__main__":
    main()
