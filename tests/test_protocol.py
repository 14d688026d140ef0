"""A parallel ufunc is a ufunc: attributes, methods, protocols, pickling, and what NumPy says of bad calls."""

import copy
import fractions
import pickle

import numpy as np
import pytest
from support import UFUNC_KERNELS, check, differences, outcome, tolerance

import allcores as ac
from allcores import _ufuncs

N = 300
ATTRIBUTES = ["nin", "nout", "nargs", "ntypes", "types", "identity", "signature", "__name__", "__doc__"]


@pytest.mark.parametrize("name", UFUNC_KERNELS)
def test_is_a_ufunc_like_numpys(name):
    ours, numpys = UFUNC_KERNELS[name].function, UFUNC_KERNELS[name].reference
    assert isinstance(ours, np.ufunc)
    assert type(ours) is ac.ufunc
    assert ours is not numpys
    for attribute in ATTRIBUTES:
        assert getattr(ours, attribute) == getattr(numpys, attribute), attribute
    assert repr(ours) == repr(numpys).replace("<ufunc", "<allcores ufunc")
    assert str(ours) == repr(ours)
    assert callable(ours)
    assert pickle.loads(pickle.dumps(ours)) is ours
    assert copy.copy(ours) is ours
    assert copy.deepcopy(ours) is ours
    assert hash(ours) == hash(ours)
    assert ours == ours
    assert (ours == numpys) is False


def test_every_ufunc_of_numpy_has_its_name_here():
    for name in dir(np):
        if isinstance(getattr(np, name), np.ufunc):
            ours = getattr(ac, name)
            assert ours.__name__ == getattr(np, name).__name__
            assert name in ac.__all__
    assert ac.abs is ac.absolute
    assert ac.pow is ac.power
    for name in ("matmul", "vecdot"):
        assert type(getattr(ac, name)) is ac.ufunc
        assert getattr(ac, name).signature == getattr(np, name).signature
        assert pickle.loads(pickle.dumps(getattr(ac, name))) is getattr(ac, name)


def test_the_type_cannot_be_made_or_changed_by_mistake():
    with pytest.raises(TypeError):
        ac.ufunc()
    with pytest.raises((TypeError, AttributeError)):
        ac.add.nin = 3


# --- owners of __array_ufunc__ and __array_priority__ ---------------------------------------------------------------


class Owner:
    def __init__(self):
        self.calls = []

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        self.calls.append((ufunc, method, len(inputs), sorted(kwargs)))
        return "mine"


def test_owners_are_given_numpys_ufunc(threads):
    owner = Owner()
    big = np.ones(N)
    assert ac.add(big, owner) == "mine"
    assert ac.add(owner, big, where=big > 0) == "mine"
    assert ac.add(big, big, out=owner) == "mine"
    assert ac.add.reduce(owner) == "mine"
    assert ac.add.accumulate(owner) == "mine"
    assert ac.add.outer(big, owner) == "mine"
    assert ac.add.reduceat(owner, [0, 1]) == "mine"
    ac.add.at(owner, 0, 1)
    assert [call[0] is np.add for call in owner.calls] == [True] * 8
    assert [call[1] for call in owner.calls] == [
        "__call__", "__call__", "__call__", "reduce", "accumulate", "outer", "reduceat", "at",
    ]  # fmt: skip


def test_who_refuses_ufuncs_is_refused(threads):
    class Refuses:
        __array_ufunc__ = None

    check(ac.add, np.add, lambda: (np.ones(N), Refuses()))


def test_owners_may_decline(threads):
    class Declines:
        def __array_ufunc__(self, *args, **kwargs):
            return NotImplemented

        def __repr__(self):
            return "<declines>"

    check(ac.add, np.add, lambda: (np.ones(N), Declines()))


class Sub(np.ndarray):
    def __array_finalize__(self, other):
        self.tag = getattr(other, "tag", "none")


class Wraps(np.ndarray):
    def __array_wrap__(self, array, context=None, return_scalar=False):
        made = array.view(Wraps)
        made.context = None if context is None else (context[0], len(context[1]), context[2])
        return made


def tagged(shape):
    made = np.ones(shape).view(Sub)
    made.tag = "kept"
    return made


