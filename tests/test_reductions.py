"""Reductions against NumPy's, bit for bit, over dtypes, layouts, axes, options and numbers of threads.

Every call is forced to be split (parallel_from=1), and `engine` makes sure that it was our loops that answered.
"""

import inspect
import itertools
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import THREADS, told

import allcores as ac
from allcores import _driver, _isa, _reductions
from allcores.kernels import KERNELS

pytestmark = pytest.mark.usefixtures("seven_threads")

NAMES = sorted(name for name, kernel in KERNELS.items() if kernel.family == "reduction")
FLOATS, COMPLEX, INTEGERS = "fd", "FD", "bhilqBHILQ"
REAL = FLOATS + INTEGERS + "?"
INEXACT = {name for name in NAMES if not KERNELS[name].exact}  # of floats: the order is ours
WITH_OUT = [name for name in NAMES if "out" in inspect.signature(KERNELS[name].function).parameters]


class engine:
    """Fails if a call in the block was not answered by our loops."""

    def __enter__(self):
        self.before = _reductions.reductions_run()

    def __exit__(self, kind, *_):
        if kind is None:
            assert _reductions.reductions_run() > self.before, "left to NumPy"


def values(rng, dtype, shape):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)


def layouts(x):
    """The same shape and values in other memory, and views with other shapes."""
    yield "C", x
    yield "F", np.asfortranarray(x)
    yield "transposed", x.T
    wide = np.zeros([2 * n + 1 for n in x.shape], x.dtype)
    gaps = wide[tuple(slice(0, 2 * n, 2) for n in x.shape)]
    gaps[...] = x
    yield "gaps", gaps
    padded = np.zeros([n + 2 for n in x.shape], x.dtype)[tuple(slice(1, -1) for _ in x.shape)]
    padded[...] = x
    yield "padded", padded
    yield "reversed", x[(slice(None, None, -1),) * x.ndim]
    yield "one reversed", x[::-1]
    if x.ndim > 2:
        yield "permuted", x.transpose(1, *range(2, x.ndim), 0)


def axes_of(ndim):
    yield None
    for count in range(1, ndim + 1):
        for axes in itertools.combinations(range(ndim), count):
            yield axes[0] if count == 1 else axes


def bits_equal(got, expected):
    """Same type, dtype, shape, layout and bits, but for the kind of a NaN."""
    assert type(got) is type(expected)
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    assert np.shape(got) == np.shape(expected)
    if isinstance(got, np.ndarray):
        long = [axis for axis in range(got.ndim) if got.shape[axis] > 1]  # the step of an axis of one is anything
        assert [got.strides[axis] for axis in long] == [expected.strides[axis] for axis in long]
    got, expected = np.asarray(got), np.asarray(expected)
    if got.dtype.kind in "fc":
        parts = (lambda z: (z.real, z.imag)) if got.dtype.kind == "c" else (lambda z: (z,))
        for p, q in zip(parts(got), parts(expected), strict=True):
            np.testing.assert_array_equal(np.isnan(p), np.isnan(q))
            same = (p == q) & (np.signbit(p) == np.signbit(q)) | np.isnan(p)
            assert same.all(), (p[~same][:3], q[~same][:3]) if p.ndim else (p, q)
    else:
        np.testing.assert_array_equal(got, expected)


def nearly_equal(got, expected, n):
    assert type(got) is type(expected)
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(got, expected, rtol=4 * n * np.finfo(np.asarray(expected).dtype).eps, atol=0)


def check(name, x, expected_from=None, exact=True, **options):
    """`name` on 1, 2, 7 threads against NumPy, and the same bits on each."""
    numpy = getattr(np, name)
    ours = getattr(ac, name)
    expected = numpy(x, **options) if expected_from is None else expected_from
    results = []
    for threads in THREADS:
        _driver.configure(threads=threads)
        with engine():
            got = ours(x, **options)
        if exact:
            bits_equal(got, expected)
        else:
            nearly_equal(got, expected, x.size)
        results.append(np.asarray(got).tobytes())
    assert len(set(results)) == 1, "depends on the number of threads"


SHAPES = [(20011,), (37, 61, 7), (3, 5000), (5000, 3), (129, 130), (300, 8, 9)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", list(FLOATS + COMPLEX + "?bhiqBIQ"))
def test_sum(dtype, shape):
    x = values(np.random.default_rng(1), dtype, shape)
    for _, view in layouts(x):
        for axis in axes_of(view.ndim):
            check("sum", view, axis=axis)
    check("sum", x, axis=0, keepdims=True)
    check("sum", x, initial=3)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("dtype", "loop"), ["fd", "ef", "ed", "bd", "Id", "ld", "Qd", "?d", "if"])
