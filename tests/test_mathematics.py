"""Our own mathematics: every loop of the table against higher precision, and that a result depends on nothing but x."""

import itertools

import numpy as np
import pytest
from support import THREADS

import allcores as ac
from allcores import _ufuncs
from allcores.benchmark import ulp
from allcores.kernels import KERNELS

# fma is IEEE's own operation; test_composite.py tries it.
LOOPS = [(name, types) for name, types, _, _ in _ufuncs.mathematics() if name != "fma"]
IN_USE = {(name, types) for name, types, _, used in _ufuncs.mathematics() if used}
SPECIAL = {name: kernel for name, kernel in KERNELS.items() if kernel.family == "special" and name != "sincos"}
# Without fused multiply-add the cores are less exact.
EXTRA = {"erfc": 0.2, "ndtr": 0.2, "tan": 0.2, "arctan": 0.3, "arctan2": 0.3} if ac.info()["isa"] == "base" else {}
ODD = {"sin", "tan", "arcsin", "arctan", "sinh", "tanh", "arcsinh", "arctanh", "cbrt", "erf"}
every_loop = pytest.mark.parametrize(("name", "types"), LOOPS, ids=[f"{n}-{t}" for n, t in LOOPS])


def results(function, arguments):
    with np.errstate(all="ignore"):
        found = function(*arguments)
    return found if isinstance(found, tuple) else (found,)


def same(first, second):
    return all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))


def with_specials(name, types, count):
    arguments = ulp.points(name, types, count)
    bad = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1.0, 3e38, -3e38, 1e-45], arguments[0].dtype)
    return tuple(np.append(a, np.roll(bad, 3 * i)) for i, a in enumerate(arguments))


@every_loop
def test_error(name, types):
    arguments = ulp.points(name, types, 20_000)
    by_mpmath = not ulp.has_long_double()
    if by_mpmath:
        pytest.importorskip("mpmath")
        arguments = tuple(a[::20] for a in arguments)
    function = _ufuncs.own_mathematics(name)
    error, where = ulp.worst(function, arguments, ulp.exact(name, arguments, by_mpmath=by_mpmath))
    bound = (SPECIAL[name].ulp if name in SPECIAL else 1.0) + EXTRA.get(name, 0.0)
    assert error <= bound, where


@every_loop
def test_a_result_depends_on_the_argument_alone(name, types, force):
    function = _ufuncs.own_mathematics(name)
    arguments = with_specials(name, types, 600)
    n = arguments[0].size
    want = results(function, arguments)
    for length in [*range(1, 41), 511, 512, 513]:
        start = length % 7
        part = slice(start, start + length)
        assert same(results(function, [a[part] for a in arguments]), [w[part] for w in want]), length
    assert same(results(function, [a[::-1] for a in arguments]), [w[::-1] for w in want])
    assert same(results(function, [a[::3] for a in arguments]), [w[::3] for w in want])
    memory = [np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype) for a in arguments]
    for view, a in zip(memory, arguments, strict=True):
        view[:] = a
    assert same(results(function, memory), want)
    inplace = [a.copy() for a in arguments]
    if len(want) == 1:
        results(lambda *a: function(*a, out=a[0]), inplace)
        assert same([inplace[0]], want)
    if name in SPECIAL or (name, types) in IN_USE:
        public = getattr(ac, name)
        for threads in THREADS:
            with force(threads):
                assert same(results(public, arguments), want), threads
        for i in range(0, n, 37):
            assert same(results(public, [a[i : i + 1] for a in arguments]), [w[i : i + 1] for w in want])


@pytest.mark.parametrize(("name", "types"), [(n, t) for n, t in LOOPS if n in ODD])
def test_odd_functions(name, types):
    function = _ufuncs.own_mathematics(name)
    (x,) = ulp.points(name, types, 5000)
    assert same(results(function, [-x]), [-r for r in results(function, [x])])


# Not subnormal ones: scipy.special.gammaln is infinite there, where 713.8 is right.
VALUES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -2.5, -3.0, 1e308, 1e-300, -800.0, 800.0]


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("dtype", "df")
def test_special_values_are_scipys(name, dtype):
    pytest.importorskip("scipy")
    if name == "softplus" and not hasattr(pytest.importorskip("scipy.special"), name):
        pytest.skip("this SciPy has no softplus")
    kernel = SPECIAL[name]
    with np.errstate(all="ignore"):
        values = np.array(VALUES, dtype)
        operands = [values] if kernel.function.nin == 1 else [v.ravel() for v in np.meshgrid(values, values)]
        ours, theirs = kernel.function(*operands), kernel.reference(*operands)
    assert ours.dtype == theirs.dtype
    odd = ~np.isfinite(theirs) | (theirs == 0)
    np.testing.assert_array_equal(ours[odd], theirs[odd])
    np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(theirs))
    np.testing.assert_allclose(ours[~odd], theirs[~odd], rtol=20 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


@pytest.mark.parametrize("dtype", "df")
@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions_are_silent(name, dtype):
    # As scipy.special's are: at poles, where they overflow, and of infinity times nothing.
    with np.errstate(all="ignore"):
        values = np.array([*VALUES, 1e-310, -1e-310, 5e-324, 1e-40, 3e38, 1e300, 2.5e305, -171.5], dtype)
    function = SPECIAL[name].function
    with np.errstate(all="raise"):
        for x in (values, np.resize(values, 5000)):
            function(*([x] if function.nin == 1 else np.meshgrid(values, x)))
        for x in values:
            function(*[x] * function.nin)


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions_are_public(name):
    import pickle

    function = getattr(ac, name)
    assert type(function) is ac.ufunc
    assert pickle.loads(pickle.dumps(function)) is function
    assert function.types == ["f" * function.nin + "->f", "d" * function.nin + "->d"]
    assert function(*[np.ones(3, np.int64)] * function.nin).dtype == np.float64
    assert function(*[np.ones(3, np.float16)] * function.nin).dtype == np.float32


# --- floating-point flags -------------------------------------------------------------------------------------------

# Zeros, poles, borders of overflow, infinities, NaN, huge and tiny arguments.
PLACES = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 1e-300, -1e-300, 5e-324, 1e-310,
    709.5, 710.5, -709.0, -746.0, 88.9, -87.5, -104.1, 1e22, -1e22, 1024.0, -1074.5, 1023.5, 0.9999, 1.0001, 3e38,
    -1e-38, 1e-45, 20.0, 40.0, 1e8,
]  # fmt: skip