def test_subclasses_keep_type_and_attributes(threads):
    for make in (
        lambda: (tagged(N), np.ones(N)),
        lambda: (np.ones(N), tagged(N)),
        lambda: (tagged(()), np.ones(N)),
        lambda: (np.ones(N), tagged(())),
        lambda: (np.ones(N), tagged((1,))),
    ):
        ours, numpys = ac.add(*make()), np.add(*make())
        assert type(ours) is type(numpys) is Sub
        assert ours.tag == numpys.tag
        assert type(ac.add(*make(), subok=False)) is np.ndarray
    out = tagged(N)
    assert ac.add(np.ones(N), 1, out=out) is out
    assert out.tag == "kept"
    assert (out == 2).all()


def test_array_wrap_is_given_numpys_ufunc(threads):
    ours = ac.multiply(np.ones(N).view(Wraps), 2.0)
    assert type(ours) is Wraps
    assert ours.context[0] is np.multiply


def test_array_like_objects(threads):
    class ArrayLike:
        def __array__(self, dtype=None, copy=None):
            return np.arange(float(N))

    class Interface:
        data = np.arange(float(N))
        __array_interface__ = data.__array_interface__

    for make in (ArrayLike, Interface):
        check(ac.add, np.add, lambda make=make: (make(), np.ones(N)))
        check(ac.add, np.add, lambda make=make: (np.ones(N), make()))


def test_masked_arrays(threads):
    def arguments():
        return np.ma.masked_array(np.arange(float(N)), mask=np.arange(N) % 3 == 0), np.arange(float(N))

    for name in ("add", "divide", "log", "maximum"):
        ours, numpys = UFUNC_KERNELS[name].function, UFUNC_KERNELS[name].reference
        args = arguments()[: numpys.nin]
        with np.errstate(all="ignore"):
            first, second = ours(*args), numpys(*args)
        assert type(first) is np.ma.MaskedArray
        np.testing.assert_array_equal(first.mask, second.mask)
        np.testing.assert_array_equal(first.filled(7), second.filled(7))
    assert type(ac.add(np.ones(N), np.ma.masked)) is type(np.add(np.ones(N), np.ma.masked))


def test_matrix_and_memmap(threads, tmp_path):
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(np.ones((20, 15)))
    assert type(ac.add(matrix, 1)) is np.matrix
    mapped = np.memmap(tmp_path / "data", "d", "w+", shape=N)
    mapped[:] = np.arange(N)
    check(ac.add, np.add, lambda: (mapped, 1.0))
    out = np.memmap(tmp_path / "out", "d", "w+", shape=N)
    assert ac.sqrt(mapped, out=out) is out
    np.testing.assert_array_equal(out, np.sqrt(np.arange(N)))


OTHER_KINDS = {
    "object": lambda: (np.array([fractions.Fraction(i, 7) for i in range(N)]), 2),
    "object_and_float": lambda: (np.arange(N).astype(object), np.ones(N)),
    "datetime": lambda: (np.arange(N).astype("M8[D]"), np.timedelta64(3, "D")),
    "datetimes": lambda: (np.arange(N).astype("M8[D]"), np.arange(N).astype("m8[h]")),
    "timedelta": lambda: (np.arange(N).astype("m8[s]"), np.arange(N).astype("m8[s]")),
    "string": lambda: (np.array(["a", "bc"] * N), np.array(["d", "ef"] * N)),
    "bytes": lambda: (np.array([b"a", b"bc"] * N), np.array([b"d", b"ef"] * N)),
    "structured": lambda: (np.zeros(N, "i4,f8"), np.zeros(N, "i4,f8")),
    "void": lambda: (np.zeros(N, "V5"), np.zeros(N, "V5")),
    "list": lambda: (list(range(N)), 1.5),
    "tuple": lambda: (tuple(range(N)), np.arange(N)),
    "range": lambda: (range(N), np.arange(N)),
    "ragged": lambda: ([[1, 2], [3]], np.arange(2)),
    "none": lambda: (np.arange(N), None),
    "text": lambda: (np.arange(N), "x"),
    "dict": lambda: (np.arange(N), {}),
    "bool": lambda: (np.arange(N), True),
    "huge_int": lambda: (np.arange(N), 2**100),
    "negative_for_unsigned": lambda: (np.arange(N, dtype="u1"), -1),
    "too_large_for_type": lambda: (np.arange(N, dtype="u1"), 300),
    "int_subclass": lambda: (np.arange(N, dtype="u1"), type("Int", (int,), {})(3)),
    "float_subclass": lambda: (np.arange(N, dtype="f4"), type("Float", (float,), {})(3.5)),
    "numpy_scalar": lambda: (np.arange(N, dtype="f4"), np.float64(1e300)),
    "long_and_ulong": lambda: (np.arange(N), np.arange(N, dtype="u8")),
    "nothing_fits": lambda: (np.ones(3), np.ones(4)),
    "scalars": lambda: (3, 4.5),
    "dims_64": lambda: (np.ones((1,) * 63 + (N,)), np.ones(N)),
}


