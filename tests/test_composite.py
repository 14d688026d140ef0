"""Functions that are no ufuncs, and fma, against NumPy: results bit for bit, warnings, errors, layouts, threads."""

import contextlib
import fractions
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NUMERIC, check, specials, values

import allcores as ac
from allcores import _composite

SHAPE = (37, 29)


@contextlib.contextmanager
def engine():
    """Fail if no call in the block was answered by our loops."""
    before = _composite.calls_run()
    yield
    assert _composite.calls_run() > before, "left to NumPy"


def layouts(x):
    yield x
    yield np.asfortranarray(x)
    yield x[::-1, ::-1]
    wide = np.zeros((2 * x.shape[0], 2 * x.shape[1]), x.dtype)
    wide[::2, ::2] = x
    yield wide[::2, ::2]
    yield x.astype(x.dtype.newbyteorder())


def table(dtype, seed, special=True):
    return values(dtype, SHAPE[0] * SHAPE[1], seed, special=special).reshape(SHAPE).copy()


def same(name, *args, **kwargs):
    """Assert that ours and NumPy's function do the same; arguments are copied, in the same layout, for each."""

    def fresh():
        made = {id(a): a.copy("K") for a in args if isinstance(a, np.ndarray) and a.base is None}
        return [made.get(id(a), a) for a in args]

    check(getattr(ac, name), getattr(np, name), fresh, **kwargs)


# --- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", list(NUMERIC))
def test_where(dtype, threads):
    x, y = table(dtype, 1), table(dtype, 2)
    condition = table("?", 3)
    for c in layouts(condition):
        for a in layouts(x):
            same("where", c, a, y)
            same("where", c, y[0], a)
            same("where", c[:, :1], a, y[3, 4])
    for scalar in (0, 1.5, True, 2j, np.float32(3), np.int8(4)):
        same("where", condition, x, scalar)
        same("where", condition, scalar, x)


@pytest.mark.parametrize("other", list("?bBiqQefdF"))
def test_where_casts(other, threads):
    for dtype in "?bhiqQefdD":
        same("where", table("?", 3), table(dtype, 1), table(other, 2))
        same("where", table(dtype, 1), table(other, 2), table(other, 3))


def test_where_is_ours(two_threads):
    with engine():
        same("where", table("?", 1), table("d", 2), 0.0)


def test_where_of_the_rest(two_threads):
    c = table("?", 1)
    same("where", c)
    same("where", c, 1)
    same("where", c, np.full(SHAPE, "a"), "b")
    same("where", c, table("l", 2).astype("M8[s]"), np.datetime64(0, "s"))
    same("where", c, table("d", 2).astype(object), None)
    same("where", c, np.zeros((3, 3)), 1)
    same("where", c, table("b", 2), 1000)
    same("where", c, table("f", 2), 1e300)
    same("where", c, 2**63, 1)
    same("where", c.tolist(), 1, 2)
    same("where", c, np.ma.masked_array(table("d", 2)), 1.0)
    same("where", np.zeros((0, 3), bool), 1, 2.0)


# --- clip, round, nan_to_num ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", list("?bBhiqQefdD"))
def test_clip(dtype, threads):
    for x in layouts(table(dtype, 1)):
        same("clip", x, 0, 1)
        same("clip", x, None, 1)
        same("clip", x, 0, None)
        same("clip", x, -1000, 10**6)
        same("clip", x, table(dtype, 2), table(dtype, 3)[0])
    x = table(dtype, 1)
    same("clip", x, 0, 1, x)
    same("clip", x, 0.25, 1, out=np.empty(SHAPE, dtype))
    same("clip", x, 0, 1, dtype="d")


def test_clip_of_the_rest(two_threads):
    x = table("d", 1)
    same("clip", x)
    same("clip", x, 1)
    same("clip", x, 0, 1, min=2)
    same("clip", x, min=0.2)
    same("clip", x, min=0.2, max=0.4)
    same("clip", x.tolist(), 0, 1)
    same("clip", x, 0, 1, casting="no", dtype="f")
    same("clip", np.ma.masked_array(x), 0, 1)


@pytest.mark.parametrize("dtype", list("?bBiqefdgD"))
@pytest.mark.parametrize("name", ["round", "around"])
def test_round(name, dtype, threads):
    x = table(dtype, 1)
    x = (x * 3).astype(dtype) if dtype in "bBiq" else x
    for a in layouts(x):
        for decimals in (0, 1, 2, -1, 5, -3, 15, 25, 300, -300):
            same(name, a, decimals)
    same(name, x, 1, np.empty(SHAPE, dtype))
    same(name, x, 1, x)
    same(name, x, 1, np.empty(SHAPE, "D"))
    same(name, x, 1, np.empty(3))


