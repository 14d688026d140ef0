"""Errors of mathematical functions in units in the last place: points to try, exact results, the distance between.

For bench/accuracy.py and tests. One table, `DOMAINS`, says where each function is tried; one that is not in it is
tried over all finite numbers. Exact results are sums of two float64 arrays, from NumPy's and the C library's
functions of long double where that has 64 bits or more, else (or if asked) from mpmath, which takes 10-100 us a point.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any  # of any dtype: arithmetic on NDArray[Any] has no better type
Pair: TypeAlias = tuple[Array, Array]

TINY = 5e-324
LARGEST = 1.7976931348623157e308
PI = float(np.pi)


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a function of one argument is tried.

    Attributes
    ----------
    least, largest : float
        Half of the points have log-uniform magnitudes between them, all binades alike.
    negative : bool
        Whether negative arguments are tried too.
    core : tuple of (float, float)
        Intervals of which the other half is drawn uniformly.
    hard : tuple of float
        Each is tried with its 2 * 40 neighbours.
    multiples : float
        Multiples of it up to 1e15 are tried, correctly rounded ones and their neighbours; 0 for none.
    """

    least: float = TINY
    largest: float = LARGEST
    negative: bool = True
    core: tuple[tuple[float, float], ...] = ((-4.0, 4.0),)
    hard: tuple[float, ...] = ()
    multiples: float = 0.0


_TRIGONOMETRIC = Domain(core=((-PI, PI), (-50.0, 50.0), (-1e6, 1e6)), multiples=PI / 2)
_UNIT = Domain(largest=1.0, core=((-1.0, 1.0),), hard=(0.5, -0.5, 1.0, -1.0, 0.9, 0.99))
_EXPONENTIAL = Domain(
    largest=746.0, core=((-746.0, 746.0), (-2.0, 2.0), (-104.0, 89.0)), hard=(709.78271289338397, -708.39641853226408,
    -744.44007192138122, 88.722839, -87.336544, -103.97207, 0.34657359, -0.34657359))  # fmt: skip
_LOGARITHMIC = Domain(
    negative=False, core=((0.0, 4.0), (0.9, 1.1), (0.5, 2.0)), hard=(1.0, 0.5, 2.0, 2.0**0.5, 0.5**0.5)
)

DOMAINS: dict[str, Domain] = {
    "sin": _TRIGONOMETRIC,
    "cos": _TRIGONOMETRIC,
    "sincos": _TRIGONOMETRIC,
    "tan": _TRIGONOMETRIC,
    "arcsin": _UNIT,
    "arccos": _UNIT,
    "arctanh": _UNIT,
    "arctan": Domain(core=((-4.0, 4.0),), hard=(1.0, -1.0, 0.41421356237309505, 2.414213562373095)),
    "exp": _EXPONENTIAL,
    "expm1": _EXPONENTIAL,
    "sinh": _EXPONENTIAL,
    "cosh": _EXPONENTIAL,
    "exp2": Domain(largest=1075.0, core=((-1075.0, 1024.0), (-2.0, 2.0), (-150.0, 128.0)),
                   hard=(1023.99999, -1022.0, -1074.0, 127.99999, -126.0, -149.0, 0.5, -0.5)),
    "tanh": Domain(core=((-25.0, 25.0), (-1.0, 1.0)), hard=(19.06, 22.0, 9.01, 0.34657359)),
    "log": _LOGARITHMIC,
    "log2": _LOGARITHMIC,
    "log10": _LOGARITHMIC,
    "log1p": Domain(negative=False, core=((-0.9999, 4.0), (-0.5, 0.5)), hard=(1.0, -0.5, -0.29289322, 0.41421356)),
    "arcsinh": Domain(core=((-4.0, 4.0), (-0.5, 0.5)), hard=(1.0, 0.5, 0.125, 2.0**27, 2.0**511)),
    "arccosh": Domain(least=1.0, negative=False, core=((1.0, 4.0), (1.0, 1.1)), hard=(2.0, 2.0**27, 2.0**511)),
    "cbrt": Domain(core=((-8.0, 8.0),), hard=(1.0, 8.0, 27.0, 1e-308)),
    "erf": Domain(core=((-6.0, 6.0), (-1.0, 1.0)), hard=(1.0, -1.0, 6.0, 4.0, 5.92)),
    "erfc": Domain(largest=27.2, core=((-6.0, 27.0), (-1.0, 1.0), (-4.0, 10.5)),
                   hard=(0.4, -0.4, 26.5, 26.54, 9.194, 10.05)),
    "ndtr": Domain(largest=38.4, core=((-38.4, 8.0), (-1.0, 1.0), (-14.0, 5.0)), hard=(0.6, -0.6, -37.5, -37.6, -13.0)),
    "expit": Domain(largest=744.0, core=((-744.0, 40.0), (-2.0, 2.0), (-104.0, 20.0)),
                    hard=(-708.0, -708.39, -745.0, -87.33)),
    "logit": Domain(largest=1.0, negative=False, core=((0.0, 1.0), (0.4, 0.6)), hard=(0.5, 0.25, 0.75, 0.999)),
    "softplus": Domain(largest=744.0, core=((-744.0, 40.0), (-2.0, 2.0), (-104.0, 20.0)),
                    hard=(-708.0, 0.88137, -0.88137)),
    "gammaln": Domain(largest=2.5e305, negative=False, core=((0.0, 6.0), (0.0, 100.0)), hard=(0.5, 1.5, 2.5, 3.5, 4.5)),
}  # fmt: skip

