"""Shared arrays within one process: what they are, what becomes of them, handles, memory."""

import copy
import importlib.util
import pickle
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from support import nothing_shared_left

import allcores as ac
from allcores import samples
from allcores.kernels import KERNELS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="shared arrays need Linux")

if sys.platform == "linux":
    from allcores import _shared
    from allcores.shared import memory as shared_memory


@pytest.fixture(autouse=True)
def nothing_left():
    with nothing_shared_left():
        yield


def travelled(array):
    return pickle.loads(pickle.dumps(array))


# --- making them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "<i4", ">i4", "f4", "f8", "c16", "f2", "M8[s]", "S5", "U3", "f4,i8", "V7"]
)
@pytest.mark.parametrize("shape", [(), 0, 7, (3, 4), (2, 0, 3), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("order", ["C", "F"])
def test_makes_what_numpy_makes(dtype, shape, order):
    for name in ("empty", "zeros"):
        ours, numpys = getattr(ac.shared, name)(shape, dtype, order), getattr(np, name)(shape, dtype, order)
        assert type(ours) is ac.shared.SharedArray
        assert (ours.shape, ours.dtype) == (numpys.shape, numpys.dtype)
        assert ours.size == 0 or ours.strides == numpys.strides
        assert ours.flags.writeable
        assert ours.flags.aligned
        assert ours.ctypes.data % 64 == 0
        if name == "zeros":
            assert ours.tobytes() == numpys.tobytes()
        back = travelled(ours)
        assert (back.shape, back.dtype) == (ours.shape, ours.dtype)
        assert back.size == 0 or np.shares_memory(back, ours)


def test_filled_and_copied():
    large = (1200, 300)
    for shape in (5, (2, 3), large):
        for order in "CF":
            np.testing.assert_array_equal(ac.shared.ones(shape, order=order), np.ones(shape))
            np.testing.assert_array_equal(ac.shared.full(shape, 7.5, order=order), np.full(shape, 7.5))
            np.testing.assert_array_equal(ac.shared.full(shape, 7, "i2", order=order), np.full(shape, 7, "i2"))
            x = np.asarray(np.random.default_rng(0).random(shape), order=order)
            ours = ac.shared.array(x)
            np.testing.assert_array_equal(ours, x)
            assert ours.strides == x.strides
            np.testing.assert_array_equal(ac.shared.array(x, "f4"), x.astype("f4"))
            for name in ("ones_like", "zeros_like"):
                like, numpys = getattr(ac.shared, name)(x, "i4"), getattr(np, name)(x, "i4")
                np.testing.assert_array_equal(like, numpys)
                assert like.strides == numpys.strides
    np.testing.assert_array_equal(
        ac.shared.array(np.arange(24).reshape(4, 6)[::2, ::-1]), np.arange(24).reshape(4, 6)[::2, ::-1]
    )
    np.testing.assert_array_equal(ac.shared.arange(2, 10, 3), np.arange(2, 10, 3))
    np.testing.assert_array_equal(ac.shared.full_like([1, 2], 3), [3, 3])
    np.testing.assert_array_equal(ac.shared.full(200_003, [1.5]), np.full(200_003, 1.5))
    assert ac.shared.empty_like([1.0, 2], shape=(3, 3)).shape == (3, 3)
    assert ac.shared.array([1, 2], ndmin=2).shape == (1, 2)


def test_zeros_of_used_memory_are_zeros():
    for size in (10, 5000, 300_000, 2_000_000):
        for _ in range(3):
            a = ac.shared.zeros(size, "u1")
            assert not a.any()
            a[:] = 255
            del a


def test_what_cannot_be_shared_is_refused():
    with pytest.raises(TypeError, match="Python objects"):
        ac.shared.empty(3, object)
    with pytest.raises(ValueError, match="negative"):
        ac.shared.empty((3, -1))
    with pytest.raises(MemoryError):
        ac.shared.empty(1 << 50)
    with pytest.raises(MemoryError):
        ac.shared.empty((1 << 40, 1 << 40))
    with pytest.raises(TypeError, match="made by"):
        ac.shared.SharedArray(3)
    with pytest.raises(ValueError, match="order"):
        ac.shared.empty(3, order="X")


def test_more_than_there_is_raises_before_anything_is_touched(monkeypatch):
    monkeypatch.setattr(shared_memory.machine, "memory_headroom", lambda: 100e6)
    before = int(Path("/proc/self/statm").read_text().split()[2])
    with pytest.raises(MemoryError, match="control group"):
        ac.shared.empty(200_000_000, "u1")
    assert int(Path("/proc/self/statm").read_text().split()[2]) - before < 100
    assert ac.shared.usage()["arrays"] == 0
    a = ac.shared.empty(50_000_000, "u1")
    del a
    # What is kept counts: it is given back where it is not enough by itself.
    monkeypatch.setattr(shared_memory.machine, "memory_headroom", lambda: 90e6 - ac.shared.usage()["kept"])
    a = ac.shared.empty(80_000_000, "u1")
    assert a.size == 80_000_000


def test_many_small_ones_are_counted_too(monkeypatch):
    monkeypatch.setattr(shared_memory.machine, "memory_headroom", lambda: 0)
    with pytest.raises(MemoryError):
        kept = [ac.shared.empty(100_000, "u1") for _ in range(100)]
    kept = None  # noqa: F841


# --- what becomes of them ---------------------------------------------------------------------------------------------


def test_views_are_shared_and_results_are_ordinary():
    a = ac.shared.arange(12.0).reshape(3, 4)
    for view in (
        a,
        a[1],
        a[:, ::2],
        a.T,
        a.reshape(-1),
        a.ravel(),
        a[None],
        a.view("i8"),
        a[..., 0],
        a.real,
        a.squeeze(),
    ):
        assert type(view) is ac.shared.SharedArray
        assert ac.shared.is_shared(view)
        assert np.shares_memory(travelled(view), a)
        np.testing.assert_array_equal(travelled(view), view)
    makers = [
        lambda: a + 1, lambda: -a, lambda: 2 * a, lambda: a @ a.T, lambda: a > 3, lambda: a[a > 3], lambda: a[[0, 2]],
        lambda: a.copy(), lambda: copy.copy(a), lambda: copy.deepcopy(a), lambda: a.astype("i4"), lambda: a.flatten(),
        lambda: a.T.reshape(-1), lambda: a.T.ravel(), lambda: a.take([0]), lambda: a.repeat(2),
        lambda: a.sum(0), lambda: a.mean(1),
        lambda: np.sin(a), lambda: np.sort(a), lambda: np.concatenate([a, a]), lambda: np.where(a > 1, a, 0),
        lambda: a.cumsum(), lambda: a.clip(1, 2), lambda: a.round(), lambda: a.argsort(), lambda: np.divmod(a, 2)[0],
    ]  # fmt: skip
    for i, make in enumerate(makers):
        assert type(make()) is np.ndarray, i
        assert not ac.shared.is_shared(make()), i
    assert type(a.sum()) is np.float64
    assert type(a[0, 0]) is np.float64
    assert type(np.asarray(a)) is np.ndarray
    assert ac.shared.is_shared(np.asarray(a))
    copied = a.copy()
    copied[:] = 0
    assert a.any()
    assert copied.flags.owndata
    copied.resize(100)


def test_out_and_in_place():
    a, b = ac.shared.ones(10), ac.shared.zeros(10)
    assert np.add(a, 1, out=b) is b
    assert ac.add(a, 1, out=b) is b
    b += 1
    assert type(b) is ac.shared.SharedArray
    np.testing.assert_array_equal(travelled(b), np.full(10, 3.0))
    np.sum(np.ones((3, 10)), 0, out=b)
    assert ac.sum(np.ones((3, 10)), 0, out=b) is b
    np.testing.assert_array_equal(b, np.full(10, 3.0))


def leaves(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("n", [3, 30_000])
@pytest.mark.parametrize("name", sorted(set(KERNELS) - {"isnat"}))
def test_our_functions_take_them_as_ndarrays(name, n):
    kernel = KERNELS[name]
    lines = list(samples.type_lines(kernel))
    plain = samples.arguments(kernel, next((line for line in lines if line.startswith("d")), lines[0]), n)
    shared = [ac.shared.array(one) if isinstance(one, np.ndarray) else one for one in plain]
    kept = [np.asarray(one).copy() for one in shared]
    ours, numpys = leaves(kernel.function(*shared)), leaves(kernel.function(*plain))
    for one, other in zip(ours, numpys, strict=True):
        assert type(one) is type(other)
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
        if np.ndim(other):
            assert not ac.shared.is_shared(one)
    for one, before in zip(shared, kept, strict=True):
        np.testing.assert_array_equal(one, before)


def test_explained_as_ndarrays():
    a = ac.shared.ones(100)
    assert ac.explain(ac.exp, a) == ac.explain(ac.exp, np.ones(100))


def test_readonly():
    a = ac.shared.ones(5, readonly=True)
    assert not a.flags.writeable
    back = travelled(a)
    with pytest.raises(ValueError, match="read-only"):
        back[0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        back.flags.writeable = True
    assert not travelled(back).flags.writeable
    b = ac.shared.ones(5)
    view = b[1:]
    view.flags.writeable = False
    assert not travelled(view).flags.writeable
    assert travelled(b).flags.writeable
    b[1] = 9
    assert travelled(view)[0] == 9


# --- how long they live -----------------------------------------------------------------------------------------------


def test_views_keep_the_memory():
    a = ac.shared.arange(10)
    view = np.asarray(a)[2:][::2]
    del a
    b = ac.shared.zeros(10, int)
    np.testing.assert_array_equal(view, [2, 4, 6, 8])
    assert not np.shares_memory(view, b)
    held = memoryview(ac.shared.ones(3))
    assert np.frombuffer(held).sum() == 3


def test_a_million_made_and_dropped():
    for _ in range(1000):
        ac.shared.empty(10)
    before = ac.shared.usage()
    for n in range(250_000):
        ac.shared.empty(n % 100)
    kept = []
    for n in range(750_000):
        kept.append(ac.shared.empty(n % 300, "u1"))
        if len(kept) > 100:
            del kept[n % 100]
    del kept
    after = ac.shared.usage()
    assert after["reserved"] == before["reserved"]
    assert after["kept"] < 1_000_000
    assert after["arrays"] == 0


def test_large_ones_made_and_dropped():
    for n in range(200):
        a = ac.shared.empty(3_000_000 + 100_000 * (n * 37 % 50), "u1")
        b = a[::2]
        del a
        b[0] = 1
        assert ac.shared.usage()["bytes"] < 40_000_000
        del b
    was = _shared.configure(keep=1_000_000)
    try:
        for _ in range(5):
            a = ac.shared.zeros(30_000_000, "u1")
            a[:] = 1
            del a
            assert ac.shared.usage()["kept"] <= 1_000_000
    finally:
        _shared.configure(keep=was)


MANY = """
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
import allcores as ac
arrays = [ac.shared.full(i % 50, i, int) for i in range(100_000)]
use = ac.shared.usage()
assert use["arrays"] == 100_000 and use["arenas"] <= 64, use
assert len(os.listdir("/proc/self/fd")) < 80
arrays += [ac.shared.empty(3_000_000, "u1") for i in range(100)]
assert ac.shared.usage()["arenas"] <= 64
assert all((a == i).all() for i, a in enumerate(arrays[:100_000]))
del arrays
ac.shared.release()
assert ac.shared.usage()["arenas"] == 0
print("done")
"""


def test_many_live_at_once_in_few_arenas():
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0
    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, timeout=250, check=False)
    assert done.stdout == "done\n", done.stderr


def test_threads_make_and_drop_at_once():
    wrong = []

    def work(seed):
        random = np.random.default_rng(seed)
        kept = {}
        for i in range(3000):
            n = int(random.integers(1, 2000))
            kept[int(random.integers(20))] = ac.shared.full(n, seed * 10_000 + i, int), seed * 10_000 + i
            if i % 7 == 0:
                a, value = kept[next(iter(kept))]
                if not (travelled(a) == value).all():
                    wrong.append((seed, i))

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert ac.shared.usage()["arrays"] == 0


def test_pickled_by_value_where_the_memory_is_not_shared():
    a = np.zeros_like(ac.shared.ones(3))  # NumPy keeps the type
    back = travelled(a)
    assert type(back) is np.ndarray
    np.testing.assert_array_equal(back, a)


# --- locks and atomic updates, in one process -------------------------------------------------------------------------


def test_lock():
    lock = ac.shared.Lock()
    other = pickle.loads(pickle.dumps(lock))
    assert not lock.locked()
    assert lock.acquire()
    assert other.locked()
    with pytest.raises(RuntimeError, match="already"):
        lock.acquire()
    got = []
    thread = threading.Thread(target=lambda: got.extend([other.acquire(False), other.acquire(timeout=0.05)]))
    thread.start()
    thread.join()
    assert got == [False, False]
    lock.release()
    with pytest.raises(RuntimeError, match="thread that acquired"):
        lock.release()
    with other as entered:
        assert entered is other
        assert not other.abandoned
    with pytest.raises(ValueError, match="timeout"):
        lock.acquire(False, 3)


def test_a_thread_that_ends_with_the_lock_abandons_it():
    lock = ac.shared.Lock()
    for look in (False, True):
        thread = threading.Thread(target=lock.acquire)
        thread.start()
        thread.join()
        while look and lock.locked():
            time.sleep(0.001)  # Python's join returns before the system's thread has ended
        with lock:
            assert lock.abandoned
        with lock:
            assert not lock.abandoned


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", "u8", "i8", "f4", "f8"])
def test_atomic_updates(dtype):
    a = ac.shared.zeros((2, 3), dtype)
    one = np.dtype(dtype).type
    assert ac.shared.atomic_add(a, (1, 2), 5) == 0
    assert type(ac.shared.atomic_add(a, (1, 2), 5)) is one
    assert a[1, 2] == 10
    assert ac.shared.atomic_max(a, (1, 2), 7) == 10
    assert ac.shared.atomic_max(a, (1, 2), 12) == 10
    assert ac.shared.atomic_min(a, (1, 2), 3) == 12
    assert ac.shared.atomic_compare_exchange(a, (1, 2), 4, 9) == 3
    assert ac.shared.atomic_compare_exchange(a, (1, 2), 3, 9) == 3
    assert a[1, 2] == 9
    assert a.sum() == 9
    if a.dtype.kind != "u":
        assert ac.shared.atomic_min(a, (0, 0), -3) == 0
        assert ac.shared.atomic_max(a, (0, 0), -4) == -3
        assert a[0, 0] == -3
    if a.dtype.kind == "f":
        ac.shared.atomic_max(a, (0, 1), np.nan)
        ac.shared.atomic_max(a, (0, 1), one(3))
        assert np.isnan(a[0, 1])
    else:
        assert ac.shared.atomic_add(a, (0, 1), np.iinfo(dtype).max) == 0
        ac.shared.atomic_add(a, (0, 1), 1)
        assert a[0, 1] == np.iinfo(dtype).min


def test_atomic_updates_refuse():
    a = ac.shared.zeros(3)
    with pytest.raises(IndexError):
        ac.shared.atomic_add(a, 3, 1)
    with pytest.raises(IndexError, match="one element"):
        ac.shared.atomic_add(a, (), 1)
    with pytest.raises(TypeError, match="integers"):
        ac.shared.atomic_add(np.zeros(3, complex), 0, 1)
    with pytest.raises(TypeError):
        ac.shared.atomic_add(ac.shared.zeros(3, int), 0, 1.5)
    with pytest.raises(ValueError, match="read-only"):
        ac.shared.atomic_add(ac.shared.zeros(3, readonly=True), 0, 1)


def test_value():
    value = ac.shared.Value("i8", 3)
    other = pickle.loads(pickle.dumps(value))
    assert other.add(4) == 3
    assert value.value == 7
    value.value = 1
    assert (other.max(5), other.min(2), other.compare_exchange(2, 8), value.value) == (1, 5, 2, 8)
    assert repr(value) == "Value('int64', 8)"


def test_elsewhere_than_on_linux(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    spec = importlib.util.spec_from_file_location("elsewhere", ac.shared.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(NotImplementedError, match="need Linux"):
        module.zeros(3)
    with pytest.raises(AttributeError):
        module.nothing
