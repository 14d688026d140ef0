"""What several test modules need: a call's whole outcome, values with all special cases, scripts run apart."""

import contextlib
import functools
import gc
import os
import subprocess
import sys
import textwrap
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

import allcores as ac
from allcores import _ufuncs
from allcores.kernels import KERNELS

UFUNC_KERNELS = {name: kernel for name, kernel in KERNELS.items() if kernel.family == "ufunc"}
NUMERIC = "?bBhHiIlLqQefdgFDG"
THREADS = (1, 2, 7)
# Ufuncs with loops of our own mathematics at this level: their results may differ from NumPy's by both errors. That
# an element's result does not depend on where it is, or on how it is computed, is test_mathematics.py's.
OWN_MATHEMATICS = frozenset(name for name, _, _, used in _ufuncs.mathematics() if used)

# isnan, isinf, isfinite and signbit of NumPy 2.4 leave elements unwritten where `out` is a bool array that is not
# contiguous, so there is nothing to compare with.
UNWRITTEN_BY_NUMPY = frozenset({"isnan", "isinf", "isfinite", "signbit"})


def numeric_lines(ufunc):
    """Return the lines of `ufunc.types` of which all types are numeric, as (inputs, outputs), each once."""
    lines = []
    for line in ufunc.types:
        inputs, _, outputs = line.partition("->")
        if set(inputs + outputs) <= set(NUMERIC) and (inputs, outputs) not in lines:
            lines.append((inputs, outputs))
    return lines


# --- values ---------------------------------------------------------------------------------------------------------


def specials(dtype):
    """Return the values of `dtype` that something goes wrong with."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.array([limits.min, limits.max, 0, 1, limits.max // 2, 7, limits.min // 3, 2], dtype)
    info = np.finfo(dtype)
    real = np.array(
        [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, info.max, info.min, info.tiny, -info.tiny, 0.5, -2.5, 1e4],
        info.dtype,
    )
    with np.errstate(all="ignore"):
        real = np.append(real, [info.smallest_subnormal, -3 * info.smallest_subnormal]).astype(info.dtype)
    if dtype.kind == "c":
        return (real[:, None] + np.zeros(1, dtype)).ravel() + np.roll(real, 5) * np.array(1j, dtype)
    return real


def values(dtype, size, seed, *, special):
    """Return a new contiguous array of `size` values: random ones of a tame range, mixed with special ones if asked."""
    return _values(np.dtype(dtype), size, seed, special).copy()


@functools.lru_cache(maxsize=10000)
def _values(dtype, size, seed, special):
    rng = np.random.default_rng(seed)
    if dtype.kind == "b":
        return rng.random(size) < 0.5
    if dtype.kind in "iu":
        tame = rng.integers(1, 5, size).astype(dtype)
    elif dtype.kind == "c":
        tame = (rng.uniform(0.1, 0.9, size) + 1j * rng.uniform(0.1, 0.9, size)).astype(dtype)
    else:
        tame = rng.uniform(0.1, 0.9, size).astype(dtype)
    if special and size:
        with np.errstate(all="ignore"):
            choice = specials(dtype)
        at = rng.random(size) < 0.5
        tame[at] = choice[rng.integers(0, len(choice), at.sum())]
    return tame


# --- outcomes -------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What a call did: its result or error, its warnings, and arrays it may have written to."""

    result: object = None
    error: BaseException | None = None
    warned: list = field(default_factory=list)
    written: tuple = ()