ZEROS = {"gammaln": (1.0, 2.0)}
"""Arguments at which a result is 0 but its argument is not; tried with their neighbours too."""


# --- points ---------------------------------------------------------------------------------------------------------


def log_uniform(rng: np.random.Generator, dtype: Any, count: int, least: float, largest: float) -> Array:
    """Return positive numbers whose bit patterns are uniform, so that every binade has as many."""
    kind = np.dtype(f"u{np.dtype(dtype).itemsize}")
    ends = np.clip([least, largest], float(np.finfo(dtype).smallest_subnormal), float(np.finfo(dtype).max))
    first, last = (int(v) for v in ends.astype(dtype).view(kind))
    return rng.integers(first, last, count, dtype=kind, endpoint=True).view(dtype)


def neighbours(values: Any, dtype: Any, count: int = 40) -> Array:
    """Return `values` with `count` floats below and above each."""
    dtype = np.dtype(dtype)
    steps = np.arange(-count, count + 1)
    near = np.abs(np.asarray(values, dtype))[:, None].view(f"i{dtype.itemsize}") + steps.astype(f"i{dtype.itemsize}")
    made = np.copysign(near.view(dtype), np.asarray(values, dtype)[:, None])
    return made[np.isfinite(made)]


def points_of_one(name: str, dtype: Any, count: int, seed: int = 0) -> Array:
    """Return about `count` arguments for the unary function `name`."""
    domain = DOMAINS.get(name, Domain())
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    spread = log_uniform(rng, dtype, count // 2, domain.least, domain.largest)
    if domain.negative:
        spread = np.where(rng.random(spread.size) < 0.5, spread, -spread)
    uniform = [rng.uniform(*ends, count // (2 * len(domain.core)) + 1).astype(dtype) for ends in domain.core]
    chosen = [spread, *uniform, *(neighbours([v], dtype) for v in (*domain.hard, *ZEROS.get(name, ())))]
    if domain.multiples:
        k = np.unique(np.rint(10.0 ** rng.uniform(0, 15, min(count // 20, 100_000) + 1)))
        exact = k.astype(np.longdouble) * (np.longdouble(domain.multiples) + np.longdouble(6.123233995736766e-17))
        chosen.append(neighbours(np.append(exact.astype(dtype), np.arange(-40.0, 40.0) * domain.multiples), dtype, 1))
    # what rounding, or the distance to a neighbour, brought out of the domain
    made = np.concatenate(chosen)
    made = made[np.isfinite(made)].astype(np.float64)
    low = -domain.largest if domain.negative else min(domain.least, *(ends[0] for ends in domain.core))
    return made[(made >= low) & (made <= domain.largest)].astype(dtype)


def points_of_two(name: str, dtype: Any, count: int, seed: int = 0) -> tuple[Array, Array]:
    """Return `count` pairs of arguments for the binary function `name`, most with ordinary results."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    info = np.finfo(dtype)
    first, second = (log_uniform(rng, dtype, count, float(info.smallest_subnormal), float(info.max)) for _ in range(2))
    half = count // 2
    with np.errstate(all="ignore"):
        if name in ("power", "pow", "float_power"):
            first[:half] = rng.uniform(0, 10, half)
            powers = rng.uniform(info.minexp - info.nmant, info.maxexp, count)
            second = (powers / np.log2(first.astype(np.float64))).astype(dtype)
            second[:1000] = rng.integers(-20, 20, second[:1000].size)
        elif name in ("logaddexp", "logaddexp2"):
            first = rng.uniform(-700, 700, count).astype(dtype)
            second = first + rng.uniform(-40, 40, count).astype(dtype)
            first[:half], second[:half] = rng.normal(size=(2, half))
        else:
            signs = rng.random((2, count)) < 0.5
            if name == "xlogy":
                signs[1] = False
            first[half:] = first[half:] if name == "xlogy" else second[half:] * rng.uniform(0.01, 100, count - half)
            second[: half // 2] = rng.uniform(0.25, 4, half // 2)
            first[: half // 2] = rng.uniform(0.25, 4, half // 2)
            first, second = np.where(signs[0], -first, first), np.where(signs[1], -second, second)
    usable = np.isfinite(first) & np.isfinite(second)
    return first[usable].astype(dtype), second[usable].astype(dtype)


def points(name: str, types: str, count: int, seed: int = 0) -> tuple[Array, ...]:
    """Return the arguments at which the loop `types` ("d->d") of `name` is tried."""
    inputs = types.partition("->")[0]
    with np.errstate(all="ignore"):  # bounds that float32 has not
        if len(inputs) == 1:
            return (points_of_one(name, inputs, count, seed),)
        return points_of_two(name, inputs[0], count, seed)


# --- exact results --------------------------------------------------------------------------------------------------


def has_long_double() -> bool:
    """Whether long double has the 64 bits that a reference for float64 needs."""
    return bool(np.finfo(np.longdouble).nmant >= 63 and np.finfo(np.longdouble).nmant != 105)


@cache
def c_function(name: str) -> Any:
    """Return the C library's function of one long double as a ufunc: its address is the data of NumPy's loop."""
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    capsule = np._core._multiarray_umath._UFUNC_API  # type: ignore[attr-defined]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = ctypes.cast(pointer(capsule, None), ctypes.POINTER(ctypes.c_void_p))
    make = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_int,
        ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int,
    )(table[1])  # fmt: skip
    loops = (ctypes.c_void_p * 1)(table[7])  # PyUFunc_g_g
    data = (ctypes.c_void_p * 1)(ctypes.cast(getattr(library, name), ctypes.c_void_p).value)
    code = np.dtype(np.longdouble).num
    types = ctypes.create_string_buffer(bytes([code, code]))
    label = name.encode()
    made = make(loops, data, types, 1, 1, 1, -1, label, None, 0)
    _kept.append((loops, data, types, label, made))
    return made


_kept: list[Any] = []  # what C code points to


def _correction(x: Array, y: Array) -> Array:
    """Return the part of x / sqrt(2) that the rounded `y` lacks."""

    def halves(v: Array) -> tuple[Array, Array]:
        high = (v.astype(np.float32)).astype(np.longdouble)
        return high, v - high

    (a, b), (c, d) = halves(x), halves(y)
    apart = (a * a / 2 - c * c) + (a * b - 2 * c * d) + (b * b / 2 - d * d)
    return np.where(y == 0, 0, apart / (2 * np.where(y == 0, 1, y)))


def _ndtr(x: Array) -> Array:
    y = -x * np.sqrt(np.longdouble(0.5))
    value = c_function("erfcl")(y)
    return (value - 2 / np.sqrt(np.longdouble(np.pi)) * np.exp(-y * y) * _correction(-x, y)) / 2


def _logit(p: Array) -> Array:
    near = (p > 0.25) & (p < 0.75)
    inner = np.where(near, p, np.longdouble(0.5))
    return np.where(near, np.log1p((2 * inner - 1) / (1 - inner)), np.log(p) - np.log1p(-p))


LONG: dict[str, Callable[..., Any]] = {
    "erf": lambda x: c_function("erfl")(x),
    "erfc": lambda x: c_function("erfcl")(x),
    "gammaln": lambda x: c_function("lgammal")(x),
    "ndtr": _ndtr,
    "expit": lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x))),
    "logit": _logit,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "xlogy": lambda x, y: np.where(x == 0, 0, x * np.log(y)),
    "sincos": lambda x: (np.sin(x), np.cos(x)),
}


def _precise(name: str) -> Callable[..., Any]:
    """Return mpmath's function for `name`."""
    import mpmath as mp

    special = {
        "arcsin": mp.asin, "arccos": mp.acos, "arctan": mp.atan, "arctan2": mp.atan2, "arcsinh": mp.asinh,
        "arccosh": mp.acosh, "arctanh": mp.atanh, "power": mp.power, "float_power": mp.power, "pow": mp.power,
        "exp2": lambda x: mp.mpf(2) ** x, "log2": lambda x: mp.log(x) / mp.log(2), "log10": mp.log10,
        "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)), "gammaln": lambda x: mp.re(mp.loggamma(x)), "ndtr": mp.ncdf,
        "expit": lambda x: 1 / (1 + mp.exp(-x)), "logit": lambda p: mp.log(p / (1 - p)),
        "softplus": lambda x: mp.log1p(mp.exp(x)), "xlogy": lambda x, y: x * mp.log(y) if x else mp.mpf(0),
        "sincos": lambda x: (mp.sin(x), mp.cos(x)), "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
        "logaddexp2": lambda x, y: mp.log(mp.mpf(2) ** x + mp.mpf(2) ** y) / mp.log(2),
    }  # fmt: skip
    return special.get(name) or getattr(mp, name)  # type: ignore[no-any-return]


def _pair(value: Any) -> Pair:
    """Split long doubles into two float64 arrays."""
    value = np.asarray(value, np.longdouble)
    high = value.astype(np.float64)
    return high, np.where(np.isfinite(high), value - np.where(np.isfinite(high), high, 0), 0).astype(np.float64)


def _pairs_by_mpmath(name: str, arguments: tuple[Array, ...]) -> list[Pair]:
    import mpmath as mp

    function = _precise(name)
    found: list[list[tuple[float, float]]] = []
    with mp.workprec(250):
        for values in zip(*(a.tolist() for a in arguments), strict=True):
            exact = function(*(mp.mpf(v) for v in values))
            exact = exact if isinstance(exact, tuple) else (exact,)
            row = []
            for one in exact:
                high = float(one)
                row.append((high, float(one - mp.mpf(high)) if np.isfinite(high) else 0.0))
            found.append(row)
    table = np.array(found).reshape(len(found), -1, 2)
    return [(table[:, i, 0], table[:, i, 1]) for i in range(table.shape[1])]


def exact(name: str, arguments: tuple[Array, ...], *, by_mpmath: bool = False) -> list[Pair]:
    """Return the results of `name` at `arguments`, a pair (high, low) an output.

    Parameters
    ----------
    name : str
        A ufunc's name.
    arguments : tuple of arrays
        float32 or float64, one an input.
    by_mpmath : bool, default False
        Slower and without doubt; also where long double is no longer than double.

    Returns
    -------
    list of (array, array)
        Of float64: the rounded result and what it lacks.
    """
    if by_mpmath or not has_long_double():
        return _pairs_by_mpmath(name, arguments)
    function = LONG[name] if name in LONG else getattr(np, name)
    with np.errstate(all="ignore"):
        value = function(*(a.astype(np.longdouble) for a in arguments))
        return [_pair(one) for one in (value if isinstance(value, tuple) else (value,))]


# --- distance -------------------------------------------------------------------------------------------------------


def ulps(got: Array, wanted: Pair) -> Array:
    """Return the error of each element of `got` in units in the last place of the exact result.

    The unit is the spacing of floats of `got`'s dtype at the exact result. An infinity or a NaN that is due counts 0,
    one that is not, or is missing, counts infinity.
    """
    high, low = wanted
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        binade = np.maximum(np.abs(high).view(np.int64) >> 52, 1023 + info.minexp)  # of float64, biased
        inverse = ((2047 - binade) << 52).view(np.float64)  # 2 / 2^binade
        error = np.abs((got.astype(np.float64) - high) - low) * inverse * 2.0 ** (info.nmant - 1)
        odd = np.flatnonzero(~(error < 2.0**20))  # NaN too
        if odd.size:
            got, high = got[odd], high[odd]
            same = (np.isnan(got) & np.isnan(high)) | (np.isinf(got) & (got == high.astype(got.dtype)))
            error[odd] = np.where(same, 0.0, np.where(np.isnan(error[odd]), np.inf, error[odd]))
    return error


def worst(
    function: Callable[..., Any], arguments: tuple[Array, ...], wanted: list[Pair]
) -> tuple[float, tuple[float, ...]]:
    """Return the largest error of `function` in ULP, over all its outputs, and the arguments that have it."""
    with np.errstate(all="ignore"):
        got = function(*arguments)
    got = got if isinstance(got, tuple) else (got,)
    largest, where = -1.0, arguments[0][:0]
    for one, pair in zip(got, wanted, strict=True):
        errors = ulps(one, pair)
        at = int(np.argmax(errors))
        if errors[at] > largest:
            largest, where = float(errors[at]), np.array([a[at] for a in arguments])
    return largest, tuple(float(v) for v in where)
