"""Memory of outputs: which arrays are on it, that it is used again and given back, and that nothing else changes."""

import gc
import math
import os
import pickle
import threading

import numpy as np
import pytest
from numpy._core.multiarray import get_handler_name
from support import run_script

import allcores as ac
from allcores import _memory
from allcores.limits import recycle_bytes_from_environment
from allcores.plan.machine import memory_headroom

MIB = 2**20
SIZE = 2**18  # float64: 2 MiB


@pytest.fixture(autouse=True)
def kept_apart():
    """Start from nothing kept, at a bound that does not depend on the machine, and leave nothing."""
    _memory.release()
    with ac.limit(recycle_bytes=64 * MIB):
        yield
    gc.collect()


def handler(array):
    return get_handler_name(array)


def address(array):
    return array.__array_interface__["data"][0]


def ours(size=SIZE):
    return ac.add(np.ones(size), 1.0)


def reused(before):
    return _memory.usage()["reused"] - before["reused"]


# --- which arrays ---------------------------------------------------------------------------------------------------


def ways():
    """Name -> pairs of an array made by us, in each of the ways there are, and what is to be in it."""
    x = np.arange(SIZE, dtype=np.float64).reshape(512, 512)
    tall = np.arange(3.0 * SIZE).reshape(3, SIZE) % 1013
    cube = tall.reshape(512, 3, 512)
    number = (x % 100).astype(np.int64)
    return {
        "round": lambda: [(ac.round(x / 7, 2), np.round(x / 7, 2)), (ac.round(x.T / 7, 2), np.round(x.T / 7, 2))],
        "nan_to_num": lambda: [(ac.nan_to_num(x.T), x.T)],
        "sum": lambda: [(ac.sum(tall, axis=0), tall.sum(axis=0)), (ac.sum(tall.T, 1), tall.sum(0))],
        "sum_along": lambda: [(ac.sum(cube, axis=1, keepdims=True), cube.sum(axis=1, keepdims=True))],
        "sum_of_method": lambda: [(ac.add.reduce(tall), tall.sum(0))],
        "mean": lambda: [(ac.mean(cube, axis=1), cube.mean(axis=1))],
        "var": lambda: [(ac.var(tall, axis=0), tall.var(axis=0))],
        "std": lambda: [(ac.std(tall, axis=0), tall.std(axis=0))],
        "extremes": lambda: [(ac.min(tall, axis=0), tall.min(axis=0)), (ac.max(cube, axis=1), cube.max(axis=1))],
        "argmin": lambda: [(ac.argmin(tall, axis=0), tall.argmin(axis=0)), (ac.argmax(cube, axis=1), cube.argmax(1))],
        "count_nonzero": lambda: [(ac.count_nonzero(tall, axis=0), np.count_nonzero(tall, axis=0))],
        "any": lambda: [(ac.any(np.tile(tall, 4), axis=0), np.tile(tall, 4).any(axis=0))],
        "nansum": lambda: [(ac.nansum(tall, axis=0), tall.sum(axis=0))],
        "nanvar": lambda: [(ac.nanvar(tall, axis=0), tall.var(axis=0))],
        "nanargmax": lambda: [(ac.nanargmax(tall, axis=0), tall.argmax(axis=0))],
        "norm": lambda: [(ac.linalg.norm(tall, axis=0), np.linalg.norm(tall, axis=0))],
        "vecdot": lambda: [(ac.vecdot(tall.T, tall.T), (tall * tall).sum(0))],
        "vecdot_along": lambda: [(ac.vecdot(tall, tall, axis=0), (tall * tall).sum(0))],
        "matmul": lambda: [(ac.matmul(number, number), np.matmul(number, number))],
        "matmul_axes": lambda: [
            (ac.matmul(number[:3], number[:3], axes=[(1, 0), (0, 1), (0, 1)]), number[:3].T @ number[:3])
        ],
        "matmul_of_floats": lambda: [(ac.matmul(x, x), np.matmul(x, x))],
        "dot": lambda: [(ac.dot(number, number), np.dot(number, number))],
        "flat": lambda: [(ac.add(x, 1.0), x + 1.0)],
        "transposed": lambda: [(ac.add(x, x.T), x + x.T)],
        "broadcast": lambda: [(ac.add(x[:, :1], x[:1]), x[:, :1] + x[:1])],
        "cast": lambda: [(ac.add(x, x.astype(np.int32)), x + x)],
        "where": lambda: [(ac.where(x > 7, x, 2.0), np.where(x > 7, x, 2.0))],
        "two_outputs": lambda: list(zip(ac.divmod(x, 7.0), np.divmod(x, 7.0), strict=True)),
    }


@pytest.fixture(params=ways())
def made(request, two_threads):
    return ways()[request.param]