def test_sum_in_another_dtype(dtype, loop, shape):
    """NumPy converts a buffer at a time, which decides where its sums are split."""
    x = values(np.random.default_rng(2), dtype, shape)
    if dtype == "e":
        x[...] = np.abs(x)
    for _, view in layouts(x):
        for axis in axes_of(view.ndim):
            check("sum", view, axis=axis, dtype=loop)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", list(REAL + COMPLEX + "e"))
def test_mean(dtype, shape):
    x = values(np.random.default_rng(3), dtype, shape)
    for _, view in layouts(x):
        for axis in axes_of(view.ndim):
            check("mean", view, axis=axis)
    check("mean", x, axis=-1, keepdims=True)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", list(FLOATS + INTEGERS))
def test_var_and_std(dtype, shape):
    x = values(np.random.default_rng(4), dtype, shape)
    for _, view in layouts(x):
        for axis in axes_of(view.ndim):
            check("var", view, axis=axis)
    check("std", x, axis=-1, keepdims=True)
    check("std", x, ddof=1)
    check("var", x, correction=1)
    check("var", x, axis=0, mean=np.mean(x, axis=0, keepdims=True), ddof=0.5)


@pytest.mark.parametrize("dtype", list(FLOATS + COMPLEX))
def test_prod(dtype):
    x = 1 + values(np.random.default_rng(5), dtype, (37, 61, 7)) / 500
    for _, view in layouts(x):
        for axis in axes_of(view.ndim):
            check("prod", view, axis=axis, exact=False)
    check("prod", x, initial=2, exact=False)


@pytest.mark.parametrize("shape", SHAPES[:4], ids=str)
@pytest.mark.parametrize("dtype", list(INTEGERS + "?"))
def test_prod_of_integers(dtype, shape):
    x = values(np.random.default_rng(6), dtype, shape) | np.array(1, dtype)
    for _, view in layouts(x):
        for axis in axes_of(view.ndim):
            check("prod", view, axis=axis)


def with_specials(x):
    flat = x.reshape(-1)
    flat[::97] = np.nan
    flat[5::1013] = np.inf
    flat[7::1011] = -np.inf
    flat[11::5] = 0
    return x


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", list(REAL))
@pytest.mark.parametrize("name", ["min", "max"])
def test_extremes(name, dtype, shape):
    x = values(np.random.default_rng(7), dtype, shape)
    for _, view in layouts(x):
        for axis in axes_of(view.ndim):
            check(name, view, axis=axis)
    check(name, x, axis=0, initial=1)
    if dtype in FLOATS:
        for _, view in layouts(with_specials(x)):
            for axis in axes_of(view.ndim):
                check(name, view, axis=axis)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", list(FLOATS + INTEGERS))
@pytest.mark.parametrize("name", ["argmin", "argmax"])
def test_places_of_extremes(name, dtype, shape):
    x = values(np.random.default_rng(8), dtype, shape)
    tied = x // np.array(60 if np.iinfo(dtype).max > 127 else 20, dtype) if dtype in INTEGERS else np.round(x)
    for _, view in itertools.chain(layouts(x), layouts(tied)):
        for axis in (None, *range(view.ndim)):
            check(name, view, axis=axis)
    check(name, tied, axis=-1, keepdims=True)
    if dtype in FLOATS:
        for _, view in layouts(with_specials(x)):
            for axis in (None, *range(view.ndim)):
                check(name, view, axis=axis)


@pytest.mark.parametrize("dtype", list(REAL + COMPLEX))
@pytest.mark.parametrize("name", ["any", "all", "count_nonzero"])
def test_truth(name, dtype):
    rng = np.random.default_rng(9)
    for share in (0.0, 0.0001, 0.5, 0.9999, 1.0):
        x = (rng.random((37, 61, 7)) < share).astype(dtype)
        for _, view in layouts(x):
            for axis in axes_of(view.ndim):
                check(name, view, axis=axis)
        check(name, x, axis=1, keepdims=True)


@pytest.mark.parametrize("name", WITH_OUT)
def test_out(name):
    x = values(np.random.default_rng(10), "d", (40, 50, 6))
    for axis in (0, 1, 2):
        like = getattr(np, name)(x, axis=axis)
        for out in (np.empty_like(like), np.empty_like(like, order="F"), np.empty((3, *like.shape), like.dtype)[1]):
            for threads in THREADS:
                _driver.configure(threads=threads)
                expected = np.empty_like(out)
                getattr(np, name)(x, axis=axis, out=expected)
                with engine():
                    assert getattr(ac, name)(x, axis=axis, out=out) is out
                if name in INEXACT:
                    nearly_equal(out, expected, x.size)
                else:
                    np.testing.assert_array_equal(out, expected)


def test_out_that_overlaps_the_operand():
    x = values(np.random.default_rng(11), "d", (100, 100))
    expected = np.sum(x, axis=0)
    ac.sum(x, axis=0, out=x[3])
    np.testing.assert_array_equal(x[3], expected)


