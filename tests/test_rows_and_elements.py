"""apply_along_axis and vectorize on worker processes against NumPy's."""

import functools
import os
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import allcores as ac
from allcores.calls.elements import vectorize
from allcores.calls.rows import apply_along_axis

pytestmark = [
    pytest.mark.usefixtures("common_executors"),
    pytest.mark.skipif(sys.platform != "linux", reason="shared memory needs Linux"),
    pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning"),
]

few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def outcome(function, *args, **kwargs):
    """Everything that a call shows: type, dtype, shape and contents, or the error."""
    try:
        value = function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001
        return type(error), str(error)
    values = value if isinstance(value, tuple) else (value,)
    return type(value), [
        (type(v), getattr(v, "dtype", None), np.shape(v), repr(np.asarray(v).tolist())) for v in values
    ]


def span(row):
    return row.max() - row.min()


def outer(row):
    return np.outer(row, row + 1)


def as_list(row):
    return [1.5, row.sum()]


def as_text(row):
    return str(row.sum())


def as_object(row):
    return np.array([None, row.sum()], object)


def as_matrix(row):
    return np.matrix([row.sum(), 1])


def as_masked(row):
    return np.ma.masked_greater(row, 3)


def as_shared(row):
    return ac.shared.array(row)


def scaled(row, factor, shift=0):
    return row * factor + shift


def shrinking(row):
    return row[: 1 + int(row[0] == 0)]


def first_integer(row):
    return row.sum() if row[0] else int(row.sum())


FUNCTIONS = [span, outer, as_list, as_text, as_object, as_matrix, as_masked, np.sort, len, shrinking]


@given(
    shape=st.lists(st.integers(0, 5), max_size=4),
    axis=st.integers(-4, 3),
    dtype=st.sampled_from(["f8", "i2", "c8", "M8[s]", "O", "?"]),
    order=st.sampled_from("CF"),
    function=st.sampled_from([*FUNCTIONS, first_integer]),
    workers=st.sampled_from([None, 1, 2, 3]),
)
@few
def test_rows_are_numpys(shape, axis, dtype, order, function, workers):
    a = np.asarray(np.arange(np.prod(shape)).reshape(shape), order=order).astype(dtype)
    expected = outcome(np.apply_along_axis, function, axis, a)
    assert outcome(apply_along_axis, function, axis, a, workers=workers) == expected


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_rows_of_every_kind_of_result(function, axis):
    a = np.arange(60).reshape(3, 4, 5)
    expected = outcome(np.apply_along_axis, function, axis, a)
    assert outcome(apply_along_axis, function, axis, a, workers=2) == expected


@pytest.mark.parametrize("axis", [3, -4, 0.5, None, "0"])
def test_rows_errors_are_numpys(axis):
    a = np.zeros((2, 3, 4))
    kind, message = outcome(np.apply_along_axis, span, axis, a)
    assert issubclass(kind, Exception)
    assert outcome(apply_along_axis, span, axis, a, workers=2) == (kind, message)


@pytest.mark.parametrize("make", [np.matrix, np.ma.array, list, tuple, ac.shared.array, lambda a: a.tolist()])
def test_rows_of_other_things(make):
    a = make(np.arange(12.0).reshape(3, 4))
    expected = outcome(np.apply_along_axis, scaled, 1, a, 2, shift=1)
    found = outcome(apply_along_axis, scaled, 1, a, 2, shift=1, workers=2)
    if isinstance(a, ac.shared.SharedArray):
        assert found[0] is np.ndarray
        found, expected = found[1][0][1:], expected[1][0][1:]
    assert found == expected


def test_rows_whose_results_are_shared():
    a = np.arange(12).reshape(3, 4)
    found = apply_along_axis(as_shared, 1, a, workers=2)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, a)


def test_rows_of_a_memory_map(tmp_path):
    a = np.random.default_rng(1).random((50, 200))
    np.save(tmp_path / "a.npy", a)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    for axis in (0, 1):
        expected = outcome(np.apply_along_axis, np.sort, axis, a)
        assert outcome(apply_along_axis, np.sort, axis, mapped, workers=2) == expected


