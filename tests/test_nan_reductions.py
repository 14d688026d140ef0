"""Reductions of what is not NaN against NumPy's: values, types, warnings, and the same bits on any number of threads.

Sums are compared within the bound of a pairwise sum of the magnitudes; extremes and their places exactly.
"""

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import THREADS

import allcores as ac
from allcores import _driver, _isa

pytestmark = pytest.mark.usefixtures("seven_threads")

SUMS = ("nansum", "nanmean", "nanvar", "nanstd")
EXACT = ("nanmin", "nanmax", "nanargmin", "nanargmax")
NAMES = (*SUMS, *EXACT, "nanprod")
SHAPES = [
    (20011,), (37, 41, 7), (3, 5000), (5000, 3), (300, 8, 9), (2, 3), (3, 20001), (2000, 11), (65, 66),
]  # fmt: skip


def heard(function, *args, **options):
    """Result or error, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **options)
        except (ValueError, TypeError, FloatingPointError) as error:
            result = f"{type(error).__name__}: {error}"
    return result, sorted({(one.category, str(one.message)) for one in caught}, key=str)


def bound(name, x):
    """Largest error of a pairwise sum in x's dtype, of the magnitudes it adds, or of the mean and variance of such."""
    eps = np.finfo(x.dtype).eps
    reach = np.nanmax(np.abs(np.where(np.isfinite(x), x, 0)), initial=0)
    n = x.size
    if name == "nansum":
        return 8 * eps * max(math.log2(n + 2), 1) * n * reach
    if name == "nanmean":
        return 40 * eps * reach
    return 80 * eps * reach**2 if name == "nanvar" else 80 * np.sqrt(eps) * reach


def compare(name, x, **options):
    expected, said = heard(getattr(np, name), x, **options)
    exact = expected
    if name in SUMS and "where" not in options and not isinstance(expected, str):
        exact = heard(getattr(np, name), x.astype(np.longdouble), **options)[0]
    found = []
    for threads in THREADS:
        _driver.configure(threads=threads)
        got, ours_said = heard(getattr(ac, name), x, **options)
        assert ours_said == said
        assert type(got) is type(expected)
        if isinstance(expected, str):
            assert got == expected
            continue
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        if name in EXACT:
            np.testing.assert_array_equal(got, expected)
        elif name == "nanprod":
            np.testing.assert_allclose(got, expected, rtol=4 * x.size * np.finfo(x.dtype).eps)
        else:
            np.testing.assert_allclose(got, np.asarray(exact, x.dtype), rtol=0, atol=bound(name, x))
        found.append(np.asarray(got).tobytes())
    assert len(set(found)) <= 1, "depends on the number of threads"


def sample(dtype, shape, share, seed=0, name=""):
    rng = np.random.default_rng(seed)
    reach = 1e-3 if name == "nanprod" else 0.1  # in another order a product may overflow
    x = rng.uniform(1 - reach, 1 + reach, shape).astype(dtype)
    x[rng.random(shape) < share] = np.nan
    return x


def layouts(x):
    yield x
    yield np.asfortranarray(x)
    yield x.T
    yield x[(slice(None, None, -1),) * x.ndim]
    yield x[::-1]
    wide = np.full([2 * n + 1 for n in x.shape], np.nan, x.dtype)
    gaps = wide[tuple(slice(0, 2 * n, 2) for n in x.shape)]
    gaps[...] = x
    yield gaps
    if x.ndim > 1:
        yield np.broadcast_to(x[:1], x.shape)
        yield np.broadcast_to(x[:, :1], x.shape)
    if x.ndim > 2:
        yield x.transpose(1, *range(2, x.ndim), 0)


def axes_of(name, ndim):
    yield None
    for count in range(1, 2 if "arg" in name else ndim + 1):
        for axes in itertools.combinations(range(ndim), count):
            yield axes[0] if count == 1 else axes


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("name", NAMES)
def test_every_axis_of_every_layout(name, dtype, shape):
    for share in (0, 0.4, 0.995):
        for view in layouts(sample(dtype, shape, share, name=name)):
            for axis in axes_of(name, view.ndim):
                compare(name, view, axis=axis)


@pytest.mark.parametrize("name", NAMES)
def test_keepdims_and_negative_axes(name):
    x = sample("d", (30, 40, 5), 0.3, name=name)
    for axis in (-1, 1, -3):
        compare(name, x, axis=axis, keepdims=True)
    compare(name, x, keepdims=True)