def test_round_warns(two_threads):
    x = np.full(5000, 1e308)
    with engine():
        same("round", x, 3)
        same("round", x, -3)
    for state in ("raise", "ignore"):
        with np.errstate(over=state):
            same("round", x, 3)
    with np.errstate(all="raise"):
        same("round", np.full(5000, 1e-308), -1)


@pytest.mark.parametrize("dtype", list("?iefdgFD"))
def test_nan_to_num(dtype, threads):
    for x in layouts(table(dtype, 1)):
        same("nan_to_num", x)
        same("nan_to_num", x, nan=1.5, posinf=2.5, neginf=-3.5)
        same("nan_to_num", x, nan=np.inf, posinf=np.nan, neginf=1)
        same("nan_to_num", x, nan=1e300)
        same("nan_to_num", x, nan=np.arange(29.0))
    ours, numpys = table(dtype, 1), table(dtype, 1)
    assert ac.nan_to_num(ours, copy=False) is ours
    np.nan_to_num(numpys, copy=False)
    assert ours.tobytes() == numpys.tobytes()
    x = table(dtype, 1)
    x.flags.writeable = False
    with contextlib.suppress(ValueError):
        ac.nan_to_num(x, copy=False)
    assert np.array_equal(x, table(dtype, 1), equal_nan=dtype not in "?i")


# --- comparisons ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["isclose", "allclose"])
@pytest.mark.parametrize("dtype", list("?bqQefdgD"))
def test_close(name, dtype, threads):
    x, near = table(dtype, 1), table(dtype, 1)
    if dtype in "efdg":
        with np.errstate(over="ignore"):
            near = (near * np.array(1 + 1e-5, dtype)).astype(dtype)
    with np.errstate(invalid="ignore"):
        for a in layouts(x):
            for equal_nan in (False, True):
                same(name, a, near, equal_nan=equal_nan)
                same(name, near, a, 1e-3, 1e-2, equal_nan)
                same(name, a, near[0], 0, 0, equal_nan)
                same(name, a[:, :1], near[2], equal_nan=equal_nan)
        for scalar in (0, 1, 0.5, np.inf, np.nan, 1e300, np.float32(0.5), np.float64(0.5), True):
            same(name, x, scalar)
            same(name, scalar, x)
            same(name, x, near, rtol=scalar)
            same(name, x, near, atol=scalar)


@pytest.mark.parametrize("first", list("?bqQefdD"))
@pytest.mark.parametrize("second", list("?bqQefdD"))
def test_comparisons_of_two_types(first, second, two_threads):
    x, y = table(first, 1, special=False), table(second, 1, special=False)
    for name in ("isclose", "allclose", "array_equal"):
        same(name, x, y)
        same(name, y, x)


def test_close_warns(two_threads):
    x = np.full(5000, 1e308)
    with engine():
        same("isclose", x, -x)
    for name in ("isclose", "allclose"):
        same(name, x, -x)
        for state in ("raise", "ignore"):
            with np.errstate(over=state, under=state):
                same(name, x, -x)
                same(name, x * 1e-300, np.full(5000, 1e-306))


def test_allclose(threads):
    x = values("d", 20_000, 1, special=False)
    for over in ("ignore", "warn"):
        with np.errstate(over=over), engine():
            assert ac.allclose(x, x + 1e-9) is True
            for at in (0, 7_777, 19_999):
                y = x.copy()
                y[at] += 1
                assert ac.allclose(x, y) is False
                assert ac.allclose(x[:, None], y[:, None]) is False


@pytest.mark.parametrize("dtype", list(NUMERIC))
def test_array_equal(dtype, threads):
    x = table(dtype, 1)
    for a in layouts(x):
        for equal_nan in (False, True):
            same("array_equal", a, x.copy(), equal_nan)
            same("array_equal", a, x[::-1], equal_nan)
            same("array_equal", a, a, equal_nan)
            same("array_equal", a, a[:-1], equal_nan)
    tame = table(dtype, 1, special=False)
    for at in ((0, 0), (20, 11), (36, 28)):
        other = tame.copy()
        same("array_equal", tame, other)
        other[at] = not other[at] if dtype == "?" else other[at] + other.dtype.type(1)
        for a in layouts(tame):
            same("array_equal", a, other)


def test_array_equal_of_the_rest(two_threads):
    same("array_equal", [1, 2], np.array([1, 2]))
    same("array_equal", np.full(3000, "a"), np.full(3000, "a"))
    same("array_equal", np.zeros(3000, "M8[s]"), np.zeros(3000, "M8[s]"))
    same("array_equal", np.full(3000, 2**63 + 1, "Q"), np.full(3000, 2.0**63))
    same("array_equal", np.full(3000, -1, "i"), np.full(3000, 2**64 - 1, "Q"))
    odd = np.full(3000, 2, "u1").view("?")
    same("array_equal", odd, np.ones(3000, bool))