def counted(counts, row):
    ac.shared.atomic_add(counts, 0, 1)
    return os.getpid()


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_each_row_is_computed_once(workers):
    counts = ac.shared.zeros(1, int)
    pids = apply_along_axis(functools.partial(counted, counts), 1, np.zeros((500, 3)), workers=workers)
    assert counts[0] == 500
    assert (pids == os.getpid()).sum() == {None: 500, 1: 500, 2: 1}[workers]


def slow(row):
    time.sleep(0.004)
    return os.getpid()


def slow_last(row):
    if row[0] > 50:
        time.sleep(0.004)
    return os.getpid()


@pytest.mark.parametrize("function", [slow, slow_last])
def test_rows_that_take_long_go_to_workers(function, monkeypatch):
    monkeypatch.setenv("ALLCORES_NUM_THREADS", "2")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    pids = apply_along_axis(function, 0, np.arange(300.0).reshape(1, 300))
    assert 1 < (pids == os.getpid()).sum() < 150
    assert pids[0] == os.getpid() != pids[-1]


def fails_at(value, row):
    if value in row:
        raise ZeroDivisionError(f"{value} is here")
    return row


def dies_at(value, row):
    if value in row:
        os._exit(5)
    return row


def test_what_goes_wrong_in_rows():
    a = np.arange(100).reshape(50, 2)
    with pytest.raises(ZeroDivisionError, match="70 is here") as caught:
        apply_along_axis(functools.partial(fails_at, 70), 1, a, workers=2)
    assert "fails_at" in str(caught.value.__cause__)
    with pytest.raises(ac.WorkerDied, match="exited with code 5"):
        apply_along_axis(functools.partial(dies_at, 70), 1, a, workers=2)
    lock = __import__("threading").Lock()
    with pytest.raises(ac.UnpicklableTask):
        apply_along_axis(lambda row: (lock, 1)[1], 1, a, workers=2)
    assert apply_along_axis(lambda row: (lock, 1)[1], 1, a).sum() == 50


# --- vectorize ------------------------------------------------------------------------------------------------------


def lesser(a, b=2):
    return a if a < b else b


def kind_of(a):
    return f"{type(a).__name__}{'.' * int(a)}"


def both(a, b):
    return a + b, a > b


def nothing(a):
    return None


def poly(p, x):
    return sum(c * x**i for i, c in enumerate(p))


@given(
    shape=st.lists(st.integers(0, 4), max_size=3),
    columns=st.integers(0, 3),
    dtype=st.sampled_from(["f8", "i8", "u1", "?", "O"]),
    otypes=st.sampled_from([None, "d", [float], [np.int16], "O"]),
    cache=st.booleans(),
    workers=st.sampled_from([None, 1, 2, 3]),
    order=st.sampled_from("CF"),
)
@few
def test_elements_are_numpys(shape, columns, dtype, otypes, cache, workers, order):
    a = np.asarray(np.arange(np.prod(shape)).reshape(shape), order=order).astype(dtype)
    b = np.arange(columns)
    expected = outcome(np.vectorize(lesser, otypes, cache=cache), a, b)
    assert outcome(vectorize(lesser, otypes, cache=cache, workers=workers), a, b) == expected


