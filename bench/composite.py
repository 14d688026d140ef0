"""Element-wise functions that are no ufuncs, and fma: against NumPy, and numexpr and torch where they have them."""

import argparse
from functools import partial
from importlib import import_module

import numpy as np
from timing import geometric_mean, machine, medians, per_call, row, rows_of, started

import allcores as ac

PEERS = ["numexpr", "torch"]
SMALL = [10, 1_000]


def cases(x, y, condition):
    """Return name -> (function of ac or np, arguments, numexpr's text, torch's function and arguments)."""
    return {
        "where": ("where", (condition, x, y), "where(c, x, y)", ("where", "cxy")),
        "where scalar": ("where", (condition, x, 0.0), "where(c, x, 0.0)", None),
        "clip": ("clip", (x, 0.2, 0.8), "where(x < 0.2, 0.2, where(x > 0.8, 0.8, x))", ("clip", "x", 0.2, 0.8)),
        "round 2": ("round", (x, 2), None, None),
        "nan_to_num": ("nan_to_num", (x,), None, ("nan_to_num", "x")),
        "isclose": ("isclose", (x, y), "abs(x - y) <= 1e-8 + 1e-5 * abs(y)", ("isclose", "xy")),
        "allclose": ("allclose", (x, x.copy()), None, ("allclose", "xx")),
        "array_equal": ("array_equal", (x, x.copy()), None, ("equal", "xz")),
        "array_equal, first differs": ("array_equal", (x, y), None, ("equal", "xy")),
    }


def calls_of(case, arrays, peers):
    name, arguments, text, torch_call = case
    calls = {"ac": partial(getattr(ac, name), *arguments), "numpy": partial(getattr(np, name), *arguments)}
    if "numexpr" in peers and text:
        calls["numexpr"] = partial(import_module("numexpr").evaluate, text, local_dict=arrays)
    if "torch" in peers and torch_call:
        torch = import_module("torch")
        function, letters, *rest = torch_call
        calls["torch"] = partial(getattr(torch, function), *(torch.from_numpy(arrays[c]) for c in letters), *rest)
    return calls


def large(size, rounds, peers):
    for dtype in (np.float64, np.float32):
        random = np.random.default_rng(3)
        x, y = (random.uniform(0, 1, size).astype(dtype) for _ in range(2))
        arrays = {"x": x, "y": y, "z": x.copy(), "c": random.random(size) < 0.5}
        rows_of(f"{np.dtype(dtype)}, {size:,} elements, new results, best of NumPy {' '.join(peers)}")
        ratios = []
        for label, case in cases(x, y, arrays["c"]).items():
            found = row(label, medians(calls_of(case, arrays, peers), rounds))
            ratios += [found] if found else []
        out = np.empty_like(x)
        calls = {"ac": partial(ac.fma, x, y, x, out=out), "numpy": lambda x=x, y=y, out=out: np.add(x * y, x, out=out)}
        if "torch" in peers:
            torch = import_module("torch")
            a, b, to = (torch.from_numpy(array) for array in (x, y, out))
            calls["torch"] = partial(torch.addcmul, a, a, b, out=to)
        found = row("fma (NumPy: two roundings)", medians(calls, rounds))
        ratios += [found] if found else []
        print(f"geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}")


def caller(function, rest):
    return lambda first: function(first, *rest)


def small(rounds):
    print("\nsmall arrays: ns a call, allcores / NumPy = ratio (above 1: we are slower)")
    for size in SMALL:
        x = np.random.default_rng(3).uniform(0, 1, size)
        for label, (name, arguments, *_) in cases(x, x[::-1].copy(), x < 0.5).items():
            functions = [caller(getattr(module, name), arguments[1:]) for module in (ac, np)]
            pairs = [[per_call(f, arguments[:1], 500) for f in functions] for _ in range(rounds)]
            ours, numpys = (float(np.median(side)) * 1e9 for side in zip(*pairs, strict=True))
            print(f"{label:<30} {size:>6,} {ours:>9.0f} {numpys:>9.0f} {ours / numpys:6.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e6, 1e7])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(machine())
    peers = started(PEERS)
    for size in map(int, options.sizes):
        large(size, options.rounds, peers)
    small(options.rounds)


if __name__ == "__main__":
    main()
