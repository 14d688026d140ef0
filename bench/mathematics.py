"""Every function of our own mathematics with out=, against the best of NumPy, SciPy, numexpr, torch and JAX."""

import argparse
import os
import sys
from functools import partial
from importlib import import_module

V3 = {
    "ALLCORES_ISA": "v3",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",  # the mathematics in torch is MKL's
}
if "--isa" in sys.argv and any(os.environ.get(name) != value for name, value in V3.items()):
    os.environ.update(V3)  # read when the libraries are loaded
    os.execv(sys.executable, [sys.executable, *sys.argv])

import numpy as np  # noqa: E402
from timing import duration, geometric_mean, machine, medians, started  # noqa: E402

import allcores as ac  # noqa: E402
from allcores import _ufuncs  # noqa: E402

PEERS = ["numexpr", "torch", "jax"]
COLUMNS = ["numpy", "scipy", *PEERS]
LARGE = {"sin", "cos"}
DOMAIN = {
    "arccos": (-0.99, 0.99), "arcsin": (-0.99, 0.99), "arctanh": (-0.99, 0.99), "arccosh": (1.01, 9.0),
    "erfinv": (-0.99, 0.99), "erfcinv": (0.01, 1.99), "ndtri": (0.01, 0.99), "logit": (0.01, 0.99),
}  # fmt: skip
# Names where they differ from NumPy's and SciPy's.
TORCH = {"exp2": "exp2", "gammaln": "lgamma", "fma": None, "power": "pow", "psi": "digamma", "logaddexp": "logaddexp"}
NUMEXPR = {"power": "x ** y", "fma": "x * y + z", "square": "x * x"}
NUMEXPR_HAS = {
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cos", "cosh", "exp", "expm1", "log",
    "log10", "log1p", "sin", "sinh", "sqrt", "tan", "tanh",
}  # fmt: skip


def optional(module):
    try:
        return import_module(module)
    except ImportError:
        return None


def ours(name):
    """Return the public ufunc, or the serial one of our loops where the name is not public."""
    return getattr(ac, name, None) or _ufuncs.own_mathematics(name)


def peer_calls(name, arrays, out, peers):
    """Return peer -> call, of those that have the function."""
    calls = {}
    for peer, module in (("numpy", np), ("scipy", optional("scipy.special"))):
        function = getattr(module, name, None)
        if isinstance(function, np.ufunc):
            calls[peer] = partial(function, *arrays, out=out)
    if "numexpr" in peers:
        letters = "xyz"[: len(arrays)]
        text = NUMEXPR.get(name) or (f"{name}({', '.join(letters)})" if name in NUMEXPR_HAS else None)
        if text:
            given = dict(zip(letters, arrays, strict=True))
            calls["numexpr"] = partial(import_module("numexpr").evaluate, text, local_dict=given, out=out)
    if "torch" in peers:
        torch = import_module("torch")
        called = TORCH.get(name, name)
        function = called and (getattr(torch, called, None) or getattr(torch.special, called, None))
        if function:
            calls["torch"] = partial(function, *map(torch.from_numpy, arrays), out=torch.from_numpy(out))
    if "jax" in peers:
        jax = import_module("jax")
        function = getattr(jax.numpy, name, None) or getattr(jax.scipy.special, name, None)
        if function:
            compiled, given = jax.jit(function), [jax.numpy.asarray(array) for array in arrays]
            calls["jax"] = lambda: compiled(*given).block_until_ready()
    return calls


def timed(name, types, size, rounds, peers):
    """Print one row; return the ratio of the best peer to ours, None without a peer."""
    random = np.random.default_rng(7)
    inputs, output = types.split("->")
    arrays = [random.uniform(*DOMAIN.get(name, (0.1, 9.0)), size).astype(code) for code in inputs]
    out = np.empty(size, output)
    calls = {"ac": partial(ours(name), *arrays, out=out), **peer_calls(name, arrays, out, peers)}
    with np.errstate(all="ignore"):
        seconds = medians(calls, rounds)
    others = [value for peer, value in seconds.items() if peer != "ac"]
    ratio = min(others) / seconds["ac"] if others and "ac" in seconds else None
    cells = "".join(f"{duration(seconds[one]) if one in seconds else '-':>11}" for one in ("ac", *COLUMNS))
    print(f"{name + ' ' + types:<18}{size:>12,}{cells}{'-' if ratio is None else f'{ratio:.2f}':>8}", flush=True)
    return ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=1e6)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--names", nargs="+", help="these functions only")
    parser.add_argument("--isa", choices=["v3"], help="ours at v3, NumPy, torch and its MKL held to AVX2")
    options = parser.parse_args()
    print(machine())
    peers = started(PEERS)
    print(f"\n{'out= given':<18}{'':>12}" + "".join(f"{name:>11}" for name in ("ac", *COLUMNS)) + f"{'ratio':>8}")
    ratios = []
    for name, types, _, _ in sorted(_ufuncs.mathematics()):
        if len(types.partition("->")[2]) > 1 or (options.names and name not in options.names):
            continue  # no peer computes sine and cosine at once
        for size in (options.size, 1e7) if name in LARGE else (options.size,):
            ratio = timed(name, types, int(size), options.rounds, peers)
            ratios += [] if ratio is None else [ratio]
    if ratios:
        print(f"geometric mean {geometric_mean(ratios):.2f}, least {min(ratios):.2f}, of {len(ratios)}")


if __name__ == "__main__":
    main()