@pytest.mark.parametrize("ddof", [0, 1, 2.5, 3, 50])
@pytest.mark.parametrize("name", ["nanvar", "nanstd"])
def test_degrees_of_freedom(name, ddof):
    x = sample("d", (40, 50), 0.9)
    for axis in (0, 1, None):
        compare(name, x, axis=axis, ddof=ddof)
        compare(name, x, axis=axis, correction=ddof)
    compare(name, x, axis=0, ddof=1, correction=1)
    compare(name, x, axis=0, mean=heard(np.nanmean, x, axis=0, keepdims=True)[0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [*"?bhiqBQeFOg", ">f8"])
def test_other_dtypes_are_numpys(name, dtype):
    x = np.arange(1, 5001).reshape(50, 100) % 100 % 2 + 1
    x = x.astype(dtype)
    expected, said = heard(getattr(np, name), x, axis=0)
    got, ours_said = heard(getattr(ac, name), x, axis=0)
    assert ours_said == said
    assert type(got) is type(expected)
    np.testing.assert_array_equal(got, expected)
    assert np.asarray(got).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
def test_empty(name, shape):
    for axis in (None, *range(len(shape))):
        got, said = heard(getattr(ac, name), np.empty(shape), axis=axis)
        expected, numpys = heard(getattr(np, name), np.empty(shape), axis=axis)
        assert said == numpys
        assert repr(got) == repr(expected)


@pytest.mark.parametrize("name", NAMES)
def test_small_and_odd(name):
    odd = [
        ([1.0, np.nan],), (np.float64(3),), (np.nan,), (np.array(3.0),), (np.array([np.nan]),), (np.array([2.0]),),
        (np.array([[1.0, np.nan]]),), (np.ma.masked_array([1.0, 2.0, 3.0], [True, False, False]),), ("text",),
    ]  # fmt: skip
    for args in odd:
        got, said = heard(getattr(ac, name), *args)
        expected, numpys = heard(getattr(np, name), *args)
        assert said == numpys
        assert repr(got) == repr(expected)
    x = sample("d", (20, 30), 0.2)
    for options in ({"axis": 2}, {"axis": (0, 0)}, {"axis": "x"}, {"axis": ()}, {"out": np.empty(3)}):
        assert repr(heard(getattr(ac, name), x, **options)) == repr(heard(getattr(np, name), x, **options))


@pytest.mark.parametrize("name", [name for name in NAMES if "arg" not in name])
def test_out_where_dtype_initial(name):
    x = sample("d", (300, 40), 0.3)
    out = np.empty(40)
    assert getattr(ac, name)(x, axis=0, out=out) is out
    np.testing.assert_allclose(out, getattr(np, name)(x, axis=0), rtol=1e-12)
    strided = np.empty((40, 3))[:, 1]
    getattr(ac, name)(x, axis=0, out=strided)
    np.testing.assert_array_equal(strided, out)
    initial = {"initial": 2.0} if name in ("nansum", "nanprod", "nanmin", "nanmax") else {}
    compare(name, x, axis=1, **initial)
    where = np.arange(40) % 3 > 0
    compare(name, x, axis=1, where=where, **initial)
    if name not in ("nanmin", "nanmax"):
        for dtype in ("d", "f", "g", "i"):
            got, expected = (heard(getattr(m, name), x, axis=1, dtype=dtype) for m in (ac, np))
            assert got[1] == expected[1]
            assert type(got[0]) is type(expected[0])
            if not isinstance(got[0], str):
                np.testing.assert_allclose(got[0], expected[0], rtol=1e-5)


@pytest.mark.parametrize("name", ["nanargmin", "nanargmax"])
def test_places_among_infinities(name):
    rng = np.random.default_rng(3)
    for shape in ((9000,), (300, 40), (40, 300), (3000, 3)):
        x = rng.choice([np.nan, np.inf, -np.inf, 1.0], shape)
        x[0] = 1
        x[..., 0] = 1
        for view in (x, x[..., ::-1]):
            for axis in (None, *range(x.ndim)):
                compare(name, view, axis=axis)
    x = np.full((50, 60), np.nan)
    x[:, 7] = np.inf if name == "nanargmin" else -np.inf
    compare(name, x, axis=1)
    compare(name, x, axis=0)
    compare(name, x)


@pytest.mark.parametrize("name", ["nanmin", "nanmax"])
def test_nothing_but_infinities(name):
    for worst in (np.inf, -np.inf):
        x = np.full((300, 50), worst)
        x[::2] = np.nan
        x[:, 3] = np.nan
        for axis in (None, 0, 1):
            compare(name, x, axis=axis)
            compare(name, x, axis=axis, initial=5.0)


REPORTS = [
    ("nansum", np.full(30000, 1e308)),
    ("nansum", np.where(np.arange(30000) % 2, np.inf, -np.inf)),
    ("nanmean", np.full(30000, 1e308)),
    ("nanmean", np.where(np.arange(30000) % 3, np.inf, -np.inf)),
    ("nanvar", np.full(30000, 1e200) * (np.arange(30000) % 7)),
    ("nanvar", np.where(np.arange(30000) % 3, np.inf, 1)),
    ("nanstd", np.full(30000, 5e-324)),
    ("nanprod", np.full(30000, 1e3)),
    ("nanmax", np.where(np.arange(30000) % 3, np.inf, np.nan)),
    ("nanargmax", np.where(np.arange(30000) % 3, np.inf, np.nan)),
]


@pytest.mark.parametrize(("name", "x"), REPORTS)
def test_floating_point_warnings(name, x):
    with np.errstate(all="warn"):
        for threads in THREADS:
            _driver.configure(threads=threads)
            got, said = heard(getattr(ac, name), x)
            expected, numpys = heard(getattr(np, name), x)
            assert said == numpys
            np.testing.assert_array_equal(got, expected)


def rows_that_warn(dtype):
    large = np.finfo(dtype).max
    for row in (
        (np.nan, np.nan, np.nan), (np.inf, np.inf, np.nan), (np.inf, -np.inf, 1), (-np.inf, np.nan, 1),
        (1, np.nan, np.nan), (large, large, np.nan), (large, -large, 1), (np.finfo(dtype).tiny / 8, 1, np.nan),
        (0, -0.0, np.nan), (1, 2, 3),
    ):  # fmt: skip
        yield np.array(row, dtype)


@pytest.mark.parametrize("state", ["default", "warn", "raise"])
@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("name", NAMES)
def test_warnings_of_slices_are_numpys(name, dtype, state):
    for row in rows_that_warn(dtype):
        for wide in (False, True):
            x = np.ones((40, 300), dtype)
            x[7] = np.resize(row, 300)
            x = x if wide else x.T.copy()
            for axis in (int(wide), None):
                for options in ({}, {"ddof": 99.5}) if name in ("nanvar", "nanstd") else ({},):
                    errors = {} if state == "default" else {"all": state}
                    with np.errstate(**errors):
                        got, said = heard(getattr(ac, name), x, axis=axis, **options)
                        expected, numpys = heard(getattr(np, name), x, axis=axis, **options)
                    assert said == numpys, (row, wide, axis, options)
                    assert isinstance(got, str) == isinstance(expected, str), (row, wide, axis, options)


def test_the_warning_points_to_the_caller():
    for name in ("nanmean", "nanmin", "nanmax", "nanvar", "nanstd"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            getattr(ac, name)(np.full((50, 60), np.nan), axis=0)
        assert [one.filename for one in caught] == [__file__]


def test_float32_is_summed_pairwise():
    x = np.ones((2**12, 2**13), "f")
    x[::7] = np.nan
    for axis in (None, 0, 1):
        np.testing.assert_array_equal(ac.nanmean(x[1:7], axis=axis), np.nanmean(x[1:7], axis=axis))
    assert ac.nanmean(x) == 1
    assert ac.nansum(np.where(np.isnan(x), np.float32(0), x)) == np.count_nonzero(x == 1)
    x = np.random.default_rng(1).random(2**24, np.float32)
    exact = math.fsum(x)
    assert abs(float(ac.nansum(x)) - exact) <= max(abs(float(np.nansum(x)) - exact), exact * 2e-7)


@pytest.mark.parametrize("isa", ac.info()["isa_compiled"])
def test_every_level(isa):
    try:
        _isa.set_isa(isa)
    except ValueError:
        pytest.skip(f"this machine has no {isa}")
    try:
        for name in NAMES:
            for dtype in "fd":
                for axis in (None, 0, 1):
                    compare(name, sample(dtype, (129, 130), 0.3, name=name), axis=axis)
    finally:
        _isa.set_isa("")


@st.composite
def calls(draw):
    name = draw(st.sampled_from(NAMES))
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 7, 8, 9, 40, 129]), min_size=1, max_size=4))
    while np.prod(shape) > 100_000:
        shape.pop()
    x = sample(draw(st.sampled_from("fd")), shape, draw(st.sampled_from([0, 0.1, 0.9])), name=name)
    x = x.transpose(draw(st.permutations(range(x.ndim))))
    x = x[tuple(slice(None, None, draw(st.sampled_from([1, 1, 2, -1]))) for _ in shape)]
    axis = draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    if "arg" not in name and draw(st.booleans()):
        axis = tuple(draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True)))
    return name, x, {"axis": axis, "keepdims": draw(st.booleans())}


@settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(calls())
def test_any_call(call):
    name, x, options = call
    compare(name, x, **options)