def warned(function, arguments):
    """Return the kinds of floating-point errors that NumPy reports of a call."""
    kinds = set()
    with np.errstate(all="call", call=lambda kind, _: kinds.add(kind), under="ignore"):
        function(*arguments)
    return kinds


@pytest.mark.parametrize(("name", "types"), [(n, t) for n, t in LOOPS if hasattr(np, n)])
def test_flags_are_numpys(name, types):
    """But underflow, in which NumPy differs from level to level."""
    if name == "power" and warned(np.power, np.array([[0.0], [-np.inf]], types[0])):
        pytest.skip("NumPy's AVX-512 loop warns of exact infinities")
    with np.errstate(all="ignore"):
        places = np.array(PLACES).astype(types[0])
    ours, numpys = _ufuncs.own_mathematics(name), getattr(np, name)
    for arguments in itertools.product(places, repeat=numpys.nin):
        arrays = [np.array([one]) for one in arguments]
        assert warned(ours, arrays) == warned(numpys, arrays), arguments


# --- in place of NumPy's --------------------------------------------------------------------------------------------

# Where none is in use, sin stands for NumPy's own, of which the same is true.
NUMPYS = sorted(
    {name for name, _, _, used in _ufuncs.mathematics() if used and isinstance(getattr(np, name, None), np.ufunc)}
) or ["sin"]


def ordinary(name):
    return ulp.points(name, "d" * getattr(np, name).nin + "->d", 20_000)


@pytest.mark.parametrize("name", NUMPYS)
def test_install_keeps_numpys_loops(name, force):
    function = getattr(np, name)
    arguments = ordinary(name)
    want = results(function, arguments)
    ours = results(getattr(ac, name), arguments)
    with force(3), ac.accelerate():
        assert same(results(function, arguments), want)
        assert same(results(function, [a[:5] for a in arguments]), [w[:5] for w in want])
        assert same(results(getattr(ac, name), arguments), ours)
    assert same(results(function, arguments), want)


@pytest.mark.parametrize("name", NUMPYS)
def test_who_brings_array_ufunc_is_handed_numpys(name, force):
    class Owner:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return ufunc, method

    class Sub(np.ndarray):
        pass

    function, numpys = getattr(ac, name), getattr(np, name)
    others = (1.0,) * (numpys.nin - 1)
    assert function(Owner(), *others) == (numpys, "__call__")
    assert function(*(np.ones(9),) * numpys.nin, out=Owner()) == (numpys, "__call__")
    arguments = ordinary(name)
    with force(2):
        found = results(function, [arguments[0].view(Sub), *arguments[1:]])
    assert type(found[0]) is Sub
    assert same([found[0].view(np.ndarray)], results(numpys, arguments))


@pytest.mark.parametrize("name", NUMPYS)
def test_scalars_and_small_arrays_are_the_same(name):
    function = getattr(ac, name)
    arguments = ordinary(name)
    (want,) = results(function, arguments)
    for i in range(0, len(want), 997):
        operands = [a[i] for a in arguments]
        assert same(results(function, operands), [want[i]])
        assert same(results(function, [float(x) for x in operands]), [want[i]])
        assert same(results(function, [np.full((2, 3), x) for x in operands]), [np.full((2, 3), want[i])])


@pytest.mark.parametrize(("name", "types"), [(n, t) for n, t in LOOPS if n in {"exp", "log"}])
def test_neighbours_are_in_order(name, types):
    function = _ufuncs.own_mathematics(name)
    (points,) = ulp.points(name, types, 300)
    ordinary = points[np.isfinite(points) & (points > 0 if name == "log" else np.abs(points) < 80)]
    with np.errstate(all="ignore"):
        x = np.sort((ordinary[:, None] * (1 + np.finfo(points.dtype).eps * np.arange(64))).astype(points.dtype), axis=1)
        assert (np.diff(function(x), axis=1) >= 0).all()


@pytest.mark.parametrize("dtype", "fd")
def test_sine_and_cosine(dtype):
    x = np.random.default_rng(2).uniform(-1e4, 1e4, 100_000).astype(dtype)
    sine, cosine = ac.sincos(x)
    assert sine.dtype == cosine.dtype == dtype
    own = _ufuncs.own_mathematics
    assert same([sine, cosine], [own("sin")(x), own("cos")(x)])
    one = sine.astype("g") ** 2 + cosine.astype("g") ** 2
    assert np.max(np.abs(one - 1)) <= 2 * np.finfo(dtype).eps
    for threads in THREADS:
        with ac.limit(threads=threads):
            assert same(ac.sincos(x), [sine, cosine])
