"""map_blocks, apply_along_axis and vectorize on worker processes: NumPy's results, whatever is cut where."""

import ctypes
import functools
import operator
import os
import platform
import resource
import signal
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import allcores as ac
from allcores.calls.blocks import map_blocks

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="shared memory needs Linux"),
    pytest.mark.usefixtures("common_executors"),
]

few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def smoothed(a, axis):
    """Mean of each element and its two neighbours, as many as there are."""
    a = np.moveaxis(a, axis, 0)
    total, count = a.copy(), np.ones((len(a),) + (1,) * (a.ndim - 1))
    total[1:] += a[:-1]
    total[:-1] += a[1:]
    count[1:] += 1
    count[:-1] += 1
    return np.moveaxis(total / count, 0, axis)


def combined(a, b, factor):
    return a * factor + b


def pid(a):
    return np.full(len(a), os.getpid())


def pid_and_count(counts, a):
    ac.shared.atomic_add(counts, 0, 1)
    return a + 1


def fails_at(value, a):
    if value in a:
        raise ZeroDivisionError(f"{value} is here")
    return a


def dies_at(value, a):
    if value in a:
        os.kill(os.getpid(), signal.SIGKILL)
    return a


def dies_once(path, a):
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return a + 1
    os._exit(3)


def sleeps(a):
    time.sleep(60)
    return a


def len_of_all(a):
    return np.full(len(a), len(a))


def of_type(dtypes, a):
    return a.astype(dtypes[int(a[0]) > 0])


def shapes(least=0):
    return st.lists(st.integers(least, 7), min_size=1, max_size=3)


@given(
    shape=shapes(),
    axis=st.integers(-3, 2),
    dtype=st.sampled_from(["f8", "f4", "i2", "c16", ">i4", "?"]),
    blocks=st.integers(1, 5),
    order=st.sampled_from("CF"),
    step=st.sampled_from([1, -1, 2]),
    here=st.booleans(),
)
@few
def test_is_the_function_of_the_whole(shape, axis, dtype, blocks, order, step, here):
    axis %= len(shape)
    a = np.asarray(np.arange(np.prod(shape)).reshape(shape), dtype, order)[::step]
    b = np.ones(a.shape, "f4")
    found = map_blocks(combined, a, b, 3, axis=axis, blocks=blocks, workers=1 if here else 2)
    expected = combined(a, b, 3)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    assert ac.shared.is_shared(found) or not found.size


@given(shape=shapes(1), axis=st.integers(-3, 2), overlap=st.integers(1, 9), blocks=st.integers(1, 7))
@few
def test_overlap(shape, axis, overlap, blocks):
    axis %= len(shape)
    a = np.random.default_rng(1).random(shape)
    found = map_blocks(functools.partial(smoothed, axis=axis), a, axis=axis, overlap=overlap, blocks=blocks, workers=2)
    np.testing.assert_array_equal(found, smoothed(a, axis))


def lengths(seen, a):
    seen[int(a[0])] = len(a)
    return a


def test_what_a_block_gets_with_overlap():
    seen = ac.shared.zeros(12, int)
    map_blocks(functools.partial(lengths, seen), np.arange(12), overlap=2, blocks=3, workers=2)
    assert seen.tolist() == [6, 0, 8, 0, 0, 0, 6, 0, 0, 0, 0, 0]


def inner_of_two(a):
    return a[2:-2]


def test_what_is_as_long_as_the_block_is_not_cut():
    a = np.arange(12)
    padded = np.pad(a, 2)
    with pytest.raises(ValueError, match=r"length 4, or 6 with the overlap, along axis 0, got shape \(2,\)"):
        map_blocks(inner_of_two, a, overlap=2, blocks=3, workers=2)  # at the ends there is nothing to cut
    found = map_blocks(functools.partial(inner_if, 8), padded, overlap=2, blocks=4, workers=2)
    np.testing.assert_array_equal(found, padded)


def inner_if(length, a):
    return a[2:-2] if len(a) == length else a


def test_runs_in_workers_and_here():
    assert os.getpid() not in set(map_blocks(pid, np.zeros(10), blocks=5, workers=2).tolist())
    assert set(map_blocks(pid, np.zeros(10), blocks=5, workers=1).tolist()) == {os.getpid()}
    assert os.getpid() not in set(map_blocks(pid, np.zeros(10), workers=1, timeout=60).tolist())


