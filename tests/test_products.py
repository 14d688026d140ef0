"""dot, vdot, vecdot and matmul against NumPy's: values, types, errors, warnings; the same bits on any threads."""

import fractions
import warnings

import numpy as np
import pytest

import allcores as ac
from allcores import _driver

INTEGERS = "?bBhHiIlLqQ"
FLOATS = "efdgFD"
THREADS = (1, 2, 7)
RTOL = {"e": 2e-3, "f": 2e-5, "F": 2e-5}


@pytest.fixture(autouse=True)
def forced():
    before = _driver.settings()
    _driver.configure(usable_cores=8, threads=7, parallel_from=1)
    yield
    _driver.configure(usable_cores=before["cores"], threads=before["threads"], parallel_from=before["parallel_from"])


def outcome(function, *args, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **options)
        except Exception as error:  # noqa: BLE001  whatever NumPy raises
            return type(error), str(error)
        return repr(result), sorted({str(one.message) for one in caught})


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
        assert outcome(ac.vecdot, *bad) == outcome(np.vecdot, *bad)
    assert outcome(ac.vecdot, a[:, :0], a[:, :0]) == outcome(np.vecdot, a[:, :0], a[:, :0])
    assert outcome(ac.vecdot, a[:0], a[:0]) == outcome(np.vecdot, a[:0], a[:0])
    assert outcome(ac.vecdot, a.astype(object), a) == outcome(np.vecdot, a.astype(object), a)


def test_warnings_are_numpys():
    large, infinite = np.full((40, 200), 1e200), np.full((40, 200), np.inf)
    half = np.full(3000, 60000, "e")
    for name, *args in (
        ("vecdot", large, large), ("vecdot", infinite, np.zeros_like(large)), ("vecdot", infinite, -infinite),
        ("vecdot", half, half), ("dot", half, half), ("vdot", half, half), ("dot", half.reshape(30, 100), half[:100]),
    ):  # fmt: skip
        assert outcome(getattr(ac, name), *args) == outcome(getattr(np, name), *args)


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


@pytest.mark.parametrize("dtype", "?bide")
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
    compare("vdot", matrix, matrix)
    compare("vdot", matrix, matrix.T.reshape(40, 30)[::-1])


def test_dot_leaves_the_rest_to_numpy():
    x = np.arange(4000).reshape(40, 100)
    for args in (
        (x, x), (x, x[0], np.empty(40)), (x, x[0], np.empty((40, 2), int)[:, 0]), (x, x[0], np.empty(41, int)),
        (x, "x"), (x, None), (x, x[:, 0]), (x.astype(object), x[0]), (x[:, :0], x[:0]), (x, [1] * 100),
        (x.astype("M8[s]"), x[0]),
    ):  # fmt: skip
        assert outcome(ac.dot, *args) == outcome(np.dot, *args)
        if len(args) == 2:
            assert outcome(ac.vdot, *args) == outcome(np.vdot, *args)
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
