"""dot, vdot, vecdot and matmul against NumPy's: values, types, errors, warnings; the same bits on any threads."""

import ctypes
import fractions
import os
import threading
import time
import warnings

import numpy as np
import pytest
from support import THREADS, run_script, told

import allcores as ac
from allcores import _driver, _reductions
from allcores.limits import blas_functions

pytestmark = pytest.mark.usefixtures("seven_threads")

INTEGERS = "?bBhHiIlLqQ"
FLOATS = "efdgFD"
RTOL = {"e": 2e-3, "f": 2e-5, "F": 2e-5}


def sample(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    if dtype in INTEGERS:
        return rng.integers(0, 2 if dtype == "?" else 120, shape).astype(dtype)
    x = rng.uniform(0.5, 1.5, shape)
    return (x + 1j * rng.uniform(0.5, 1.5, shape) if dtype in "FD" else x).astype(dtype)


def compare(name, *args, **options):
    expected = getattr(np, name)(*args, **options)
    found = []
    for threads in THREADS:
        _driver.configure(threads=threads)
        got = getattr(ac, name)(*args, **options)
        assert type(got) is type(expected)
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        char = expected.dtype.char
        if char in INTEGERS:
            np.testing.assert_array_equal(got, expected)
        else:
            np.testing.assert_allclose(got, expected, rtol=RTOL.get(char, 1e-12))
        found.append(np.asarray(got).tobytes())
    if np.asarray(expected).dtype.char != "g":  # whose padding is anything
        assert len(set(found)) == 1, "depends on the number of threads"


@pytest.mark.parametrize("shape", [(2000,), (40000,), (700, 5), (90, 100), (3, 9000), (9, 10, 11), (300, 3)], ids=str)
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_vecdot(dtype, shape):
    a, b = sample(dtype, shape), sample(dtype, shape, 1)
    for x, y in ((a, b), (a[::-1], np.asfortranarray(b)), (np.repeat(a, 2, -1)[..., ::2], b[..., ::-1])):
        for axis in range(-1, a.ndim - 1):
            compare("vecdot", x, y, axis=axis)
    compare("vecdot", a, b[(0,) * (a.ndim - 1)])
    compare("vecdot", a, b[..., :1, :] if a.ndim > 1 else b, keepdims=True)


def test_vecdot_takes_what_a_ufunc_takes():
    a, b = sample("i", (50, 60)), sample("d", (50, 60), 1)
    compare("vecdot", a, b)
    compare("vecdot", a, a, dtype="d")
    compare("vecdot", a, a, axes=[0, 0, ()])
    compare("vecdot", a, a.astype(">i4"))
    out = np.empty(50)
    assert ac.vecdot(a, b, out) is out
    np.testing.assert_allclose(out, np.vecdot(a, b))
    assert ac.vecdot(b, b, out=b[:, 3]).tolist() == pytest.approx(
        np.vecdot(sample("d", (50, 60), 1), sample("d", (50, 60), 1))
    )
    for bad in ((a, b[:, 1:]), (a, "x"), (a, None), (a,), (3, a)):
        assert told(ac.vecdot, *bad) == told(np.vecdot, *bad)
    assert told(ac.vecdot, a[:, :0], a[:, :0]) == told(np.vecdot, a[:, :0], a[:, :0])
    assert told(ac.vecdot, a[:0], a[:0]) == told(np.vecdot, a[:0], a[:0])
    assert told(ac.vecdot, a.astype(object), a) == told(np.vecdot, a.astype(object), a)


def test_warnings_are_numpys():
    large, infinite = np.full((40, 200), 1e200), np.full((40, 200), np.inf)
    half = np.full(3000, 60000, "e")
    for name, *args in (
        ("vecdot", large, large), ("vecdot", infinite, np.zeros_like(large)), ("vecdot", infinite, -infinite),
        ("vecdot", half, half), ("dot", half, half), ("vdot", half, half), ("dot", half.reshape(30, 100), half[:100]),
    ):  # fmt: skip
        assert told(getattr(ac, name), *args) == told(getattr(np, name), *args)


MATRICES = [
    ((70, 60), (60, 80)),
    ((3, 700), (700, 2)),
    ((900, 4), (4, 5)),
    ((1, 900), (900, 30)),
    ((300, 129), (129, 1100)),
]


@pytest.mark.parametrize("shapes", MATRICES, ids=str)
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
@pytest.mark.parametrize("name", ["dot", "matmul"])
def test_matrices(name, dtype, shapes):
    a, b = (sample(dtype, shape, seed) for seed, shape in enumerate(shapes))
    compare(name, a, b)
    compare(name, np.asfortranarray(a), b[:, ::-1])
    compare(name, a[::-1], np.asfortranarray(b))


@pytest.mark.parametrize("dtype", "?bidefFD")
def test_dot_of_any_dimensions(dtype):
    vector, matrix, stack = sample(dtype, 40), sample(dtype, (30, 40)), sample(dtype, (5, 40, 30))
    long, many, scalar = sample(dtype, 4000), sample(dtype, (3, 4, 40)), sample(dtype, ())
    for a, b in (
        (vector, vector), (long, long), (matrix, vector), (vector, stack), (matrix, stack), (stack, matrix),
        (stack, vector[:30]), (many, stack), (matrix, scalar), (2, matrix),
    ):  # fmt: skip
        compare("dot", a, b)
        if np.ndim(a) and np.ndim(b):
            out = np.empty_like(np.dot(a, b))
            got, expected = ac.dot(a, b, out=out), np.dot(a, b, out=out.copy())
            assert got is out or out.ndim == 0
            assert type(got) is type(expected)
            np.testing.assert_array_equal(out, ac.dot(a, b))
    assert told(ac.dot, stack, stack) == told(np.dot, stack, stack)
    compare("vdot", matrix, matrix)
    compare("vdot", matrix, matrix.T.reshape(40, 30)[::-1])


def test_dot_leaves_the_rest_to_numpy():
    x = np.arange(4000).reshape(40, 100)
    for args in (
        (x, x), (x, x[0], np.empty(40)), (x, x[0], np.empty((40, 2), int)[:, 0]), (x, x[0], np.empty(41, int)),
        (x, "x"), (x, None), (x, x[:, 0]), (x.astype(object), x[0]), (x[:, :0], x[:0]), (x, [1] * 100),
        (x.astype("M8[s]"), x[0]),
    ):  # fmt: skip
        assert told(ac.dot, *args) == told(np.dot, *args)
        if len(args) == 2:
            assert told(ac.vdot, *args) == told(np.vdot, *args)
    square = np.arange(3600).reshape(60, 60)
    expected = square @ square
    assert ac.dot(square, square, square) is square
    np.testing.assert_array_equal(square, expected)

    class Owner:
        def __array_function__(self, function, types, args, kwargs):
            return function

        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return ufunc

    assert ac.dot(x, Owner()) is np.dot
    assert ac.vdot(Owner(), x) is np.vdot
    assert ac.vecdot(x, Owner()) is np.vecdot
    assert ac.matmul(x, Owner()) is np.matmul
    assert type(ac.dot(np.ma.array(x), x[0])) is type(np.dot(np.ma.array(x), x[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        assert type(ac.matmul(np.matrix(x), np.matrix(x).T)) is np.matrix


@pytest.mark.parametrize("dtype", "fd")
def test_vecdot_is_as_accurate_as_a_pairwise_sum(dtype):
    for shape, axis in (((30000,), 0), ((30000, 3), 0), ((3, 30000), 1)):
        a, b = sample(dtype, shape), sample(dtype, shape, 1)
        got = np.atleast_1d(ac.vecdot(a, b, axis=axis))
        for x, y, z in zip(
            np.moveaxis(a, axis, -1).reshape(-1, 30000), np.moveaxis(b, axis, -1).reshape(-1, 30000), got, strict=True
        ):
            exact = sum(fractions.Fraction(float(p)) * fractions.Fraction(float(q)) for p, q in zip(x, y, strict=True))
            assert abs(fractions.Fraction(float(z)) / exact - 1) < 24 * np.finfo(dtype).eps


def test_half_is_rounded_once():
    # Every float16, halves of two neighbours, and what overflows, through a product with one.
    x = np.arange(2**16, dtype=np.uint16).view("e")
    x = x[np.isfinite(x)]
    ones = np.ones((len(x), 1), "e")
    np.testing.assert_array_equal(ac.vecdot(x[:, None], ones), x)
    with np.errstate(over="ignore", invalid="ignore"):
        pairs = np.stack([x, np.nextafter(x, np.float16(np.inf))], -1)
        half = np.full_like(pairs, 0.5)
        np.testing.assert_array_equal(ac.vecdot(pairs, half), np.vecdot(pairs, half))


# --- stacks of matrices that are BLAS's -----------------------------------------------------------------------------

STACKS = [
    ((300, 4, 4), (300, 4, 4)),
    ((40, 16, 16), (40, 16, 16)),
    ((30, 40, 50), (30, 50, 45)),
    ((9, 70, 70), (9, 70, 70)),
    ((40, 1, 90), (40, 90, 110)),
    ((40, 110, 90), (40, 90, 1)),
    ((40, 1, 900), (40, 900, 1)),
    ((40, 900), (30, 900, 14)),
    ((30, 14, 900), (900,)),
    ((5, 1, 40, 30), (7, 30, 35)),
    ((3, 7, 40, 30), (30, 35)),
    ((40, 30), (3, 7, 30, 35)),
    ((3, 300, 300), (3, 300, 300)),
]


def near(got, expected):
    """Whether equal but for the last bits, which in BLAS depend on how many threads it has."""
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    scale = np.abs(expected).max(initial=1)
    eps = np.finfo(expected.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=64 * eps, atol=scale * 64 * eps)


@pytest.mark.parametrize("shapes", STACKS, ids=str)
@pytest.mark.parametrize("dtype", "fdFD")
def test_stacks(dtype, shapes):
    a, b = (sample(dtype, shape, seed) - 1 for seed, shape in enumerate(shapes))
    wide = np.repeat(a, 2, -1)[..., ::2]
    flipped = b[..., ::-1] if b.ndim > 1 else b[::-1]
    for x, y in (
        (a, b),
        (wide, b),
        (np.asfortranarray(a), flipped),
        (a[::-1] if a.ndim > 2 else a, np.asfortranarray(b)),
    ):
        if dtype == "f" and x is a:
            y = y.astype("d")  # what a ufunc casts
        expected = np.matmul(x, y)
        bits = set()
        for threads in THREADS:
            _driver.configure(threads=threads)
            got = ac.matmul(x, y)
            near(got, expected)
            out = np.full(expected.shape[::-1], 7, expected.dtype).T
            assert ac.matmul(x, y, out=out) is out
            near(out, expected)
            bits.add(got.tobytes())
        assert len(bits) == 1, "depends on the number of threads"


def test_into_an_operand():
    for dtype in INTEGERS + FLOATS:
        for shape in ((4, 4), (40, 40), (900, 4, 4), (5, 40, 40)):
            a, b = sample(dtype, shape), sample(dtype, shape, 1)
            expected = np.matmul(a, b)
            for out in (a.copy(), b.copy()):
                got = ac.matmul(out if (out == a).all() else a, out if (out == b).all() else b, out=out)
                np.testing.assert_allclose(got, expected, rtol=RTOL.get(dtype, 1e-12))


@pytest.mark.parametrize("size", [4, 40, 100])
def test_stacks_into_an_operand(size):
    for shift in (0, 1, 3):
        a = sample("d", (30, size, size)) - 1
        b = sample("d", (30, size, size), 1)
        near(
            ac.matmul(a[: 30 - shift], b[shift:], out=a[shift:]),
            np.matmul(sample("d", (30, size, size))[: 30 - shift] - 1, b[shift:]),
        )


def test_stacks_of_nothing():
    for dtype in "fdFD":
        for shapes in (
            ((0, 4, 4), (0, 4, 4)), ((900, 4, 0), (900, 0, 4)), ((900, 0, 4), (900, 4, 4)), ((900, 4, 4), (900, 4, 0)),
            ((1, 4, 4), (900, 4, 4)), ((0, 4, 4), (1, 4, 4)), ((900, 40, 0), (0, 400)),
        ):  # fmt: skip
            a, b = (np.ones(shape, dtype) for shape in shapes)
            got, expected = ac.matmul(a, b), np.matmul(a, b)
            np.testing.assert_array_equal(got, expected)
            assert got.dtype == expected.dtype


def test_stacks_with_axes():
    x, y = sample("d", (40, 50, 30)), sample("d", (30, 45, 50), 1)
    near(ac.matmul(x, y, axes=[(0, 1), (2, 1), (0, 2)]), np.matmul(x, y, axes=[(0, 1), (2, 1), (0, 2)]))


@pytest.mark.parametrize("size", [5, 50])
def test_warnings_of_stacks_are_numpys(size):
    large, infinite = np.full((60, size, size), 1e200), np.full((60, size, size), np.inf)
    ones = np.ones((60, size, size))
    one = ones.copy()
    one[47, 2, 3] = np.inf
    for a, b in (
        (large, large),
        (infinite, 0 * ones),
        (one, -one),
        (one, 0 * ones),
        (np.nan * ones, ones),
        (ones, ones),
    ):
        assert told(ac.matmul, a, b)[1] == told(np.matmul, a, b)[1]
        with np.errstate(all="raise"):
            assert told(ac.matmul, a, b)[0] == told(np.matmul, a, b)[0]
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(ac.matmul(a, b), np.matmul(a, b))


def blas_threads():
    found = blas_functions()
    if found is None:
        pytest.skip("no OpenBLAS with threads of its own")
    return ctypes.CFUNCTYPE(ctypes.c_int)(found[0])()


def test_blas_keeps_its_threads():
    before = blas_threads()
    a = sample("d", (60, 60, 60))
    for _ in range(3):
        ac.matmul(a, a)
        assert blas_threads() == before
    assert told(ac.matmul, a, a[:, 1:]) == told(np.matmul, a, a[:, 1:])
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        ac.matmul(a * 1e200, a * 1e200)
    assert blas_threads() == before
    assert not _reductions.blas_held()
    for threads in (1, 2):
        with ac.limit(blas=threads):
            ac.matmul(a, a)
            assert blas_threads() == threads
    assert blas_threads() == before


def test_blas_keeps_its_threads_with_many_callers():
    """Also when one of them sets a number itself meanwhile."""
    before = blas_threads()
    a = sample("d", (60, 60, 60))
    expected = ac.matmul(a, a).tobytes()
    wrong = []

    def work():
        wrong.extend(i for i in range(30) if ac.matmul(a, a).tobytes() != expected)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        with ac.limit(blas=before):
            time.sleep(0.001)
    for worker in workers:
        worker.join()
    assert not wrong
    assert not _reductions.blas_held()
    assert blas_threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork here")
def test_forked_while_blas_is_held():
    blas_threads()
    run_script(
        """
import os, signal, threading, warnings
import numpy as np
import allcores as ac
from allcores import _driver, _reductions
from allcores.limits import _blas_libraries
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*multi-threaded.*")
_driver.configure(usable_cores=4, threads=2, parallel_from=1)
def number():
    return {one["num_threads"] for one in _blas_libraries().info() if one["user_api"] == "blas"}
before = number()
a = np.ones((200, 64, 64))
stop = threading.Event()
def work():
    while not stop.is_set():
        ac.matmul(a, a)
workers = [threading.Thread(target=work) for _ in range(2)]
for worker in workers:
    worker.start()
try:
    for _ in range(20):
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            good = not _reductions.blas_held() and number() == before
            good = good and (ac.matmul(a, a) == 64).all() and number() == before
            os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
finally:
    stop.set()
    for worker in workers:
        worker.join()
assert not _reductions.blas_held() and number() == before
"""
    )


def test_dot_of_float_stacks_warns_as_numpys():
    large = np.full((3, 20, 20), 1e200)
    infinite = np.where(np.eye(20) > 0, np.inf, 0.0) * np.ones((3, 1, 1))
    for a, b in ((large, large), (infinite, -infinite), (infinite, large)):
        with np.errstate(all="raise"):
            assert told(ac.dot, a, b) == told(np.dot, a, b)


def test_bits_of_stacks_are_blas_on_one_thread():
    if blas_threads() < 2:
        pytest.skip("BLAS has one thread")
    for dtype in "fdFD":
        for shapes in (((60, 20, 30), (60, 30, 20)), ((30, 90, 95), (30, 95, 99)), ((300, 1, 100), (300, 100, 90))):
            a, b = (sample(dtype, shape, seed) for seed, shape in enumerate(shapes))
            with ac.limit(blas=1):
                expected = np.matmul(a, b)
            assert ac.matmul(a, b).tobytes() == expected.tobytes()