@pytest.mark.parametrize("name", ["add", "subtract", "less", "equal", "maximum", "multiply", "logical_or", "power"])
@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_other_kinds_of_operands(name, kind, two_threads):
    check(UFUNC_KERNELS[name].function, UFUNC_KERNELS[name].reference, OTHER_KINDS[kind])


# --- methods --------------------------------------------------------------------------------------------------------

METHODS = {
    "accumulate": lambda u: (u.accumulate, (np.arange(1.0, N + 1),), {}),
    "accumulate_axis": lambda u: (u.accumulate, (np.ones((20, 15)),), {"axis": 1}),
    "accumulate_dtype": lambda u: (u.accumulate, (np.arange(N),), {"dtype": float}),
    "outer": lambda u: (u.outer, (np.arange(1.0, 20), np.arange(1.0, 15)), {}),
    "outer_3d": lambda u: (u.outer, (np.ones((3, 4, 5)), np.ones((6, 2))), {}),
    "outer_types": lambda u: (u.outer, (np.arange(20, dtype="i2"), np.arange(15.0, dtype="f4")), {}),
    "outer_out": lambda u: (u.outer, (np.arange(20.0), np.arange(15.0)), {"out": np.zeros((20, 15))}),
    "outer_scalar": lambda u: (u.outer, (np.arange(20.0), 3.0), {}),
    "outer_lists": lambda u: (u.outer, ([1.0, 2.0], [3.0, 4.0]), {}),
    "outer_one_argument": lambda u: (u.outer, (np.arange(20.0),), {}),
    "outer_subclass": lambda u: (u.outer, (tagged(5), np.ones(4)), {}),
    "outer_zero_dim": lambda u: (u.outer, (np.array(2.0), np.array(3.0)), {}),
    "reduceat": lambda u: (u.reduceat, (np.arange(1.0, N), [0, 10, 5, 200]), {}),
    "reduceat_bad": lambda u: (u.reduceat, (np.arange(1.0, N), [N + 5]), {}),
    "reduce": lambda u: (u.reduce, (np.arange(1.0, N),), {}),
    "reduce_axis": lambda u: (u.reduce, (np.ones((4, 5, 6)),), {"axis": (0, 2)}),
    "reduce_keepdims": lambda u: (u.reduce, (np.ones((4, 5, 6)),), {"axis": 1, "keepdims": True}),
    "reduce_bad_axis": lambda u: (u.reduce, (np.ones((4, 5)),), {"axis": 2}),
    "reduce_where": lambda u: (u.reduce, (np.ones(N),), {"where": np.arange(N) % 2 > 0, "initial": 1.0}),
    "reduce_list": lambda u: (u.reduce, ([1.0, 2.0, 3.0],), {}),
    "reduce_empty": lambda u: (u.reduce, (np.ones(0),), {}),
    "reduce_bad_keyword": lambda u: (u.reduce, (np.ones(N),), {"nonsense": 1}),
    "resolve_dtypes": lambda u: (u.resolve_dtypes, ((np.dtype("f4"), np.dtype("i8"), None),), {}),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "name", ["add", "multiply", "subtract", "maximum", "divide", "logical_and", "power", "arctan2", "less", "equal"]
)
def test_methods(name, method, threads):
    found = []
    for ufunc in (UFUNC_KERNELS[name].function, UFUNC_KERNELS[name].reference):
        function, args, kwargs = METHODS[method](ufunc)
        found.append(outcome(function, *args, **kwargs))
    assert differences(*found, rtol=tolerance(name, "f")) == ""


def test_methods_of_unary_ufuncs(threads):
    for method, args in (("reduce", (np.ones(3),)), ("accumulate", (np.ones(3),)), ("outer", (np.ones(3), np.ones(3))),
                         ("reduceat", (np.ones(3), [0]))):  # fmt: skip
        found = differences(outcome(getattr(ac.sqrt, method), *args), outcome(getattr(np.sqrt, method), *args))
        assert found == "", method


def test_at(threads):
    index = np.random.default_rng(0).integers(0, 20, 1000)
    for name in ("add", "multiply", "maximum"):
        ours, numpys = np.ones(20), np.ones(20)
        UFUNC_KERNELS[name].function.at(ours, index, 1.5)
        UFUNC_KERNELS[name].reference.at(numpys, index, 1.5)
        np.testing.assert_array_equal(ours, numpys)
    check(ac.add.at, np.add.at, lambda: (np.ones(3), [7], 1))