@pytest.mark.parametrize("workers", [1, 2])
def test_each_block_is_computed_once(workers):
    counts = ac.shared.zeros(1, int)
    map_blocks(functools.partial(pid_and_count, counts), np.zeros(100), blocks=7, workers=workers)
    assert counts[0] == 7


def sums(a):
    return a.sum(axis=1)


def test_results_of_other_shapes():
    a = np.arange(24.0).reshape(6, 4)
    np.testing.assert_array_equal(map_blocks(sums, a, blocks=3, workers=2), a.sum(axis=1))
    found = map_blocks(sums, a, blocks=3, workers=2, dtype="f4", shape=6)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, a.sum(axis=1))
    with pytest.raises(ValueError, match=r"f must return an array of shape \(2, 4\) for this block, got \(2,\)"):
        map_blocks(sums, a, out=np.empty((6, 4)), blocks=3, workers=2)
    with pytest.raises(ValueError, match=r"f must return an array of length 2 along axis 0, got shape \(\)"):
        map_blocks(np.sum, a, blocks=3, workers=2)


def test_types():
    a = np.array([0, 0, 1, 1])
    with pytest.raises(TypeError, match="f must return what can be cast to int32, got float64; give dtype"):
        map_blocks(functools.partial(of_type, ["i4", "f8"]), a, blocks=2, workers=2)
    found = map_blocks(functools.partial(of_type, ["i4", "f8"]), a, blocks=2, workers=2, dtype=float)
    assert found.dtype == float
    with pytest.raises(TypeError, match="cast to int64, got float64"):
        map_blocks(np.sqrt, a, out=np.empty(4, int), blocks=2, workers=2)
    with pytest.raises(TypeError, match="without Python objects"):
        map_blocks(functools.partial(of_type, [object, object]), a, blocks=2, workers=2)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", ["array", "view", "shared", "memmap", "path", "private"])
def test_out(kind, workers, tmp_path):
    a = np.arange(1000.0).reshape(100, 10)
    path = tmp_path / "out.npy"
    if kind == "array":
        out = np.zeros((100, 10))
    elif kind == "view":
        out = np.zeros((10, 200))[:, ::2].T
    elif kind == "shared":
        out = ac.shared.zeros((100, 10))
    elif kind == "path":
        out = path
    else:
        out = np.lib.format.open_memmap(path, "w+", float, (100, 10))
        if kind == "private":
            del out
            out = np.load(path, mmap_mode="c")
    found = map_blocks(np.sqrt, a, out=out, blocks=4, workers=workers)
    if kind == "path":
        assert isinstance(found, np.memmap)
        assert found.flags.writeable
    else:
        assert found is out
    np.testing.assert_array_equal(found, np.sqrt(a))
    if kind in {"memmap", "path"}:
        np.testing.assert_array_equal(np.load(path), np.sqrt(a))
    if kind == "private":
        assert not np.load(path).any()
    assert [entry.name for entry in tmp_path.iterdir()] in ([], ["out.npy"])


@pytest.mark.parametrize("workers", [1, 2])
def test_out_may_be_an_operand(workers):
    a = ac.shared.array(np.random.default_rng(1).random(1000))
    expected = smoothed(np.array(a), 0)
    map_blocks(functools.partial(smoothed, axis=0), a, out=a, overlap=1, blocks=9, workers=workers)
    np.testing.assert_array_equal(a, expected)


@pytest.mark.parametrize("view", [np.s_[:], np.s_[3:90:2], np.s_[::-1], np.s_[:, 2:5]])
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_memory_maps_in(view, mode, tmp_path, monkeypatch):
    a = np.arange(100_000.0).reshape(1000, 100)
    np.save(tmp_path / "a.npy", a)
    mapped = np.load(tmp_path / "a.npy", mmap_mode=mode)
    if mode == "c":
        mapped += 1
        a += 1
    if mode != "c":
        monkeypatch.setattr(ac.shared, "array", None)  # nothing is copied
    total = map_blocks(np.sum, mapped[view], reduce=operator.add, blocks=3, workers=2)
    assert total == a[view].sum()
    np.testing.assert_array_equal(map_blocks(np.negative, mapped[view], axis=1, blocks=3, workers=2), -a[view])