def test_sum_of_float32_ones():
    assert ac.mean(np.ones(2**25, np.float32)) == 1.0
    assert ac.sum(np.ones((2**13, 2**12), np.float32)) == 2.0**25


def test_negative_zeros():
    x = np.full(30000, -0.0)
    assert not np.signbit(ac.sum(x))
    assert np.signbit(ac.max(x))
    bits_equal(ac.sum(x, initial=-0.0), np.sum(x, initial=-0.0))


def test_denormals():
    x = np.full((300, 100), 5e-324)
    for axis in (None, 0, 1):
        check("sum", x, axis=axis)
        check("mean", x, axis=axis)


REPORTS = [
    ("sum", np.full(30000, 1e308), {}),
    ("sum", np.full((300, 100), 1e308), {"axis": 0}),
    ("sum", np.where(np.arange(30000) % 2, np.inf, -np.inf), {}),
    ("sum", np.full(30000, 3e38, "f"), {}),
    ("mean", np.full(30000, 1e308), {}),
    ("prod", np.full(30000, 1e3), {}),
    ("prod", np.full(30000, 1e-3), {}),
    ("var", np.full((300, 100), 1e200) * (np.arange(100) + 1.0), {"axis": 1}),
    ("std", with_specials(np.ones((300, 100))), {"axis": 0}),
    ("var", np.arange(30000) * 1e-170, {}),
    ("max", np.full(30000, np.nan), {}),
    ("min", with_specials(np.ones((300, 100))), {"axis": 0}),
    ("argmax", np.full(30000, np.nan), {}),
    ("any", np.full(30000, np.nan), {}),
    ("count_nonzero", with_specials(np.ones((300, 100))), {}),
]


@pytest.mark.parametrize(("name", "x", "options"), REPORTS)
def test_floating_point_warnings(name, x, options):
    def heard(function):
        with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
            warnings.simplefilter("always")
            function(x, **options)
        return {str(one.message) for one in caught}

    for threads in THREADS:
        _driver.configure(threads=threads)
        with engine():
            got = heard(getattr(ac, name))
        assert got == heard(getattr(np, name))


def test_errstate_raise():
    x = np.full(30000, 1e308)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow encountered in reduce"):
        ac.sum(x)
    with np.errstate(over="ignore"):
        assert ac.sum(x) == np.inf


BIG = np.arange(24000.0).reshape(100, 240)
ODD = [
    ((BIG,), {"axis": 2}),
    ((BIG,), {"axis": (0, 0)}),
    ((BIG,), {"axis": "x"}),
    ((BIG,), {"axis": 1.0}),
    ((BIG,), {"axis": ()}),
    ((BIG,), {"out": np.empty(3)}),
    ((BIG,), {"out": "x"}),
    ((BIG,), {"keepdims": 1}),
    ((BIG.astype(">f8"),), {}),
    ((BIG.astype(object),), {}),
    ((BIG.astype("e"),), {}),
    ((BIG.astype("g"),), {"axis": 0}),
    ((BIG.astype("m8[s]"),), {}),
    ((np.empty((0, 3)),), {}),
    ((np.empty((0, 3)),), {"axis": 0}),
    ((np.empty((3, 0)),), {"axis": 0}),
    ((np.float64(3),), {}),
    ((np.array(3.0),), {}),
    (([1, 2, 3],), {}),
    ((5,), {}),
    (("text",), {}),
    ((np.ma.masked_array(BIG, BIG > 7),), {}),
    ((np.ones((1, 20000)),), {"axis": 0}),
    ((np.broadcast_to(np.arange(200.0), (200, 200)),), {}),
    ((np.broadcast_to(np.arange(200.0)[:, None], (200, 200)),), {"axis": 0}),
    ((np.frombuffer(b"x" * 80001, np.uint8)[1:].view("d"),), {}),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("args", "options"), ODD)
def test_odd_calls_are_numpys(name, args, options):
    if name in INEXACT and np.size(args[0]) > 10 and np.asarray(args[0]).dtype.kind == "f":
        args = (np.minimum(args[0], args[0].dtype.type(1)),)  # which every order sums and multiplies exactly
    assert told(getattr(ac, name), *args, **options) == told(getattr(np, name), *args, **options)


@pytest.mark.parametrize("name", ["sum", "prod", "min", "max", "any", "all", "mean", "var", "std"])
def test_where_is_numpys(name):
    x = np.ones((100, 100))
    where = x > 0
    options = {"initial": 0.0} if name in ("min", "max") else {}
    got = told(getattr(ac, name), x, axis=0, where=where, **options)
    assert got == told(getattr(np, name), x, axis=0, where=where, **options)


