"""install(), uninstall(), accelerate(): what they change in NumPy, and that it is changed back exactly."""

import ctypes
import threading

import numpy as np
import pytest
from support import UFUNC_KERNELS, run_script

import allcores as ac
from allcores.install import installed


class Head(ctypes.Structure):
    """The head of NumPy's PyUFuncObject."""

    _fields_ = [
        ("refcount", ctypes.c_ssize_t), ("type", ctypes.c_void_p),
        ("nin", ctypes.c_int), ("nout", ctypes.c_int), ("nargs", ctypes.c_int), ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)), ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int), ("reserved1", ctypes.c_int),
        ("name", ctypes.c_char_p), ("types", ctypes.POINTER(ctypes.c_char)), ("doc", ctypes.c_char_p),
        ("ptr", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("userloops", ctypes.c_void_p),
        ("core_enabled", ctypes.c_int), ("core_num_dim_ix", ctypes.c_int),
        ("core_num_dims", ctypes.c_void_p), ("core_dim_ixs", ctypes.c_void_p), ("core_offsets", ctypes.c_void_p),
        ("core_signature", ctypes.c_void_p), ("type_resolver", ctypes.c_void_p), ("dict", ctypes.c_void_p),
        ("vectorcall", ctypes.c_void_p),
    ]  # fmt: skip


def head(ufunc):
    return Head.from_address(id(ufunc))


def state():
    """Return every pointer of NumPy's ufuncs that a call goes through."""
    found = {}
    for name in UFUNC_KERNELS:
        ufunc = UFUNC_KERNELS[name].reference
        one = head(ufunc)
        assert one.name.decode() == ufunc.__name__
        assert one.nargs == ufunc.nargs
        assert one.ntypes == ufunc.ntypes
        loops = [one.functions[i] for i in range(one.ntypes)]
        data = [one.data[i] for i in range(one.ntypes)] if one.data else None
        found[name] = (one.vectorcall, loops, data, ufunc.types)
    return found


BEFORE = state()
A = np.arange(1.0, 301)


@pytest.fixture(autouse=True)
def undone():
    yield
    while installed():
        ac.uninstall()
    assert state() == BEFORE


def regions():
    return ac.info()["regions"]


def test_calls_of_numpy_run_on_threads(two_threads, with_openmp):
    ac.install()
    for call in (
        lambda: np.add(A, A),
        lambda: A + A,
        lambda: A * 2.0,
        lambda: 2.0 - A,
        lambda: -A,
        lambda: A**2.0,
        lambda: np.sqrt(A, out=A.copy()),
        lambda: A.__iadd__(0.0),
        lambda: A[:, None] + A,
        lambda: A.astype("f4") + A,
        lambda: A > 3,
        lambda: np.exp(A.reshape(20, 15).T),
        lambda: np.add(A, A, where=A > 3, out=A.copy()),
        lambda: np.linalg.norm(A.reshape(20, 15), axis=1, ord=1),
    ):
        before = regions()
        call()
        assert regions() > before
    ac.uninstall()
    before = regions()
    np.add(A, A)
    assert regions() == before


def test_results_are_numpys_to_the_bit(threads):
    x = np.random.default_rng(0).uniform(0.1, 0.9, 1001)
    want = {name: UFUNC_KERNELS[name].reference for name in ("exp", "log", "sin", "tanh", "sqrt", "cbrt", "arctan")}
    want = {name: (ufunc, ufunc(x), ufunc(x[::2]), ufunc(x.astype("f4"))) for name, ufunc in want.items()}
    total, product = x.sum(), x @ x
    with ac.accelerate():
        for ufunc, *results in want.values():
            for result, operand in zip(results, (x, x[::2], x.astype("f4")), strict=True):
                assert ufunc(operand).tobytes() == result.tobytes()
        assert x.sum() == total
        assert x @ x == product


def test_every_pointer_is_restored():
    for _ in range(3):
        ac.install()
        assert state() != BEFORE
        ac.uninstall()
        assert state() == BEFORE


def test_types_and_names_stay_while_installed():
    ac.install()
    for name in UFUNC_KERNELS:
        assert UFUNC_KERNELS[name].reference.types == BEFORE[name][3]
    assert type(np.add) is np.ufunc
    assert repr(np.add) == "<ufunc 'add'>"
    ac.add(A, A)
    import pickle

    assert pickle.loads(pickle.dumps(np.add)) is np.add


def test_nested():
    ac.install()
    ac.install()
    assert ac.info()["installed"]
    ac.uninstall()
    assert installed()
    assert state() != BEFORE
    with ac.accelerate(), ac.accelerate():
        pass
    assert installed()
    ac.uninstall()
    assert not installed()


def test_accelerate_undoes_also_after_an_error():
    with pytest.raises(ZeroDivisionError), ac.accelerate():
        1 / 0
    assert not installed()


def test_uninstall_without_install():
    with pytest.raises(RuntimeError, match="allcores is not installed under NumPy"):
        ac.uninstall()


def patch(field, index, value):
    """Write one pointer of np.add, as another package might; return what was there."""
    one = head(np.add)
    if field == "call":
        before, one.vectorcall = one.vectorcall, value
    else:
        before, one.functions[index] = one.functions[index], value
    return before


LINE = np.add.types.index("dd->d")