@given(st.data())
def test_any_layout(data):
    """Random views of one shape: order of the result included."""
    from conftest import forced

    axes = data.draw(st.permutations(range(3)))
    other = data.draw(st.permutations(range(3)))
    turn = data.draw(st.lists(st.sampled_from([1, -1, 2]), min_size=3, max_size=3))
    shape = np.array([6, 7, 8])

    def view(order, dtype, seed):
        stored = values(dtype, int(np.prod(2 * shape[list(order)])), seed, special=True).reshape(2 * shape[list(order)])
        turned = stored.transpose(np.argsort(order))
        return turned[tuple(slice(None, None, t) for t in turn)][:6, :7, :8]

    x, y = view(axes, "d", 1), view(other, "d", 2)
    with forced(data.draw(st.sampled_from([1, 2, 7]))), np.errstate(all="ignore"):
        same("where", view(other, "?", 3), x, y)
        same("isclose", x, y)
        same("allclose", x, y)
        same("array_equal", x, y)
        same("nan_to_num", x)
        same("round", x, 2)
        same("clip", x, 0.2, y)


class Owner:
    """What brings its own functions, as Dask's and CuPy's arrays do."""

    def __array_function__(self, function, types, args, kwargs):
        return function.__name__


@pytest.mark.parametrize(
    ("name", "count"),
    [("where", 3), ("clip", 3), ("round", 1), ("around", 1), ("nan_to_num", 1), ("isclose", 2), ("allclose", 2),
     ("array_equal", 2)],
)  # fmt: skip
def test_other_owners_take_over(name, count, two_threads):
    for at in range(count):
        arguments = [np.zeros(5000)] * count
        arguments[at] = Owner()
        assert getattr(ac, name)(*arguments) == getattr(np, name)(*arguments)


# --- fma ------------------------------------------------------------------------------------------------------------


def test_fma_rounds_once():
    rng = np.random.default_rng(1)
    for dtype in "fd":
        a, b = (rng.standard_normal(200).astype(dtype) for _ in range(2))
        c = -(a * b) * (1 + rng.integers(-1, 2, 200).astype(dtype))
        for x, y, z, got in zip(a.tolist(), b.tolist(), c.tolist(), ac.fma(a, b, c), strict=True):
            exact = fractions.Fraction(x) * fractions.Fraction(y) + fractions.Fraction(z)
            # a fraction goes to float64 correctly rounded
            assert got == np.dtype(dtype).type(float(exact))


@pytest.mark.parametrize("dtype", list("fd"))
def test_fma(dtype, threads):
    serial = ac._ufuncs.original(ac.fma)
    x, y, z = (table(dtype, seed) for seed in (1, 2, 3))
    for a in layouts(x):
        check(ac.fma, serial, lambda a=a: (a, y, z))
        check(ac.fma, serial, lambda a=a: (y[0], a, 2.5))
        check(ac.fma, serial, lambda a=a: (0.5, y[:, :1], a))
    check(ac.fma, serial, lambda: (x, y, z), where=table("?", 4), out=np.zeros(SHAPE, dtype))
    own = x.copy()
    with np.errstate(all="ignore"):
        assert ac.fma(own, y, z, out=own) is own
        assert np.array_equal(own, serial(x, y, z), equal_nan=True)


def test_fma_of_special_values(two_threads):
    numbers = specials("d")
    x, y, z = (a.ravel() for a in np.meshgrid(numbers, numbers, numbers))
    with np.errstate(all="ignore"):
        got = ac.fma(x, y, z)
    invalid = np.isinf(x) & (y == 0) | np.isinf(y) & (x == 0) | np.isnan(x) | np.isnan(y) | np.isnan(z)
    product_sign = np.signbit(x) ^ np.signbit(y)
    invalid |= (np.isinf(x) | np.isinf(y)) & np.isinf(z) & (product_sign != np.signbit(z))
    assert np.array_equal(np.isnan(got), invalid)
    with pytest.warns(RuntimeWarning, match="overflow encountered in fma"):
        ac.fma(np.full(5000, 1e308), 10.0, 0.0)
    with pytest.warns(RuntimeWarning, match="invalid value encountered in fma"):
        ac.fma(np.full(5000, np.inf), 0.0, 0.0)


def test_fma_is_a_ufunc():
    assert isinstance(ac.fma, np.ufunc)
    assert ac.fma.nin == 3
    assert pickle.loads(pickle.dumps(ac.fma)) is ac.fma
    assert ac.fma(np.float32(2), np.float32(3), np.float32(4)).dtype == np.float32
    assert ac.fma(2, 3, 4) == 10.0
    with pytest.raises(TypeError):
        ac.fma(1j, 2, 3)
