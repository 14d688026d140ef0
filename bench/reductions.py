"""Reductions, whole and along an axis, wide and narrow, with NaN and without, against NumPy and its rivals."""

import argparse
from functools import partial
from importlib import import_module

import numpy as np
from timing import geometric_mean, machine, medians, row, rows_of, started

import allcores as ac
from allcores.kernels import KERNELS

NAMES = ["sum", "mean", "var", "std", "min", "max", "argmax", "prod", "any", "all", "count_nonzero"]
NAN_NAMES = ["nansum", "nanmean", "nanvar", "nanstd", "nanmin", "nanmax", "nanargmax", "nanprod"]
SHAPES = [
    ((1_000_000,), None),
    ((10_000_000,), None),
    ((1_000, 1_000), 0),
    ((1_000, 1_000), 1),
    ((200_000, 50), 0),
    ((200_000, 50), 1),
    ((3_333_333, 3), 0),
    ((3_333_333, 3), 1),
    ((3, 3_333_333), 0),
]
PEERS = ["bottleneck", "torch", "jax"]
BOTTLENECK = {"sum", "mean", "var", "std", "min", "max", "argmax"}  # under names that begin with nan
TORCH = {"min": "amin", "max": "amax"}
TORCH_LACKS = {"nanvar", "nanstd", "nanmin", "nanmax", "nanargmax", "nanprod"}


def bottleneck_call(name, values, axis):
    name = name.removeprefix("nan")
    if name not in BOTTLENECK:
        return None
    return partial(getattr(import_module("bottleneck"), f"nan{name}"), values, axis=axis)


def torch_call(name, values, axis):
    if name in TORCH_LACKS:
        return None
    tensor = import_module("torch").from_numpy(values)
    function = getattr(import_module("torch"), TORCH.get(name, name))
    options = {"correction": 0} if name in ("var", "std") else {}
    if name == "prod" and axis is None:
        return partial(function, tensor)
    return partial(function, tensor, dim=axis, **options) if axis is not None else partial(function, tensor, **options)


def jax_call(name, values, axis):
    numpy = import_module("jax.numpy")
    given = numpy.asarray(values)
    function = import_module("jax").jit(partial(getattr(numpy, name), axis=axis))
    return lambda: function(given).block_until_ready()


MAKE = {"bottleneck": bottleneck_call, "torch": torch_call, "jax": jax_call}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--functions", nargs="+", default=NAMES + NAN_NAMES)
    parser.add_argument("--numpy-only", action="store_true", help="leave the other libraries out")
    options = parser.parse_args()
    print(machine())
    peers = [] if options.numpy_only else started(PEERS)
    random = np.random.default_rng(5)
    over_numpy, over_best = [], []
    rows_of(f"float64, best of NumPy {' '.join(peers)}")
    for shape, axis in SHAPES:
        values = random.uniform(0.5, 1.5, shape)
        for name in [name for name in options.functions if name in KERNELS]:
            data = values > 2.0 if name in ("any", "all", "count_nonzero") else values
            data = ~data if name == "all" else data
            if name.startswith("nan"):
                data = np.where(values > 1.25, np.nan, values)  # a quarter
            if name.endswith("prod"):
                data = 1.0 + (data - 1.0) * 1e-6  # stays away from denormal numbers, which are slow for everybody
            calls = {
                "ac": partial(getattr(ac, name), data, axis=axis),
                "numpy": partial(getattr(np, name), data, axis=axis),
            }
            for peer in peers:
                call = MAKE[peer](name, data, axis)
                if call is not None:
                    calls[peer] = call
            seconds = medians(calls, options.rounds)
            found = row(f"{name} {shape} {'all' if axis is None else f'axis={axis}'}", seconds)
            if found:
                over_best.append(found)
                over_numpy.append(seconds["numpy"] / seconds["ac"])
    for what, ratios in (("NumPy", over_numpy), ("the best", over_best)):
        if ratios:
            print(f"against {what}: geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}")


if __name__ == "__main__":
    main()
