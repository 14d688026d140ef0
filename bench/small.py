"""Calls too small for threads: they must cost what NumPy's cost, also when the threads have gone to sleep."""

import argparse
from statistics import median
from time import perf_counter

import numpy as np
from timing import geometric_mean, machine, per_call

from allcores.kernels import KERNELS

NAMES = ["add", "multiply", "divide", "sqrt", "exp", "sin", "maximum", "less", "sum", "mean", "max", "argmax"]
SIZES = [1, 10, 100, 1_000]
IDLE = 0.020


def hot(ours, numpys, arguments, rounds):
    pairs = [(per_call(ours, arguments, 1_000), per_call(numpys, arguments, 1_000)) for _ in range(rounds)]
    return [median(side) for side in zip(*pairs, strict=True)]


def after_idling(ours, numpys, arguments, rounds):
    """One call at a time, each after 20 ms of other work on this core."""
    times = {ours: [], numpys: []}
    for turn in range(rounds):
        for function in (ours, numpys) if turn % 2 else (numpys, ours):
            until = perf_counter() + IDLE
            while perf_counter() < until:
                pass
            times[function].append(per_call(function, arguments, 1))
    return median(times[ours]), median(times[numpys])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    rounds = parser.parse_args().rounds
    print(machine())
    ratios = {}
    for mode, measure in (("hot", hot), ("after 20 ms of other work", after_idling)):
        print(f"\n{mode}: ns a call, allcores / NumPy = ratio (above 1: we are slower)")
        print(f"{'':<10}" + "".join(f"{size:>26,}" for size in SIZES))
        for name in [name for name in NAMES if name in KERNELS]:
            cells = []
            for size in SIZES:
                values = np.linspace(0.5, 2.0, size)
                arguments = (values, values + 1.0) if getattr(getattr(np, name), "nin", 1) == 2 else (values,)
                ours, numpys = measure(KERNELS[name].function, KERNELS[name].reference, arguments, rounds)
                ratios.setdefault((mode, size), []).append(ours / numpys)
                cells.append(f"{ours * 1e9:9.0f}/{numpys * 1e9:8.0f} = {ours / numpys:5.2f}")
            print(f"{name:<10}" + "".join(f"{cell:>26}" for cell in cells), flush=True)
    print("\ngeometric mean and largest of the ratios")
    for (mode, size), found in ratios.items():
        print(f"{mode:<28} {size:>6,}  {geometric_mean(found):5.2f}  {max(found):5.2f}")


if __name__ == "__main__":
    main()