def test_large_outputs_are_recycled(made):
    for got, want in made():
        assert handler(got) == "allcores"
        assert got.flags.owndata
        assert got.base is None
        assert address(got) % 64 == 0
        np.testing.assert_allclose(got, want, rtol=1e-12)
    del got
    before = _memory.usage()
    for got, want in made():
        np.testing.assert_allclose(got, want, rtol=1e-12)
    assert reused(before) >= 1


def test_small_outputs_are_numpys(two_threads):
    assert handler(ours(1000)) == "default_allocator"
    assert handler(ac.sum(np.ones((3, 1000)), axis=0)) == "default_allocator"
    assert handler(ac.matmul(np.ones((9, 9)), np.ones((9, 9)))) == "default_allocator"


def test_outputs_that_turn_out_small_are_the_heaps(two_threads):
    """Nothing of what the recycler keeps is for them: a product is known to be small only when NumPy makes it."""
    wide = np.ones((20, 30_000), dtype=np.int64)
    before = _memory.usage()
    product = ac.matmul(wide, wide.T)
    assert (product == 30_000).all()
    assert handler(product) == "allcores"
    assert _memory.usage() == before
    for size in (100, 600, 7, 300_000, 400_000, 5):  # over the limit, where it moves to recycled memory, and back
        product.resize(size, refcheck=False)
        assert (product[:5] == 30_000).all()
        assert not product[400:].any()


def test_none_at_bound_zero(two_threads):
    with ac.limit(recycle_bytes=0):
        assert handler(ours()) == "default_allocator"
        assert _memory.usage()["kept"] == 0


def test_numpys_own_outputs_are_not(two_threads):
    ours()
    assert handler(np.ones(SIZE) + 1) == "default_allocator"


# --- kept and given back --------------------------------------------------------------------------------------------


def test_the_same_memory_again(two_threads):
    first = ours()
    at = address(first)
    del first
    kept = _memory.usage()
    assert kept["blocks"] == 1
    assert kept["kept"] >= 8 * SIZE
    second = ours(SIZE - 100)
    assert address(second) == at
    assert _memory.usage()["kept"] == 0
    assert address(ours()) != at


def test_a_block_far_too_large_is_not_taken(two_threads):
    del_me = ours(4 * SIZE)
    at = address(del_me)
    del del_me
    assert address(ours()) != at


def test_never_more_than_the_bound(two_threads):
    rng = np.random.default_rng(3)
    held = []
    for size in rng.integers(SIZE, 20 * SIZE, 60):
        held.append(ours(size))
        if len(held) > 3:
            held.pop(int(rng.integers(3)))
        assert _memory.usage()["kept"] <= 64 * MIB
    held.clear()
    assert 0 < _memory.usage()["kept"] <= 64 * MIB
    with ac.limit(recycle_bytes=8 * MIB):
        assert _memory.usage()["kept"] <= 8 * MIB
        assert ac.info()["recycled"]["bound"] == 8 * MIB
    assert ac.info()["recycled"]["bound"] == 64 * MIB
    _memory.release()
    assert _memory.usage()["kept"] == _memory.usage()["blocks"] == 0


def test_many_blocks(two_threads):
    held = [ours(SIZE // 2) for _ in range(100)]
    with ac.limit(recycle_bytes=2**40):
        held.clear()
        assert 0 < _memory.usage()["blocks"] <= 64


# --- arrays as any other --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, SIZE - 5, SIZE + 1, 3 * SIZE])
def test_resize(size, two_threads):
    array = ours()
    array += np.arange(SIZE)
    want = np.arange(min(size, SIZE)) + 2.0
    array.resize(size, refcheck=False)
    np.testing.assert_array_equal(array[: want.size], want)
    assert not array[want.size :].any()


def test_freed_by_another_thread(two_threads):
    box = [ours()]
    thread = threading.Thread(target=box.clear)
    thread.start()
    thread.join()
    assert _memory.usage()["blocks"] == 1


def test_views_keep_it(two_threads):
    array = ours()
    view = array[5:9]
    del array
    others = [ours() for _ in range(3)]
    assert all(address(one) != view.__array_interface__["data"][0] - 40 for one in others)
    np.testing.assert_array_equal(view, 2.0)


def test_pickle(two_threads):
    array = ours()
    for protocol in (2, 5):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(array, protocol)), array)


def test_too_large(two_threads):
    huge = np.broadcast_to(np.ones(1), (2**30, 2**20))
    before = _memory.usage()["blocks"]
    with pytest.raises(MemoryError):
        ac.add(huge, 1.0)
    assert _memory.usage()["blocks"] <= before
    assert handler(np.empty(SIZE)) == "default_allocator"


