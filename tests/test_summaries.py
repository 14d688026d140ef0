"""ptp, average, norms, moments, logsumexp against NumPy, SciPy and plain formulas."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from support import THREADS, told

import allcores as ac
from allcores import _driver
from allcores.functions import summaries

pytestmark = pytest.mark.usefixtures("seven_threads")

SHAPES = [(20011,), (37, 61, 7), (3, 5000), (5000, 3), (129, 130), (2, 3)]


def views(x):
    yield x
    yield x.T
    yield x[::-1]
    yield np.asfortranarray(x)
    wide = np.zeros([2 * n for n in x.shape], x.dtype)[tuple(slice(0, None, 2) for _ in x.shape)]
    wide[...] = x
    yield wide
    if x.ndim > 1:
        yield np.broadcast_to(x[:1], x.shape)


def axes_of(ndim):
    yield None
    for count in range(1, ndim + 1):
        for axes in itertools.combinations(range(ndim), count):
            yield axes[0] if count == 1 else axes


def on_any_threads(function, *args, **options):
    """The result, after making sure that it is the same for all numbers of threads."""
    found = []
    for threads in THREADS:
        _driver.configure(threads=threads)
        found.append(function(*args, **options))
    for other in found[1:]:
        for p, q in zip(np.atleast_1d(found[0]), np.atleast_1d(other), strict=True):
            assert np.asarray(p).tobytes() == np.asarray(q).tobytes()
    return found[0]


def same(got, expected, rtol=0.0):
    assert type(got) is type(expected)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", list("fdbhiqBHIQ"))
def test_ptp(dtype, shape):
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(shape) * 1000).astype(dtype)
    for view in views(x):
        for axis in axes_of(view.ndim):
            same(on_any_threads(ac.ptp, view, axis=axis), np.ptp(view, axis=axis))
    same(ac.ptp(x, axis=0, keepdims=True), np.ptp(x, axis=0, keepdims=True))


def test_ptp_says_what_numpy_says():
    for x in (np.array([np.inf] * 5000), np.array([np.nan, 1.0] * 5000), np.array([1e308, -1e308] * 4000), np.ones(0)):
        assert told(ac.ptp, x) == told(np.ptp, x)
    x = np.array([[1.0, np.inf, np.nan], [2.0, 5.0, 1.0]])
    assert told(ac.ptp, x, axis=0) == told(np.ptp, x, axis=0)


@pytest.mark.parametrize("dtype", list("fdiB?"))
def test_average(dtype):
    rng = np.random.default_rng(2)
    x = (rng.random((60, 70, 5)) * 9).astype(dtype)
    for view in views(x):
        weights = rng.random(view.shape).astype("f")
        for axis in axes_of(view.ndim):
            for returned in (False, True):
                for options in ({}, {"weights": weights}, {"weights": weights, "keepdims": True}):
                    got = ac.average(view, axis, returned=returned, **options)
                    expected = np.average(view, axis, returned=returned, **options)
                    for p, q in zip(*((g if returned else (g,)) for g in (got, expected)), strict=True):
                        same(p, q)
        for axis in range(view.ndim):
            along = rng.random(view.shape[axis])
            same(ac.average(view, axis, along), np.average(view, axis, along))


def test_average_leaves_the_rest_to_numpy():
    x = np.arange(6000.0).reshape(60, 100)
    for options in (
        {"axis": 2},
        {"weights": np.ones(3), "axis": 0},
        {"weights": np.ones(100)},
        {"weights": np.zeros(100), "axis": 1},
        {"weights": np.ones((100, 60)), "axis": (1, 0)},
        {"weights": "x"},
        {"axis": (0, 0)},
    ):
        assert told(ac.average, x, **options) == told(np.average, x, **options)
    assert ac.average([1, 2, 4]) == np.average([1, 2, 4])


def weighted_variance(x, w, axis, ddof, kind):
    """The formula as it is written down, of float64."""
    x, w = x.astype(float), np.broadcast_to(w, x.shape).astype(float)
    total = w.sum(axis, keepdims=True)
    mean = (w * x).sum(axis, keepdims=True) / total
    lost = ddof if kind == "frequency" else ddof * (w * w).sum(axis, keepdims=True) / total
    return ((w * (x - mean) ** 2).sum(axis, keepdims=True) / (total - lost)).squeeze(axis)


@pytest.mark.parametrize("kind", ["frequency", "reliability"])
@pytest.mark.parametrize("dtype", list("fdiB"))
def test_weighted_variance(dtype, kind):
    rng = np.random.default_rng(8)
    x = (rng.random((60, 70, 5)) * 90).astype(dtype)
    for view in views(x):
        weights = (rng.random(view.shape) * 4 + 1).astype("f")
        for axis in axes_of(view.ndim):
            for ddof in (0, 1, 2.5):
                expected = weighted_variance(view, weights, axis, ddof, kind)
                options = {"axis": axis, "ddof": ddof, "kind": kind}
                got = on_any_threads(ac.weighted_var, view, weights, **options)
                assert got.shape == expected.shape
                assert got.dtype == np.average(view, weights=weights).dtype
                np.testing.assert_allclose(got, expected, rtol=2e-4 if got.dtype == "f" else 1e-11, atol=1e-9)
                np.testing.assert_allclose(ac.weighted_std(view, weights, **options) ** 2, got, rtol=1e-6)
        for axis in range(view.ndim):
            along = rng.random(view.shape[axis])
            shape = [view.shape[i] if i == axis else 1 for i in range(view.ndim)]
            got = ac.weighted_var(view, along, axis, ddof=0.1, kind=kind)
            np.testing.assert_allclose(
                got, weighted_variance(view, along.reshape(shape), axis, 0.1, kind), rtol=1e-11, atol=1e-9
            )
    assert ac.weighted_var(x, weights, (0, 1), keepdims=True).shape == (1, 1, 5)
    assert ac.weighted_var(x, weights, keepdims=True).shape == (1, 1, 1)


def test_weighted_variance_is_that_of_others():
    rng = np.random.default_rng(9)
    x, counts, weights = rng.random(6000) + 1e6, rng.integers(1, 9, 6000), rng.random(6000)
    for ddof in (0, 1, 3):
        repeated = np.var(np.repeat(x, counts), ddof=ddof)
        np.testing.assert_allclose(ac.weighted_var(x, counts, ddof=ddof), repeated, rtol=1e-9)
        np.testing.assert_allclose(
            ac.weighted_var(x, counts, ddof=ddof), np.cov(x, fweights=counts, ddof=ddof), rtol=1e-9
        )
        reliable = ac.weighted_var(x, weights, ddof=ddof, kind="reliability")
        np.testing.assert_allclose(reliable, np.cov(x, aweights=weights, ddof=ddof), rtol=1e-9)
    np.testing.assert_allclose(ac.weighted_var(x, np.full(6000, 2.5)), np.var(x), rtol=1e-9)


def test_weighted_variance_in_fractions():
    rng = np.random.default_rng(10)
    x, w = rng.random(5000) + 1e8, rng.random(5000)
    exact = [(Fraction(float(p)), Fraction(float(q))) for p, q in zip(x, w, strict=True)]
    total = sum(q for _, q in exact)
    mean = sum(p * q for p, q in exact) / total
    variance = sum(q * (p - mean) ** 2 for p, q in exact) / total
    assert abs(Fraction(float(ac.weighted_var(x, w))) / variance - 1) < 50 * np.finfo(float).eps


def test_weighted_variance_of_odd_samples():
    x = np.arange(6000.0).reshape(60, 100)
    assert ac.weighted_var(x, np.ones(100), 1).shape == (60,)
    assert (ac.weighted_var(np.full((60, 100), 0.1), np.random.default_rng(0).random((60, 100)), 1) < 1e-30).all()
    assert ac.weighted_var([1, 2, 4], [1, 2, 1]) == 1.1875
    assert np.isnan(ac.weighted_var(np.where(x == 7, np.nan, x), x))
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        assert np.isnan(ac.weighted_var(x, np.full(100, 0.01), 1, ddof=1)).all()
    with pytest.raises(ZeroDivisionError, match="weights sum to zero"):
        ac.weighted_var(x, np.zeros_like(x))
    with pytest.raises(ValueError, match="weights must not be negative, got -1"):
        ac.weighted_var(x, -np.ones(100), 1)
    with pytest.raises(
        ValueError, match=r"weights must have the shape of a, \(60, 100\), .* got shape \(3,\) and axis 1"
    ):
        ac.weighted_var(x, np.ones(3), 1)
    with pytest.raises(ValueError, match="kind must be 'frequency' or 'reliability', got 'x'"):
        ac.weighted_var(x, x, kind="x")
    with pytest.raises(TypeError, match="weights must be an array of real numbers, got dtype complex128"):
        ac.weighted_var(x, x * 1j)


@pytest.mark.parametrize("dtype", list("fdi"))
@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, 0.5, 2.5, -1, np.inf, -np.inf])
def test_norm_of_vectors(order, dtype):
    x = (np.random.default_rng(3).standard_normal((70, 90, 5)) * 9).astype(dtype)
    x[x == 0] = 1
    rtol = 1e-4 if dtype == "f" else 1e-12
    for view in views(x):
        for axis in range(3):
            same(on_any_threads(ac.linalg.norm, view, order, axis), np.linalg.norm(view, order, axis), rtol)
    flat = x.ravel()
    for keepdims in (False, True):
        same(ac.linalg.norm(flat, order, keepdims=keepdims), np.linalg.norm(flat, order, keepdims=keepdims), rtol)
    same(ac.linalg.norm(x, order, (1,), True), np.linalg.norm(x, order, (1,), True), rtol)


@pytest.mark.parametrize("dtype", list("fd"))
def test_norm_of_arrays_with_gaps(dtype):
    """All axes at once, which no run of memory joins."""
    x = np.random.default_rng(3).standard_normal((400, 70)).astype(dtype)
    apart = np.repeat(np.repeat(x, 2, 0), 3, 1)[::2, ::3]
    for view in (apart, apart.T, np.broadcast_to(x[:, :1], x.shape), np.lib.stride_tricks.sliding_window_view(x[0], 9)):
        view = np.concatenate([view] * 60) if view.size < 4096 else view
        got = on_any_threads(ac.linalg.norm, view)
        same(got, np.linalg.norm(view), 1e-4 if dtype == "f" else 1e-12)


@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, 2, -1, -2, np.inf, -np.inf, 0, "x"])
def test_norm_of_matrices(order):
    x = np.random.default_rng(4).standard_normal((90, 80))
    stack = x.reshape(90, 8, 10)
    for args in ((x, order), (x, order, (0, 1)), (x, order, (1, 0), True), (stack, order, (0, 2)), (stack, order)):
        got, expected = told(ac.linalg.norm, *args), told(np.linalg.norm, *args)
        if isinstance(expected[0], str):
            np.testing.assert_allclose(ac.linalg.norm(*args), np.linalg.norm(*args), rtol=1e-12)
        else:
            assert got == expected


def test_norm_leaves_the_rest_to_numpy():
    x = np.ones((60, 100))
    for args in ((x, None, 5), (x, None, (0, 0)), (x, None, "x"), (x, None, (0, 1, 0)), (x, "fro", 0), (x, [1], 0)):
        assert told(ac.linalg.norm, *args) == told(np.linalg.norm, *args)
    for odd in ([3.0, 4.0], np.zeros(0), x.astype(complex), np.float64(3), np.full(9000, 1e200)):
        assert told(ac.linalg.norm, odd) == told(np.linalg.norm, odd)
    assert np.isnan(ac.linalg.norm(np.where(np.eye(90), np.nan, 1), np.inf, 0)).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", list("fdi"))
def test_moments(dtype, shape):
    x = (np.random.default_rng(5).gamma(2.0, 1.0, shape) * 10 + 100).astype(dtype)
    rtol = 1e-5 if dtype == "f" else 1e-9
    for view in views(x):
        for axis in axes_of(view.ndim):
            got = on_any_threads(ac.moments, view, axis)
            assert isinstance(got, ac.Moments)
            for p, q in zip(got, summaries._plain_moments(np.asarray(view, np.float64), axis), strict=True):
                assert p.dtype == (np.float32 if dtype == "f" else np.float64)
                assert np.shape(p) == np.shape(q)
                np.testing.assert_allclose(p, q, rtol=rtol, atol=rtol)


def test_moments_are_scipys():
    stats = pytest.importorskip("scipy.stats")
    x = np.random.default_rng(6).gamma(2.0, 1.0, (500, 40)) + 1e4
    got = ac.moments(x, 0)
    np.testing.assert_allclose(got.var, np.var(x, axis=0), rtol=1e-12)
    np.testing.assert_allclose(got.skew, stats.skew(x), rtol=1e-9)
    np.testing.assert_allclose(got.kurtosis, stats.kurtosis(x), rtol=1e-9)


def test_moments_of_odd_samples():
    flat = ac.moments(np.full((50, 100), 3.0), axis=1)
    assert (flat.mean == 3).all()
    assert (flat.var == 0).all()
    assert np.isnan(flat.skew).all()
    assert np.isnan(ac.moments(np.array([1.0, np.nan, 2.0] * 2000))).all()
    with pytest.raises(TypeError, match="x must be an array of real numbers, got dtype complex128"):
        ac.moments(np.ones(3, complex))


@pytest.mark.parametrize("dtype", list("fdi"))
def test_logsumexp(dtype):
    special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(7)
    x = (rng.standard_normal((50, 60, 4)) * 300).astype(dtype)
    factors = rng.standard_normal((50, 1, 4))
    rtol = 1e-4 if dtype == "f" else 1e-10
    for view, factor in ((x, factors), (x.T, factors.T), (x[::-1], factors)):
        for axis in axes_of(3):
            for options in ({}, {"keepdims": True}, {"return_sign": True}, {"b": factor, "return_sign": True}):
                got = ac.logsumexp(view, axis, **options)
                expected = special.logsumexp(view, axis, **options)
                np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol)
    same(ac.logsumexp(x, 0), special.logsumexp(x, 0), rtol)
    same(ac.logsumexp(x), special.logsumexp(x), rtol)


def test_logsumexp_of_odd_exponents():
    special = pytest.importorskip("scipy.special")
    odd = [
        [np.inf, 1.0], [-np.inf, -np.inf], [np.inf, -np.inf], [np.nan, 1.0], [0.0, -40.0], [1000.0, 1000.0], 3.0,
        [0.0, -1e-17], [1e300, -1e300], [5],
    ]  # fmt: skip
    for a in odd:
        for sign in (False, True):
            np.testing.assert_allclose(
                ac.logsumexp(a, return_sign=sign), special.logsumexp(a, return_sign=sign), rtol=1e-14
            )
    np.testing.assert_allclose(ac.logsumexp([1.0, 2.0], b=[1, -1]), np.nan)
    np.testing.assert_allclose(ac.logsumexp([1.0, np.inf], b=[1, 0]), 1.0)
    assert ac.logsumexp(np.zeros(0)) == -np.inf
    np.testing.assert_allclose(ac.logsumexp([1j, 2.0]), special.logsumexp([1j, 2.0]))


def test_axes_of_weighted_variance():
    x = np.arange(12.0).reshape(3, 4)
    want = ac.weighted_var(x, np.arange(4.0), 1)
    for axis in (-1, np.int64(1), (1,)):
        np.testing.assert_array_equal(ac.weighted_var(x, np.arange(4.0), axis), want)
    with pytest.raises(np.exceptions.AxisError, match="axis 5 is out of bounds for array of dimension 2"):
        ac.weighted_var(x, np.ones(4), axis=5)
    with pytest.raises(ValueError, match="repeated axis in `axis` argument"):
        ac.weighted_var(x, np.ones(x.shape), axis=(1, 1))