@pytest.mark.parametrize("workers", [None, 2])
def test_elements_of_every_kind_of_call(workers):
    a = np.arange(12.0).reshape(3, 4)
    large = np.arange(20_000).reshape(2, 10_000)
    calls = [
        (lesser, {}, (a,), {}),
        (lesser, {}, (a,), {"b": 3}),
        (lesser, {}, (a, a.T), {}),
        (lesser, {}, (large, large[:1]), {}),
        (lesser, {}, (large.tolist(), 5), {}),
        (lesser, {"excluded": ["b"]}, (a,), {"b": 3}),
        (lesser, {"excluded": [0, 1]}, (1, 2), {}),
        (kind_of, {}, (a,), {}),
        (kind_of, {}, (np.arange(4).astype("U"),), {}),
        (kind_of, {"otypes": "U"}, (a,), {}),
        (kind_of, {"otypes": ["U2"]}, (a,), {}),
        (both, {}, (a, 3), {}),
        (both, {}, (large, 3), {}),
        (both, {"otypes": "df"}, (a, 3), {}),
        (both, {"otypes": "d"}, (a, 3), {}),
        (both, {"otypes": "ddd"}, (a, 3), {}),
        (both, {"otypes": "dO", "cache": True}, (a, 3), {}),
        (nothing, {}, (a,), {}),
        (poly, {"excluded": ["p"]}, (), {"p": [1, 2, 3], "x": a}),
        (poly, {"excluded": [0]}, ([1, 2, 3], a), {}),
        (np.convolve, {"signature": "(n),(m)->(k)"}, (a, [1, 2]), {}),
        (len, {}, (a,), {}),
        (lesser, {}, (), {}),
        (lesser, {}, (np.matrix(a),), {}),
        (lesser, {}, (np.ma.masked_greater(a, 3),), {}),
        (lesser, {}, (3,), {}),
        (np.datetime64, {}, (["2001-01-01", "2002"],), {}),
    ]
    for function, options, args, kwargs in calls:
        expected = outcome(np.vectorize(function, **options), *args, **dict(kwargs))
        found = outcome(vectorize(function, **options, workers=workers), *args, **dict(kwargs))
        assert found == expected, (function, options, args)


def test_vectorize_of_shared_arrays_and_memory_maps(tmp_path):
    a = ac.shared.arange(30_000)
    np.save(tmp_path / "a.npy", a)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    expected = np.minimum(np.arange(30_000), 77)
    for source in (a, mapped):
        found = vectorize(lesser, workers=2)(source, 77)
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, expected)


@vectorize
def decorated(a):
    """Say one more."""
    return a + 1


@vectorize(otypes=[float], workers=2)
def decorated_with_options(a):
    return a + 1


def test_as_decorator():
    assert decorated.__doc__ == "Say one more."
    assert isinstance(decorated, np.vectorize)
    np.testing.assert_array_equal(decorated([1, 2]), [2, 3])
    np.testing.assert_array_equal(decorated_with_options([1, 2]), [2.0, 3.0])


def counted_element(counts, a):
    ac.shared.atomic_add(counts, 0, 1)
    return os.getpid()


@pytest.mark.parametrize("workers", [None, 1, 2])
@pytest.mark.parametrize(("options", "calls"), [({}, 401), ({"cache": True}, 400), ({"otypes": "q"}, 400)])
def test_each_element_is_computed_once(workers, options, calls):
    counts = ac.shared.zeros(1, int)
    pids = vectorize(functools.partial(counted_element, counts), workers=workers, **options)(np.zeros(400))
    assert counts[0] == calls
    here = 400 if workers != 2 else int("cache" in options)
    assert (pids == os.getpid()).sum() == here


def one_over(a):
    if a == 3:
        os._exit(5)
    return 1 // a


def test_what_goes_wrong_in_elements():
    with pytest.raises(ZeroDivisionError) as caught:
        vectorize(one_over, workers=2)([1, 2, 1, 2, 0, 1])
    assert "one_over" in str(caught.value.__cause__)
    with pytest.raises(ac.WorkerDied, match="exited with code 5"):
        vectorize(one_over, workers=2)([1, 2, 1, 2, 3, 1])
    lock = __import__("threading").Lock()
    with pytest.raises(ac.UnpicklableTask):
        vectorize(lambda a: (lock, 1)[1], workers=2)([1, 2])
    assert vectorize(lambda a: (lock, 1)[1])([1, 2]).tolist() == [1, 1]
    with pytest.raises(ValueError, match="workers must be greater than 0, got 0"):
        vectorize(one_over, workers=0)
    with pytest.raises(ValueError, match="workers must be greater than 0, got 0"):
        apply_along_axis(one_over, 0, [1], workers=0)
