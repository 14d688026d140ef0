"""Largest errors of our own mathematics, in units in the last place, beside NumPy's or SciPy's for the same arguments.

    python bench/accuracy.py [--points 1e7] [--functions sin exp] [--mpmath] [--worst]
    python bench/accuracy.py --exhaustive-float32 [sin ...]

Every loop of `_ufuncs.mathematics()` is measured at the level in use, used by calls or not; ALLCORES_ISA chooses the
level. The reference is long double, by mpmath (and then at most 20,000 points) where that is no longer than double. For
all 2**32 arguments of a float32 function it is our own float64 function, whose error is nothing beside a float32's last
place: 20-60 s a function on two cores.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter

import numpy as np

import allcores as ac
from allcores import _ufuncs
from allcores.benchmark import ulp

PIECE = 2**20
SMALL_PIECE = 2**17  # intermediate arrays stay in cache
BY_MPMATH = 20_000


def theirs(name):
    """Return NumPy's function of this name, or SciPy's, or None."""
    if hasattr(np, name):
        return getattr(np, name)
    try:
        from scipy import special
    except ImportError:
        return None
    return getattr(special, name, None)


def pieces(arguments):
    for start in range(0, arguments[0].size, PIECE):
        yield tuple(a[start : start + PIECE] for a in arguments)


def measure(name, blocks, by_mpmath):
    """Return (error, where) of ours and of theirs over all `blocks` of arguments."""
    functions = [_ufuncs.own_mathematics(name), theirs(name)]
    found = [(0.0, ()), (float("nan"), ())]
    for arguments in blocks:
        wanted = ulp.exact(name, arguments, by_mpmath=by_mpmath)
        for i, function in enumerate(functions):
            if function is not None:
                one = ulp.worst(function, arguments, wanted)
                found[i] = found[i] if found[i][0] >= one[0] else one
    return found


def every_float32(name):
    """Return (error, where) of our float32 function over all its arguments, and no such pair of others."""
    function = _ufuncs.own_mathematics(name)

    def measured(first):
        x = np.arange(first, first + SMALL_PIECE, dtype=np.int64).astype(np.uint32).view(np.float32)
        with np.errstate(all="ignore"):
            exact = function(x.astype(np.float64))
        pairs = [(one, 0.0) for one in (exact if isinstance(exact, tuple) else (exact,))]
        return ulp.worst(function, (x,), pairs)

    with ThreadPoolExecutor() as threads:
        worst = max(threads.map(measured, range(0, 2**32, SMALL_PIECE)), key=itemgetter(0))
    return [worst, (float("nan"), ())]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=float, default=1e7, help="arguments a loop (default: 1e7)")
    parser.add_argument("--functions", nargs="+", help="only these")
    parser.add_argument("--mpmath", action="store_true", help=f"reference mpmath, at most {BY_MPMATH:,} points")
    parser.add_argument(
        "--exhaustive-float32", nargs="*", metavar="NAME", help="all 2**32 arguments of these, or of all"
    )
    options = parser.parse_args()
    by_mpmath = options.mpmath or not ulp.has_long_double()
    wanted = options.exhaustive_float32 or options.functions
    count = min(int(options.points), BY_MPMATH) if by_mpmath else int(options.points)
    reference = "mpmath" if by_mpmath else "long double"
    if options.exhaustive_float32 is not None:
        reference = "our float64 functions"
    print(f"level {ac.info()['isa']}, reference {reference}, NumPy {np.__version__}")
    print(f"{'function':<12}{'types':<8}{'ours':>8}{'theirs':>10}  worst argument of ours")
    for name, types, _, _ in _ufuncs.mathematics():
        if name == "fma" or (wanted and name not in wanted):  # fma is exact
            continue
        if options.exhaustive_float32 is None:
            ours, others = measure(name, pieces(ulp.points(name, types, count)), by_mpmath)
        elif types.startswith("f->"):
            ours, others = every_float32(name)
        else:
            continue
        at = ", ".join(f"{v!r} ({v.hex()})" for v in ours[1])
        print(f"{name:<12}{types:<8}{ours[0]:>8.3f}{others[0]:>10.3g}  {at}", flush=True)


if __name__ == "__main__":
    main()