def test_calls_of_many_threads(two_threads):
    wrong = []

    def work(seed):
        rng = np.random.default_rng(seed)
        held = []
        for size in rng.integers(SIZE // 2, 2 * SIZE, 30):
            held.append(ac.add(np.full(size, seed), 1.0))
            if len(held) > 2:
                wrong.extend(one for one in held if not (one == seed + 1.0).all())
                held.pop(0)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert _memory.usage()["kept"] <= 64 * MIB


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork here")
def test_forked_while_others_allocate():
    """The child can free and make outputs, and what the parent had is as it was."""
    run_script(
        """
import os, signal, threading, warnings
import numpy as np
import allcores as ac
from allcores import _driver
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*multi-threaded.*")
_driver.configure(usable_cores=4, threads=2, parallel_from=1)
x = np.ones(2**18)
stop = threading.Event()
def work():
    while not stop.is_set():
        ac.add(x, 1.0)
workers = [threading.Thread(target=work) for _ in range(3)]
for worker in workers:
    worker.start()
mine = ac.add(x, 4.0)
try:
    for _ in range(30):
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            good = (mine == 5.0).all()
            for i in range(5):
                good = good and (ac.add(x, float(i)) == i + 1.0).all()
            os._exit(0 if good else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
finally:
    stop.set()
    for worker in workers:
        worker.join()
assert (mine == 5.0).all()
"""
    )


# --- how much -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "error"),
    [(-1, ValueError), (True, ValueError), (1.5, TypeError), ("1", TypeError)],
)
def test_bad_bounds(given, error):
    with pytest.raises(error, match=r"^recycle_bytes must be a non-negative integer, got .+"):
        ac.limit(recycle_bytes=given)


def test_environment():
    assert recycle_bytes_from_environment({"ALLCORES_RECYCLE_BYTES": "0"}) == 0
    assert recycle_bytes_from_environment({"ALLCORES_RECYCLE_BYTES": " 4096 "}) == 4096
    assert 0 <= recycle_bytes_from_environment({}) <= 2**30
    with pytest.warns(RuntimeWarning, match="ALLCORES_RECYCLE_BYTES must be a number of bytes, got 'lots'"):
        assert recycle_bytes_from_environment({"ALLCORES_RECYCLE_BYTES": "lots"}) == recycle_bytes_from_environment({})


MEMORY = {
    "none": ("0::/\n", {}, 8 * MIB),
    "v2": ("0::/a\n", {"a/memory.max": "5242880", "a/memory.current": "1048576"}, 4 * MIB),
    "v2_max": ("0::/a\n", {"a/memory.max": "max", "a/memory.current": "1048576"}, 8 * MIB),
    "v2_parent": ("0::/a/b\n", {"a/memory.max": "2097152", "a/memory.current": "0", "a/b/memory.max": "max"}, 2 * MIB),
    "v2_over": ("0::/a\n", {"a/memory.max": "1048576", "a/memory.current": "2097152"}, 0),
    "v2_files": ("0::/a\n", {"a/memory.max": "3145728", "a/memory.current": "3145728",
                             "a/memory.stat": "anon 4096\ninactive_file 1048576\n"}, MIB),
    "v2_garbage": ("0::/a\n", {"a/memory.max": "lots"}, 8 * MIB),
    "v1": ("7:memory:/j\n", {"memory/j/memory.limit_in_bytes": "3145728", "memory/j/memory.usage_in_bytes": "1048576"},
           2 * MIB),
    "v1_none": ("7:memory:/j\n", {"memory/j/memory.limit_in_bytes": "9223372036854771712",
                                  "memory/j/memory.usage_in_bytes": "1048576"}, 8 * MIB),
}  # fmt: skip


@pytest.mark.parametrize("name", MEMORY)
def test_memory_headroom(name, tmp_path):
    own, files, want = MEMORY[name]
    root = tmp_path / "cgroup"
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (tmp_path / "own").write_text(own)
    (tmp_path / "meminfo").write_text("MemTotal: 99999 kB\nMemAvailable:    8192 kB\n")
    assert memory_headroom(tmp_path / "own", root, tmp_path / "meminfo") == want


def test_memory_headroom_of_no_table(tmp_path):
    assert memory_headroom(tmp_path / "own", tmp_path, tmp_path / "none") == math.inf


# --- BLAS -----------------------------------------------------------------------------------------------------------


def blas_threads():
    return [one["num_threads"] for one in ac.info()["libraries"] if one["user_api"] == "blas"]


def test_blas_threads():
    before = blas_threads()
    with ac.limit(blas=1):
        assert set(blas_threads()) <= {1}
        with ac.limit(threads=2, blas=2):
            assert set(blas_threads()) <= {1, 2}
        assert set(blas_threads()) <= {1}
    assert blas_threads() == before


@pytest.mark.parametrize("given", [0, -3, True])
def test_bad_blas_threads(given):
    with pytest.raises(ValueError, match=f"^blas must be a positive integer, got {given}$"):
        ac.limit(blas=given)