@pytest.mark.parametrize(("field", "place"), [("call", "the call"), ("loop", "the loop dd->d")])
def test_a_foreign_patch_is_refused(field, place):
    other = head(np.subtract).functions[np.subtract.types.index("dd->d")] if field == "loop" else 1
    before = patch(field, LINE, other)
    try:
        patched = state()
        with pytest.raises(RuntimeError) as caught:
            ac.install()
        assert str(caught.value) == (
            f"another package has replaced {place} of numpy.add; remove its patch before allcores.install()"
        )
        assert not installed()
        assert state() == patched
    finally:
        patch(field, LINE, before)


@pytest.mark.parametrize(("field", "place"), [("call", "the call"), ("loop", "the loop dd->d")])
def test_a_foreign_patch_on_top_of_ours_stays(field, place):
    ac.install()
    other = head(np.subtract).functions[np.subtract.types.index("dd->d")] if field == "loop" else 1
    ours = patch(field, LINE, other)
    with pytest.raises(RuntimeError, match=f"another package has replaced {place} of numpy.add since"):
        ac.uninstall()
    assert not installed()
    now = state()
    assert patch(field, LINE, ours) == other, "the foreign patch was taken away"
    # What that package puts back, when it goes, is ours: it must work, and be serial.
    before = regions()
    assert (np.add(A, A) == 2 * A).all()
    assert regions() == before
    original = BEFORE["add"][0] if field == "call" else BEFORE["add"][1][LINE]
    patch(field, LINE, original)
    del now


def test_reductions_and_accumulations_stay_right(threads):
    x = np.random.default_rng(1).integers(0, 100, 5001)
    matrix = x[:5000].reshape(50, 100)
    calls = [
        lambda: np.add.reduce(x),
        lambda: np.add.accumulate(x),
        lambda: np.cumsum(matrix, axis=0),
        lambda: matrix.sum(axis=0),
        lambda: matrix.max(axis=1),
        lambda: np.add.reduceat(x, [0, 100, 50]),
        lambda: np.multiply.outer(x[:50], x[:60]),
        lambda: x.any(),
        lambda: np.logical_and.reduce(matrix > 3, axis=1),
        lambda: np.diff(x),
        lambda: np.add(x[1:], x[:-1], out=x.copy()[1:]),
    ]
    want = [call() for call in calls]
    with ac.accelerate():
        for call, result in zip(calls, want, strict=True):
            np.testing.assert_array_equal(call(), result)
    counts = np.zeros(10, int)
    with ac.accelerate():
        np.add.at(counts, x % 10, 1)
    np.testing.assert_array_equal(counts, np.bincount(x % 10, minlength=10))


@pytest.mark.parametrize("dtype", ["?", "i4", "i8", "f4", "f8", "c16", "O"])
def test_matrix_products_stay_numpys(threads, dtype):
    a = (np.arange(300 * 20).reshape(300, 20) % 7).astype(dtype)
    b = (np.arange(20 * 20).reshape(20, 20) % 5).astype(dtype)
    calls = [
        lambda: a @ b,
        lambda: a @ b[0],
        lambda: a.copy().__imatmul__(b),
        lambda: np.matmul(a.T, a, out=np.empty((20, 20), dtype)),
        lambda: np.linalg.vecdot(a, a[:1]),
    ]
    want = [call() for call in calls]
    with ac.accelerate():
        for call, result in zip(calls, want, strict=True):
            np.testing.assert_array_equal(call(), result)


def test_overlapping_updates_in_place(threads):
    with ac.accelerate():
        for make in (
            lambda x: np.add(x[:-1], x[1:], out=x[1:]),
            lambda x: np.add(x[1:], x[:-1], out=x[:-1]),
            lambda x: np.add(x, x[::-1], out=x),
            lambda x: x.__iadd__(x[0]),
            lambda x: np.add(x[:-3], 1, out=x[3:]),
        ):
            ours = np.arange(301)
            make(ours)
            with ac.limit(threads=1):
                want = np.arange(301)
                make(want)
            np.testing.assert_array_equal(ours, want)


def test_threads_call_while_others_install_and_uninstall(force):
    stop = threading.Event()
    wrong = []

    def work(seed):
        x = np.random.default_rng(seed).uniform(1, 2, 500)
        want = (x * 2 + np.log(x)).tobytes()
        with ac.limit(threads=3):
            while not stop.is_set():
                if (x * 2 + np.log(x)).tobytes() != want:
                    wrong.append(seed)

    with force(3):
        workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for worker in workers:
            worker.start()
        for _ in range(100):
            with ac.accelerate():
                pass
        stop.set()
        for worker in workers:
            worker.join()
    assert not wrong


def test_scipy_and_others_get_faster_through_numpy(two_threads, with_openmp):
    signal = pytest.importorskip("scipy.signal")
    x = np.random.default_rng(0).normal(size=2000)
    want = signal.detrend(x)
    before = regions()
    with ac.accelerate():
        np.testing.assert_array_equal(signal.detrend(x), want)
    assert regions() > before


def test_exit_while_installed():
    done = run_script("import numpy as np, allcores as ac; ac.install(); np.add(np.ones(10**6), 1); print('end')")
    assert done.stdout == "end\n"
    assert done.stderr == ""


def test_importing_changes_nothing_in_numpy():
    run_script(
        """
        import ctypes, os, threading
        import numpy as np
        words = {name: ctypes.string_at(id(np.add), 200) for name in ["add"]}
        environment = dict(os.environ)
        threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else None
        import allcores as ac
        ac.add(np.ones(10), 1)
        assert dict(os.environ) == environment
        if threads:
            assert len(os.listdir("/proc/self/task")) == threads
        # the count of references may change, nothing after it
        assert ctypes.string_at(id(np.add), 200)[8:] == words["add"][8:]
        """
    )