# --- bad calls ------------------------------------------------------------------------------------------------------

A = np.ones(N)
BAD_CALLS = {
    "no_arguments": ((), {}),
    "too_few": ((A,), {}),
    "too_many": ((A, A, A, A), {}),
    "unknown_keyword": ((A, A), {"nonsense": 1}),
    "out_twice": ((A, A, np.ones(N)), {"out": np.ones(N)}),
    "out_not_an_array": ((A, A), {"out": [0.0] * N}),
    "out_number": ((A, A), {"out": 3}),
    "out_tuple_too_long": ((A, A), {"out": (None, None)}),
    "out_empty_tuple": ((A, A), {"out": ()}),
    "out_none": ((A, A), {"out": None}),
    "out_tuple_none": ((A, A), {"out": (None,)}),
    "out_positional_none": ((A, A, None), {}),
    "out_shape": ((A, A), {"out": np.ones(N - 1)}),
    "out_dims": ((A.reshape(20, 15), A.reshape(20, 15)), {"out": np.ones(15)}),
    "out_cast": ((A, A), {"out": np.ones(N, int)}),
    "out_list_positional": ((A, A, [1]), {}),
    "where_shape": ((A, A), {"where": np.ones(7, bool), "out": np.ones(N)}),
    "where_not_bool": ((A, A), {"where": np.ones(N), "out": np.ones(N)}),
    "where_none": ((A, A), {"where": None, "out": np.ones(N)}),
    "casting_unknown": ((A, A), {"casting": "sometimes"}),
    "casting_number": ((A, A), {"casting": 3}),
    "casting_none": ((A, A), {"casting": None}),
    "casting_abbreviated": ((A, A), {"casting": "unsafely"}),
    "dtype_unknown": ((A, A), {"dtype": "nonsense"}),
    "dtype_int": ((A, A), {"dtype": int}),
    "dtype_string": ((A, A), {"dtype": "U3"}),
    "dtype_object": ((A, A), {"dtype": object}),
    "dtype_byte_swapped": ((A, A), {"dtype": ">f8"}),
    "dtype_float32": ((A, A), {"dtype": "f4"}),
    "dtype_longdouble": ((A, A), {"dtype": "g"}),
    "dtype_none": ((A, A), {"dtype": None}),
    "dtype_class": ((A, A), {"dtype": np.floating}),
    "order_unknown": ((A, A), {"order": "Z"}),
    "order_none": ((A, A), {"order": None}),
    "order_lower": ((A, A), {"order": "f"}),
    "subok_none": ((A, A), {"subok": None}),
    "signature_short": ((A, A), {"signature": "dd"}),
    "signature_unknown": ((A, A), {"signature": "xx->x"}),
    "signature_and_dtype": ((A, A), {"signature": "dd->d", "dtype": "d"}),
    "sig": ((A, A), {"sig": "dd->d"}),
    "extobj": ((A, A), {"extobj": [8192, 0, None]}),
    "axis": ((A, A), {"axis": 0}),
    "axes": ((A, A), {"axes": [0]}),
    "keepdims": ((A, A), {"keepdims": True}),
    "shapes": ((A, np.ones(7)), {}),
    "shapes_2d": ((np.ones((20, 15)), np.ones((20, 14))), {}),
    "strings": ((A, np.array(["a"] * N)), {}),
}


@pytest.mark.parametrize("name", ["add", "less", "bitwise_and", "divmod", "arctan2", "maximum"])
@pytest.mark.parametrize("call", BAD_CALLS)
def test_bad_calls(name, call, threads):
    found = []
    for function in (UFUNC_KERNELS[name].function, UFUNC_KERNELS[name].reference):
        args, kwargs = copy.deepcopy(BAD_CALLS[call])
        found.append(outcome(function, *args, **kwargs))
    assert differences(*found, rtol=tolerance(name, "f")) == ""


# --- allcores.parallel ----------------------------------------------------------------------------------------------


def test_parallel_of_numpys_own(threads):
    for name in ("sqrt", "add", "divmod"):
        numpys = getattr(np, name)
        ours = ac.parallel(numpys)
        assert type(ours) is ac.ufunc
        check(ours, numpys, lambda numpys=numpys: tuple(np.arange(1.0, N) for _ in range(numpys.nin)))
        assert ac.parallel(ours) is ours
        assert _ufuncs.original(ours) is numpys
    assert ac.parallel(np.matmul) is np.matmul