def told(function, *args, **options):
    """Return a call's result or error, and its warnings, as text: for calls whose ways to fail are of interest."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **options)
        except Exception as error:  # noqa: BLE001  whatever NumPy raises
            return type(error), str(error)
        return repr(result), sorted({str(one.message) for one in caught})


def outcome(function, *args, written=(), **kwargs):
    """Call and record; `written` are arrays to compare as well."""
    found = Outcome(written=tuple(written))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found.result = function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  whatever NumPy raises
            found.error = error
    found.warned = sorted((w.category.__name__, str(w.message)) for w in caught)
    return found


def tolerance(name, *types):
    """Return the relative difference that a ufunc's float results may have from NumPy's, for inputs of these types."""
    if name not in OWN_MATHEMATICS:
        return 0.0
    # Results of narrow types are float32's, whatever they are then cast to.
    narrow = any(np.dtype(char).itemsize <= 2 or char in "fF" for char in types)
    return 6 * float(np.finfo("f" if narrow else "d").eps)


def close_values(first, second, rtol):
    """Whether two arrays are the same but for a relative difference `rtol` of finite floats that are not zero."""
    if first.dtype.kind == "c":
        return close_values(first.real, second.real, rtol) and close_values(first.imag, second.imag, rtol)
    if first.dtype.kind != "f":
        return same_values(first, second)
    with np.errstate(all="ignore"):
        plain = np.isfinite(first) & np.isfinite(second) & (first != 0) & (second != 0)
        unit = np.maximum(6 * np.spacing(np.abs(second)), np.abs(second) * first.dtype.type(rtol))
        return same_values(first[~plain], second[~plain]) and bool(
            np.all(np.abs(first[plain] - second[plain]) <= unit[plain])
        )


def same_values(first, second):
    """Whether two arrays of one dtype hold the same bits; NaN is NaN, whatever its payload."""
    if first.dtype.char not in "gG" and first.tobytes() == second.tobytes():
        return True
    if first.dtype.kind == "c":
        return same_values(first.real, second.real) and same_values(first.imag, second.imag)
    if first.dtype.kind != "f":
        return first.tolist() == second.tolist()
    first, second = np.ascontiguousarray(first), np.ascontiguousarray(second)
    nan = np.isnan(first)
    if not np.array_equal(nan, np.isnan(second)):
        return False
    return bool(np.all((first == second)[~nan]) and np.array_equal(np.signbit(first)[~nan], np.signbit(second)[~nan]))


def differences(ours, numpys, *, where=None, rtol=0.0):
    """Return what differs between two outcomes as text, "" when nothing does; `where`: only these elements count.

    `rtol` is what `tolerance` returns: 0 for the same bits.
    """
    if (ours.error is None) != (numpys.error is None):
        return f"error {ours.error!r}, NumPy's {numpys.error!r}"
    if ours.error is not None and (type(ours.error), str(ours.error)) != (type(numpys.error), str(numpys.error)):
        return f"error {ours.error!r}, NumPy's {numpys.error!r}"
    if ours.warned != numpys.warned:
        return f"warnings {ours.warned}, NumPy's {numpys.warned}"
    first = ours.result if isinstance(ours.result, tuple) else (ours.result,)
    second = numpys.result if isinstance(numpys.result, tuple) else (numpys.result,)
    if len(first) != len(second):
        return f"{len(first)} results, NumPy has {len(second)}"
    for a, b in (*zip(first, second, strict=True), *zip(ours.written, numpys.written, strict=True)):
        found = _difference(a, b, where, rtol)
        if found:
            return found
    return ""


def _difference(ours, numpys, where, rtol):
    if type(ours) is not type(numpys):
        return f"type {type(ours).__name__}, NumPy's {type(numpys).__name__}"
    if not isinstance(ours, (np.ndarray, np.generic)):
        return "" if ours == numpys or ours is numpys else f"{ours!r}, NumPy's {numpys!r}"
    if ours.dtype != numpys.dtype or ours.dtype.char != numpys.dtype.char:
        return f"dtype {ours.dtype!r} {ours.dtype.char}, NumPy's {numpys.dtype!r} {numpys.dtype.char}"
    if ours.shape != numpys.shape:
        return f"shape {ours.shape}, NumPy's {numpys.shape}"
    if isinstance(ours, np.ndarray):
        # the step along an axis of one element means nothing, and NumPy itself gives it now so, now so
        if any(a != b for a, b, extent in zip(ours.strides, numpys.strides, ours.shape, strict=True) if extent > 1):
            return f"strides {ours.strides}, NumPy's {numpys.strides}, shape {ours.shape}"
        if str(ours.flags) != str(numpys.flags):
            return f"flags {ours.flags}, NumPy's {numpys.flags}"
    a, b = np.asarray(ours), np.asarray(numpys)
    if where is not None and where.shape == a.shape:
        a, b = a[where], b[where]
    if same_values(a, b) or (rtol and close_values(a, b, rtol)):
        return ""
    flat_a, flat_b = np.atleast_1d(a).ravel(), np.atleast_1d(b).ravel()
    at = next(i for i in range(flat_a.size) if not same_values(flat_a[i : i + 1], flat_b[i : i + 1]))
    return f"element {at} of {flat_a.size}: {flat_a[at]!r}, NumPy's {flat_b[at]!r}"


# fmax(0.0, -0.0) is either zero in NumPy: the first operand in the vectors, the second in the tail of an array.
EITHER_ZERO = {"fmax", "fmin"}


def positive_zeros(found):
    for array in (found.result, *found.written):
        if isinstance(array, np.ndarray) and array.dtype.kind in "fc" and array.flags.writeable:
            with np.errstate(all="ignore"):  # signalling NaNs
                array[array == 0] = 0
    return found


def check(ours, numpys, make_arguments, **kwargs):
    """Assert that `ours` and `numpys` do the same with arguments made anew for each."""
    rtol = tolerance(getattr(numpys, "__name__", ""), "d")
    found = differences(
        outcome(ours, *make_arguments(), **kwargs), outcome(numpys, *make_arguments(), **kwargs), rtol=rtol
    )
    assert not found, found


# --- scripts --------------------------------------------------------------------------------------------------------


def run_script(source, *, timeout=120, check=True, options=(), **environment):
    """Run Python source in a fresh interpreter; a hang is an error with the stacks of all its threads."""
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    env |= {name: str(value) for name, value in environment.items() if value is not None}
    for name, value in environment.items():
        if value is None:
            env.pop(name, None)
    begin = f"import faulthandler; faulthandler.dump_traceback_later({timeout - 1}, exit=True)\n"
    done = subprocess.run(
        [sys.executable, *options, "-c", begin + textwrap.dedent(source)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout + 20,
        env=env,
        check=False,
    )
    if check:
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def run_cpythons_tests(script, probe):
    """Run a script of this folder by an interpreter that passes `probe`, and return its stderr; skip if none does."""
    found = [sys.executable, *filter(None, os.environ.get("ALLCORES_CPYTHONS", "").split(os.pathsep))]
    able = (path for path in found if not subprocess.run([path, "-c", probe], capture_output=True).returncode)
    interpreter = next(able, None)
    if interpreter is None:
        pytest.skip("no CPython that ships these tests here (ALLCORES_CPYTHONS names interpreters)")
    done = subprocess.run([interpreter, Path(__file__).with_name(script)], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stderr


# --- shared memory --------------------------------------------------------------------------------------------------


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@contextlib.contextmanager
def nothing_shared_left():
    """No array, no descriptor, no mapping, no name in /dev/shm; and the tables are consistent."""
    gc.collect()
    ac.shared.release()
    files = open_files()
    before = ac.shared.usage()
    yield
    gc.collect()
    ac._shared.check()
    ac.shared.release()
    assert ac.shared.usage() == before
    assert open_files() <= files
    assert not list(Path("/dev/shm").glob("*allcores*"))
    assert before["arenas"] or "memfd:allcores" not in Path("/proc/self/maps").read_text()
