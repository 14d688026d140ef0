"""NumPy's own functions, operators and methods of shared arrays: ours, with what was given given back."""

import sys

import numpy as np
import pytest

import allcores as ac

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="shared arrays are for Linux")

A = np.random.default_rng(7).standard_normal((300, 1000))


def test_numpys_functions_of_shared_arrays_are_ours(here):
    a = ac.shared.array(A)
    with ac.using("processes"):
        for call in (
            lambda x: np.add(x, 1),
            lambda x: x + x,
            lambda x: 1 - x,
            lambda x: np.sum(x),
            lambda x: x.sum(axis=0),
            lambda x: np.mean(x, axis=1),
            lambda x: np.add.reduce(x),
            lambda x: np.argmax(x, axis=1),
            lambda x: np.nanmin(x),
        ):
            before = here.calls
            got, want = call(a), call(A)
            assert here.calls > before
            assert type(got) is type(want)
            assert np.asarray(got).tobytes() == np.asarray(want).tobytes()


def test_what_is_given_is_given_back():
    a = ac.shared.array(A)
    out = ac.shared.empty(A.shape)
    assert np.add(a, 1, out) is out
    assert np.add(a, 1, out=out) is out
    assert np.sum(a, axis=0, out=(total := ac.shared.empty(1000))) is total
    assert np.clip(a, 0, 1, out=out) is out
    parts = ac.shared.empty(A.shape), np.empty(A.shape)
    assert all(x is y for x, y in zip(np.modf(a, out=parts), parts, strict=True))
    first, second = np.modf(a, out=(parts[0], None))
    assert first is parts[0]
    assert type(second) is np.ndarray
    before = a
    a += 1
    assert a is before
    assert np.array_equal(a, A + 1)
    assert np.add.at(a, (0, 0), 5.0) is None
    assert a[0, 0] == A[0, 0] + 6


def test_other_functions_and_types():
    a = ac.shared.array(A[0])
    assert type(np.concatenate([a, a])) is np.ndarray
    assert type(np.median(a)) is np.float64
    assert np.median(a) == np.median(A[0])
    assert isinstance(np.add(a, np.ma.masked_array(A[0], A[0] > 0)), np.ma.MaskedArray)
    assert np.array_equal(np.add.accumulate(a), np.add.accumulate(A[0]))
    assert np.array_equal(np.multiply.outer(a, a), np.multiply.outer(A[0], A[0]))
    assert np.array_equal(np.divmod(a, 2)[1], np.divmod(A[0], 2)[1])
    with pytest.raises(TypeError):
        np.add(a, "text")
    with pytest.raises(ValueError, match="broadcast"):
        np.add(a, np.ones(7))

    class Other:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return "other"

        def __array_function__(self, func, types, args, kwargs):
            return args

    other = Other()
    assert np.add(a, other) == "other"
    assert a + other == "other"
    assert np.add(a, other, out=ac.shared.empty(a.shape)) == "other"
    assert np.dot(a, other) == (a, other)
    assert np.clip(a, other, 1)[0] is a


def test_methods_of_one_element():
    for name in ("sum", "mean", "std", "var", "min", "argmax", "any"):
        assert getattr(ac.shared.array(3.5), name)() == getattr(np.array(3.5), name)()
    a = ac.shared.array(A)
    assert np.array_equal(a.std(0, ddof=1), A.std(0, ddof=1))
    assert a.var(out=(out := ac.shared.empty(()))) is out