def test_parallel_of_scipy(threads, with_openmp):
    special = pytest.importorskip("scipy.special")
    x = np.random.default_rng(0).uniform(0.1, 50, 5000)
    for name in ("gammaln", "jv", "erf", "beta", "expit", "xlogy", "digamma", "sici"):
        numpys = getattr(special, name)
        ours = ac.parallel(numpys)
        check(ours, numpys, lambda numpys=numpys: (x, x[::-1])[: numpys.nin])
        check(ours, numpys, lambda numpys=numpys: (x.astype("f4").reshape(50, 100), x[:100].astype("f4"))[: numpys.nin])
    if threads > 1:
        before = ac.info()["regions"]
        ac.parallel(special.gammaln)(x)
        assert ac.info()["regions"] > before


def test_parallel_of_scipy_with_its_errors(threads):
    special = pytest.importorskip("scipy.special")
    with special.errstate(all="raise"), pytest.raises(special.SpecialFunctionError):
        ac.parallel(special.gammaln)(np.zeros(5000))
    with special.errstate(all="warn"), pytest.warns(special.SpecialFunctionWarning):
        ac.parallel(special.gammaln)(np.zeros(5000))


def test_parallel_of_numba(threads):
    numba = pytest.importorskip("numba")

    @numba.vectorize(["float64(float64, float64)", "int64(int64, int64)"])
    def fma(a, b):
        return a * b + 1

    ours = ac.parallel(fma)
    check(ours, fma, lambda: (np.arange(5000.0), 2.5))
    check(ours, fma, lambda: (np.arange(5000), np.arange(5000)))


def test_parallel_of_python_functions(threads):
    numpys = np.frompyfunc(lambda a, b: a + b, 2, 1)
    ours = ac.parallel(numpys)
    check(ours, numpys, lambda: (np.arange(N), 3))
    check(ours, numpys, lambda: (np.arange(N).astype(object), "x"))
    assert ours.reduce([1, 2, 3]) == 6


def test_parallel_pickles_with_its_ufunc():
    special = pytest.importorskip("scipy.special")
    ours = pickle.loads(pickle.dumps(ac.parallel(special.erf, cost=33.0)))
    assert type(ours) is ac.ufunc
    assert _ufuncs.original(ours) is special.erf


COST = "cost must be positive and less than 1e12 nanoseconds, got "


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        ((len,), {}, TypeError, "ufunc must be a numpy.ufunc, got builtin_function_or_method"),
        (("add",), {}, TypeError, "ufunc must be a numpy.ufunc, got str"),
        ((np.add,), {"may_raise": 1}, TypeError, "may_raise must be a bool, got 1"),
        ((np.add,), {"cost": "2"}, TypeError, "cost must be a number of nanoseconds, got '2'"),
        ((np.add,), {"cost": True}, TypeError, "cost must be a number of nanoseconds, got True"),
        ((np.add,), {"cost": 0}, ValueError, COST + "0"),
        ((np.add,), {"cost": float("nan")}, ValueError, COST + "nan"),
        ((np.add,), {"cost": float("inf")}, ValueError, COST + "inf"),
    ],
)
def test_parallel_of_what_is_none(args, kwargs, error, message):
    with pytest.raises(error) as caught:
        ac.parallel(*args, **kwargs)
    assert str(caught.value) == message


def test_references_are_not_leaked(threads):
    import sys

    a, out, mask = np.ones(N), np.ones(N), np.ones(N, bool)
    before = [sys.getrefcount(x) for x in (a, out, mask)]
    for _ in range(200):
        ac.add(a, 1.0)
        ac.add(a, a, out=out)
        ac.add(a, a[None], out=out[None], where=mask)
        ac.divmod(a, a)
        ac.add(a.reshape(20, 15), a[:15])
        for bad in ({"out": np.ones(3)}, {"dtype": "nonsense"}):
            with pytest.raises((ValueError, TypeError)):
                ac.add(a, a, **bad)
    assert [sys.getrefcount(x) for x in (a, out, mask)] == before


def test_memory_is_not_leaked(threads):
    import tracemalloc

    a = np.ones(N)

    def calls():
        for _ in range(300):
            ac.add(a, 1.0)
            ac.add(a[:, None][:20], a[:15])
            ac.divmod(a, a)
            ac.add(a.astype(">f8"), a)

    calls()
    tracemalloc.start()
    calls()
    first = tracemalloc.get_traced_memory()[0]
    calls()
    second = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert second - first < 20_000