def test_memory_map_of_a_file_that_is_gone(tmp_path):
    a = np.memmap(tmp_path / "a", "i4", "w+", shape=(50,))
    a[:] = 7
    (tmp_path / "a").unlink()
    np.testing.assert_array_equal(map_blocks(np.negative, a, blocks=3, workers=2), -a)


def kinds(a):
    return [(type(a).__name__, a.flags.writeable)]


def add_one(a):
    a += 1
    return a


def test_shared_arrays_are_not_copied():
    a = ac.shared.zeros(1000)
    map_blocks(add_one, a, blocks=4, workers=2)
    map_blocks(add_one, np.asarray(a)[500:], blocks=4, workers=2)
    assert a[:500].tolist() == [1] * 500
    assert a[500:].tolist() == [2] * 500
    plain = np.zeros(1000)
    map_blocks(add_one, plain, blocks=4, workers=2)
    assert not plain.any()
    assert map_blocks(kinds, a, reduce=operator.add, blocks=2, workers=2) == [("ndarray", True)] * 2


def paired(a, b):
    return f"({a}{b})"


def text(a):
    return str(int(a[0]))


def test_reduce():
    for workers in (1, 2):
        found = map_blocks(text, np.arange(7), reduce=paired, blocks=7, workers=workers)
        assert found == "(((01)(23))((45)6))"
    assert map_blocks(text, np.arange(7), reduce=paired, blocks=1, workers=2) == "0"
    with pytest.raises(ValueError, match="out must not be given with reduce"):
        map_blocks(text, np.arange(7), reduce=paired, out=np.empty(7))
    with pytest.raises(ValueError, match="overlap must not be given with reduce, got 2"):
        map_blocks(text, np.arange(7), reduce=paired, overlap=2)
    with pytest.raises(ZeroDivisionError):
        map_blocks(text, np.arange(7), reduce=lambda a, b: 1 // 0, blocks=7, workers=2)


def test_same_bits_with_any_number_of_workers():
    a = np.random.default_rng(1).standard_normal(1_000_000).astype(np.float32)
    totals = {map_blocks(np.sum, a, reduce=operator.add, workers=workers).tobytes() for workers in (1, 2, 3)}
    assert len(totals) == 1
    found = [map_blocks(np.cumsum, a, workers=workers).tobytes() for workers in (1, 2, 3)]
    assert found[0] == found[1] == found[2]


def test_errors_of_the_function(tmp_path):
    path = tmp_path / "out.npy"
    path.write_bytes(b"before")
    a, out = np.arange(100), np.full(100, -1)
    for target in (None, out, path):
        with pytest.raises(ZeroDivisionError, match="70 is here") as caught:
            map_blocks(functools.partial(fails_at, 70), a, out=target, blocks=5, workers=2)
        assert "fails_at" in str(caught.value.__cause__)
    assert (out == -1).all()
    assert path.read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 1
    np.testing.assert_array_equal(map_blocks(np.negative, a, workers=2), -a)


def test_a_killed_worker(tmp_path):
    a = np.arange(100)
    with pytest.raises(ac.WorkerDied) as caught:
        map_blocks(functools.partial(dies_at, 70), a, blocks=5, workers=2)
    assert caught.value.signal == signal.SIGKILL
    with pytest.raises(ac.WorkerDied, match="code 3 while it ran"):
        map_blocks(functools.partial(dies_once, str(tmp_path / "first")), a, blocks=5, workers=2)
    found = map_blocks(functools.partial(dies_once, str(tmp_path / "second")), a, blocks=5, workers=1, retries=1)
    np.testing.assert_array_equal(found, a + 1)


def test_timeout():
    start = time.monotonic()
    with pytest.raises(ac.TaskTimeout):
        map_blocks(sleeps, np.arange(10), blocks=2, workers=2, timeout=0.5)
    assert time.monotonic() - start < 20


def test_unpicklable():
    lock = ctypes.c_void_p(1)
    with pytest.raises(ac.UnpicklableTask, match="the function of"):
        map_blocks(functools.partial(fails_at, lock), np.arange(10), workers=2)


def copied(a):
    return a.copy()


@pytest.mark.parametrize("dtype", ["M8[ms]", "m8[D]", "U5", "S3", [("a", "i2"), ("b", "f8", 2)], "g", ">f4"])
def test_arrays_of_every_type(dtype):
    a = np.zeros((9, 2), dtype)
    a[3:5] = np.ones(1, a.dtype.base if a.dtype.kind != "m" else "i8").astype(dtype)
    found = map_blocks(copied, a, blocks=4, workers=2)
    assert found.dtype == a.dtype
    np.testing.assert_array_equal(found, a)


def test_memory_is_free_when_the_results_are_dropped():
    before = ac.shared.usage()
    for _ in range(3):
        map_blocks(np.sqrt, np.ones(500_000), blocks=4, workers=2)
        with pytest.raises(ZeroDivisionError):
            map_blocks(functools.partial(fails_at, 70), np.arange(300_000), blocks=4, workers=2)
    end = time.monotonic() + 30
    while (ac.shared.usage()["arrays"], ac.shared.usage()["in_flight"]) != (before["arrays"], before["in_flight"]):
        assert time.monotonic() < end, ac.shared.usage()
        ac.shared.reclaim()
        time.sleep(0.01)


def faults_of_temporaries(a):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.sqrt(a) + np.sin(a)
    return np.full(len(a), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such limits")
def test_workers_keep_the_memory_of_temporaries():
    ac.shutdown()  # fresh workers, whose limits nobody has raised
    found = map_blocks(faults_of_temporaries, ac.shared.zeros(16 * 400_000), workers=2, blocks=16)
    faults = np.asarray(found)[::400_000]
    assert np.median(faults) < 100, faults  # of some 1,600 pages


def test_default_blocks_fit_a_cache():
    sizes = map_blocks(len_of_all, ac.shared.zeros(10_000_000), workers=2)
    assert len(np.unique(np.asarray(sizes))) <= 2
    assert 2**19 < 8 * np.asarray(sizes).max() <= 4 * 2**20


def test_without_elements():
    assert map_blocks(np.sqrt, np.empty((0, 3)), workers=2).shape == (0, 3)
    assert map_blocks(np.sqrt, np.empty((3, 0)), workers=2, blocks=2).shape == (3, 0)
    assert map_blocks(np.sum, np.empty(0), reduce=operator.add, workers=2) == 0


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ([3], {}, ValueError, "arrays must have at least one array with dimensions among them, got none"),
        ([np.ones(3), np.ones(4)], {}, ValueError, "same length along axis 0, got 3 of array 0 and 4 of array 1"),
        ([np.ones(3)], {"axis": 1}, np.exceptions.AxisError, "axis 1 is out of bounds"),
        ([np.ones(3)], {"axis": 0.5}, TypeError, "float"),
        ([np.ones(3)], {"blocks": 0}, ValueError, "blocks must be 1 or more, got 0"),
        ([np.ones(3)], {"overlap": -1}, ValueError, "overlap must be 0 or more, got -1"),
        ([np.ones(3)], {"workers": 0}, ValueError, "workers must be greater than 0, got 0"),
        ([np.ones(3)], {"timeout": 0}, ValueError, "timeout must be above 0 seconds, got 0"),
        ([np.ones(3)], {"retries": -1}, ValueError, "retries must be 0 or more, got -1"),
        ([np.ones(3)], {"out": np.ones(4)}, ValueError, r"out must have length 3 along axis 0, got \(4,\)"),
        ([np.ones(3)], {"out": 3}, TypeError, "out must be an array, a path or None, got int"),
        ([np.ones(3)], {"out": "/not/here.npy"}, FileNotFoundError, "out must be in a folder that exists"),
        ([np.ones(3)], {"out": np.broadcast_to(1.0, 3)}, ValueError, "out must be writable"),
        ([np.ones(3)], {"out": np.ones(3), "dtype": int}, ValueError, "dtype must not be given with an array as out"),
        ([np.ones(3)], {"shape": (4, 3)}, ValueError, r"shape must have length 3 along axis 0, got \(4, 3\)"),
        ([np.ma.ones(3)], {}, TypeError, "array 0 must be an ndarray, a SharedArray or a memmap, got MaskedArray"),
        ([np.array([None])], {}, TypeError, "array 0 must hold no Python objects, got object"),
    ],
)
def test_arguments(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        map_blocks(np.sqrt, *arguments, **keywords)


def test_f_must_be_callable():
    with pytest.raises(TypeError, match="f must be callable, got 3"):
        map_blocks(3, np.ones(3))