@pytest.mark.parametrize("name", ["var", "std"])
def test_too_many_degrees_of_freedom(name):
    x = np.ones((10, 1000))
    for options in ({"axis": 0, "ddof": 10}, {"ddof": 1, "correction": 1}, {"correction": 20, "axis": 0}):
        assert told(getattr(ac, name), x, **options) == told(getattr(np, name), x, **options)


@pytest.mark.parametrize("name", [*NAMES, "amax", "amin"])
def test_signatures(name):
    ours, numpys = (inspect.signature(getattr(m, name)).parameters.values() for m in (ac, np))
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in numpys]


def test_really_parallel():
    _driver.configure(threads=2)
    x = np.ones((1000, 1000))
    for axis in (None, 0, 1):
        ac.sum(x, axis=axis)
        threads, tasks, _ = _driver.last_region_of_this_thread()
        assert threads == 2
        assert tasks > 1


def test_large_integers_with_exact_means():
    x = np.full(5_000_000, 2**31 - 1, np.int32)  # past 2**53 in sum
    check("mean", x)
    check("mean", np.arange(5_000_000, dtype=np.int64))


def test_long_rows_of_few_outputs():
    x = values(np.random.default_rng(12), "d", (3, 200_003))
    for view in (x, x.T):
        for axis in (None, 0, 1):
            check("sum", view, axis=axis)
            check("var", view, axis=axis)


@pytest.mark.parametrize("isa", ac.info()["isa_compiled"])
def test_every_level_gives_the_same(isa):
    try:
        _isa.set_isa(isa)
    except ValueError:
        pytest.skip(f"this machine has no {isa}")
    try:
        rng = np.random.default_rng(13)
        for dtype in "fdFDbqBe":
            x = values(rng, dtype, (129, 130))
            for axis in (None, 0, 1):
                check("mean", x, axis=axis)
                if dtype in "fdbqB":
                    check("var", x, axis=axis)
                    check("max", x, axis=axis)
                    check("argmin", x, axis=axis)
    finally:
        _isa.set_isa("")


def test_unknown_level():
    with pytest.raises(ValueError, match="v9 is no instruction-set level"):
        _isa.set_isa("v9")


@pytest.mark.parametrize(
    "ufunc", [np.add, np.multiply, np.minimum, np.maximum, np.logical_or, np.logical_and], ids=lambda u: u.__name__
)
def test_reduce_ufunc(ufunc):
    x = values(np.random.default_rng(14), "i", (70, 80))
    for axis in (0, 1, None, (0, 1)):
        got = _reductions.reduce_ufunc(ufunc, x, axis)
        assert got is not NotImplemented
        bits_equal(got, ufunc.reduce(x, axis))
    assert _reductions.reduce_ufunc(np.subtract, x, 0) is NotImplemented
    assert _reductions.reduce_ufunc(ufunc, x.astype(object), 0) is NotImplemented
    assert _reductions.reduce_ufunc(ufunc, x, 0, where=x > 0) is NotImplemented


@st.composite
def calls(draw):
    name = draw(st.sampled_from(NAMES))
    dtype = draw(st.sampled_from(FLOATS + "iqB?"))
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 7, 8, 9, 40, 129]), min_size=1, max_size=4))
    while np.prod(shape) > 200_000:
        shape.pop()
    x = values(np.random.default_rng(draw(st.integers(0, 100))), dtype, shape)
    if dtype in FLOATS and draw(st.booleans()):
        x.reshape(-1)[draw(st.integers(0, x.size - 1))] = draw(st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 5e-324]))
    x = x.transpose(draw(st.permutations(range(x.ndim))))
    x = x[tuple(slice(None, None, draw(st.sampled_from([1, 1, 2, -1]))) for _ in shape)]
    single = "arg" in name
    axis = draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    if not single and draw(st.booleans()):
        axis = tuple(draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True)))
    if name.startswith("nanarg"):
        x = np.nan_to_num(x)  # where there is nothing but NaN it raises
    return name, x, {"axis": axis, "keepdims": draw(st.booleans())}


@settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(calls(), st.sampled_from(THREADS))
def test_any_call(call, threads):
    name, x, options = call
    _driver.configure(threads=threads)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = getattr(ac, name)(x, **options)
        expected = getattr(np, name)(x, **options)
    if name in INEXACT and x.dtype.kind == "f":
        assert type(got) is type(expected)
        sane = np.isfinite(expected) & (np.abs(expected) > 1e-30) & np.isfinite(got)
        np.testing.assert_allclose(np.where(sane, got, 1), np.where(sane, expected, 1), rtol=1e-2)
    elif name in ("min", "max", "nanmin", "nanmax"):
        assert type(got) is type(expected)
        np.testing.assert_array_equal(got, expected)  # which zero comes first is not told
    else:
        bits_equal(got, expected)
