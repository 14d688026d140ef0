"""Reductions of what is not NaN, a quarter being NaN, on every axis, against NumPy, bottleneck, numbagg and torch."""

import argparse
import warnings
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from timing import geometric_mean, machine, medians, row, rows_of, started

import allcores as ac

NAMES = ["nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmin", "nanmax", "nanargmin", "nanargmax"]
SHAPES = [
    ((1_000_000,), None), ((10_000_000,), None),
    ((1_000, 1_000), 0), ((1_000, 1_000), 1), ((1_000, 1_000), None),
    ((10, 100_000), 0), ((10, 100_000), 1), ((100_000, 10), 0), ((100_000, 10), 1),
]  # fmt: skip
TORCH = {"nansum", "nanmean"}


def library_call(library, name, values, axis):
    function = getattr(import_module(library), name, None)
    return function and partial(function, values, axis=axis)


def torch_call(name, values, axis):
    if name not in TORCH:
        return None
    torch = import_module("torch")
    tensor = torch.from_numpy(values)
    return partial(getattr(torch, name), tensor, **({} if axis is None else {"dim": axis}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--functions", nargs="+", default=NAMES)
    parser.add_argument("--dtypes", nargs="+", default=["float64", "float32"])
    parser.add_argument("--numpy-only", action="store_true", help="leave the other libraries out")
    options = parser.parse_args()
    print(machine())
    peers = [] if options.numpy_only else started(["bottleneck", "torch"])
    if not options.numpy_only and find_spec("numbagg"):
        peers.append("numbagg")
    random = np.random.default_rng(5)
    ratios = []
    rows_of(f"best of NumPy {' '.join(peers)}")
    for dtype in options.dtypes:
        for shape, axis in SHAPES:
            values = random.uniform(0.5, 1.5, shape).astype(dtype)
            for name in options.functions:
                data = np.where(values > 1.25, np.nan, values).astype(dtype)
                data[0] = values[0]  # no column of NaN alone
                if name == "nanprod":
                    data = (1.0 + (data - 1.0) * 1e-6).astype(dtype)  # away from denormal numbers
                calls = {
                    "ac": partial(getattr(ac, name), data, axis=axis),
                    "numpy": partial(getattr(np, name), data, axis=axis),
                }
                for peer in peers:
                    make = torch_call if peer == "torch" else partial(library_call, peer)
                    call = make(name, data, axis)
                    if call:
                        calls[peer] = call
                label = f"{name} {dtype} {shape} {'all' if axis is None else f'axis={axis}'}"
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = row(label, medians(calls, options.rounds))
                if found:
                    ratios.append(found)
    if ratios:
        print(f"geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}")


if __name__ == "__main__":
    main()
