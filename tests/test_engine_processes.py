"""Array functions in processes: same bits, warnings and errors as on threads, whatever becomes of the workers.

Most tests have the parts of a call done here, one after another, by what a worker would run: thousands of calls are
possible so. Those at the end use workers.
"""

import contextlib
import os
import signal
import sys
import threading

import numpy as np
import pytest
import test_random_calls as random_calls
import test_reductions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import UFUNC_KERNELS, differences, outcome, run_script

import allcores as ac
from allcores import _reductions, _ufuncs, explaining, limits
from allcores.calls import executors
from allcores.engines import processes
from allcores.kernels import KERNELS
from allcores.plan.costs import seeds
from allcores.plan.model import Limits, State, Workload
from allcores.plan.plan import plan

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="shared arrays are for Linux")

PATIENCE = 60


def without_owner(found):
    """Outputs lie in shared memory: they are views of it."""
    results = found.result if isinstance(found.result, tuple) else (found.result,)
    copies = tuple(one.copy("K") if isinstance(one, np.ndarray) else one for one in results)
    found.result = copies if isinstance(found.result, tuple) else copies[0]
    return found


def same(function, *args, out=None, **kwargs):
    """Compare a call on threads to one in processes, each with its own outputs."""
    found = []
    for engine in ("threads", "processes"):  # small ones are left to NumPy by neither
        written = []
        if out is not None:
            written = [one.copy("K") for one in out]
            kwargs["out"] = tuple(written) if len(written) > 1 else written[0]
        with ac.using(engine):
            found.append(without_owner(outcome(function, *args, written=written, **kwargs)))
    return differences(*reversed(found))


# --- ufuncs -----------------------------------------------------------------------------------------------------------


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(call=random_calls.calls(), name=st.sampled_from(random_calls.EXACT))
def test_any_call_of_two_operands(here, call, name):
    inputs, kwargs = call
    out = kwargs.pop("out", None)
    nout = UFUNC_KERNELS[name].reference.nout
    assert same(UFUNC_KERNELS[name].function, *inputs, out=None if out is None else (out,) * nout, **kwargs) == ""


@pytest.mark.parametrize("name", sorted(UFUNC_KERNELS))
def test_every_ufunc(here, name):
    kernel = UFUNC_KERNELS[name]
    types = {"FF->F", "dd->d", "ff->f", "ll->l", "??->?", "bb->b", "d->d", "f->f", "l->l", "D->D", "?->?"}
    types |= {"d->dd", "d->di", "dl->d", "dd->?", "d->?", "ll->?", "dd->dd", "ll->ll", "d->l", "l->B"}
    lines = [line for line in kernel.reference.types if line in types]
    before = here.calls
    for line in lines:
        inputs = [random_calls.values(np.dtype(char), 130, 3, special=True) for char in line.split("->")[0]]
        assert same(kernel.function, *inputs) == ""
        assert same(kernel.function, *(one[::-2].reshape(5, 13) for one in inputs)) == ""
    assert here.calls > before or not lines


def test_outputs_and_masks(here):
    a, mask = np.linspace(-2, 3, 300), np.arange(300) % 3 == 0
    for out in (np.full(300, 7.0), ac.shared.full(300, 7.0), np.full(600, 7.0)[::2], np.full(300, 7.0, np.float32)):
        want = np.full(300, 7.0, out.dtype)
        np.add(a, 1, out=want, where=mask, casting="same_kind")
        with ac.using("processes"):
            assert ac.add(a, 1, out=out, where=mask, casting="same_kind") is out
        assert out.tobytes() == want.tobytes()
    assert here.calls


def test_outputs_over_operands(here):
    for make in (np.asarray, ac.shared.array):
        a = make(np.arange(500.0))
        with ac.using("processes"):
            ac.multiply(a, 2, out=a)
            assert a.tolist() == (np.arange(500.0) * 2).tolist()
            before = here.calls
            ac.add(a[1:], a[:-1], out=a[1:])  # what NumPy copies first
            assert here.calls == before
        want = np.arange(500.0) * 2
        np.add(want[1:], want[:-1], out=want[1:])
        assert a.tolist() == want.tolist()


def test_where_outputs_lie(here):
    with ac.using("processes"):
        for model in (np.ones((5, 6)), np.ones((6, 5)).T, np.ones((3, 4, 5)).transpose(1, 2, 0)):
            result = ac.add(model, 1)
            assert type(result) is np.ndarray
            assert ac.shared.is_shared(result)
            assert result.strides == np.add(model, 1).strides


def test_ufuncs_of_others(here):
    ours = ac.parallel(np.hypot, cost=3.0)
    assert ac.parallel(np.hypot, cost=3.0) is ours
    assert same(ours, np.arange(100.0), 3.0) == ""
    assert here.calls == 1


def test_installed(here):
    ac.install()
    try:
        with ac.using("processes"):
            got = np.sin(np.arange(100.0))
    finally:
        ac.uninstall()
    assert got.tobytes() == np.sin(np.arange(100.0)).tobytes()


# --- other element-wise functions ---

X = np.array([0.5, np.nan, -np.inf, 2.345, np.inf, -7.0, 1e300] * 40)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: ac.where(x > 0, x, 1.0),
        lambda x: ac.where((x > 0).reshape(-1, 1), x, 1.0),
        lambda x: ac.nan_to_num(x),
        lambda x: ac.nan_to_num(x, copy=False),
        lambda x: ac.round(x, 2),
        lambda x: ac.clip(x, -1, 1),
        lambda x: ac.isclose(x, x + 1e-9, equal_nan=True),
        lambda x: ac.allclose(x, x, equal_nan=True),
        lambda x: ac.allclose(x, x),
        lambda x: ac.array_equal(x, x.copy(), equal_nan=True),
        lambda x: ac.array_equal(x[::-1], x),
        lambda x: ac.array_equal(x.reshape(8, -1).T > 0, x.reshape(8, -1).T > 0),
    ],
)
@pytest.mark.parametrize("shared", [False, True], ids=["ordinary", "shared"])
def test_other_elementwise_functions(here, call, shared):
    for dtype in "df":
        with np.errstate(over="ignore"):
            x = X.astype(dtype)
        found = []
        for engine in ("threads", "processes"):
            mine = ac.shared.array(x) if shared else x.copy()
            with ac.using(engine):
                found.append(without_owner(outcome(call, mine, written=[np.asarray(mine)])))
        assert differences(*reversed(found)) == ""
    assert here.calls


# --- reductions -------------------------------------------------------------------------------------------------------


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(call=test_reductions.calls())
def test_any_reduction(here, call):
    name, x, options = call
    assert same(KERNELS[name].function, x, **options) == ""


@pytest.mark.parametrize(
    "name",
    sorted(
        name for name, k in KERNELS.items() if k.family in ("reduction", "summary") and not name.startswith("weighted")
    ),
)
@pytest.mark.parametrize("layout", ["C", "F", "gaps", "thin", "reversed", "broadcast", "windows"])
def test_every_reduction_of_every_layout(here, name, layout):
    x = np.random.default_rng(5).standard_normal((40, 60))
    x = {
        "C": x,
        "F": np.asfortranarray(x),
        "gaps": np.repeat(np.repeat(x, 2, 0), 3, 1)[::2, ::3],
        "thin": np.repeat(x, 70, 1)[:, ::70],
        "reversed": x[::-1, ::-1],
        "broadcast": np.broadcast_to(x[:, :1], x.shape),
        "windows": np.lib.stride_tricks.sliding_window_view(x[0], 30),
    }[layout]
    function = KERNELS[name].function
    axes = [0, 1, -1] if "arg" in name else [None, 0, 1, (0, 1)]
    for axis in axes:
        assert same(function, x, axis=axis) == ""
    assert here.calls


def test_initial_values_and_outputs_of_reductions(here):
    x = np.random.default_rng(1).standard_normal((700, 9))
    assert same(ac.sum, x, axis=0, initial=3.0) == ""
    assert same(ac.prod, x, axis=1, initial=3.0) == ""
    for out in (np.empty(9), ac.shared.empty(9), np.empty(18)[::2]):
        with ac.using("processes"):
            assert ac.sum(x, axis=0, out=out) is out
        assert np.asarray(out).tobytes() == np.sum(x, axis=0).tobytes()


@pytest.mark.parametrize("name", ["argmax", "argmin", "nanargmax", "nanargmin"])
def test_places_in_operands_with_gaps(here, name):
    """A copy of such an operand, for workers, has its elements elsewhere."""
    function = KERNELS[name].function
    x = np.random.default_rng(3).standard_normal((40_000, 3))
    for operand in (x[:, 1], x[:, 1].astype(np.int8), x[::-3], x[::5].T, x.astype(np.int8)[::4, ::2]):
        assert same(function, operand) == ""
        assert same(function, operand, keepdims=True) == ""
        assert same(function, operand, axis=0) == ""
    before = here.calls
    assert same(function, ac.shared.array(x)[:, 1]) == ""
    assert same(function, x[:, :2]) == ""
    assert here.calls == before + 2


@pytest.mark.parametrize("size", [160, 4096, 1_000_000])
def test_numpys_buffers_of_another_size(here, size):
    """They decide what makes a row of operands that are cast."""
    x = np.random.default_rng(4).standard_normal((300, 97)).astype(np.float32)
    before = np.setbufsize(size)
    try:
        for axis in (None, 0, 1):
            assert same(ac.sum, x[:, ::2], axis=axis, dtype=np.float64) == ""
            assert same(ac.sum, x.T, axis=axis, dtype=np.float64) == ""
        assert np.getbufsize() == size
    finally:
        np.setbufsize(before)


def test_warnings_of_reductions(here):
    x = np.full((400, 7), np.nan)
    x[:, 3] = 1
    for name in ("nanmean", "nanmin", "nanmax", "nanvar", "nansum"):
        assert same(KERNELS[name].function, x, axis=0) == ""
    assert same(ac.nanargmin, x, axis=0) == ""  # an error
    assert same(ac.sum, np.array([1e308] * 5000)) == ""
    with np.errstate(over="raise"):
        assert same(ac.sum, np.array([1e308] * 5000)) == ""
        assert same(ac.multiply, np.array([1e308] * 500), 10) == ""


def test_calls_within_a_call(here):
    """What np.errstate calls may compute itself."""
    found = []
    with np.errstate(all="call", call=lambda *_: found.append(ac.add(np.arange(300.0), 1))), ac.using("processes"):
        assert ac.divide(np.ones(200), 0.0)[0] == np.inf
        assert ac.sum(np.full((2, 9000), 1e308), axis=1).tolist() == [np.inf] * 2
    assert len(found) >= 2
    assert all(np.array_equal(one, np.arange(1, 301)) for one in found)


# --- who does it ------------------------------------------------------------------------------------------------------


def test_small_calls_and_products_stay_here(here):
    with ac.using("processes"):
        assert ac.add(1, 2) == 3
        assert ac.add(np.ones(1), 2) == 3
        ac.add(np.array([1, None, 3], object)[::2], 1)
        ac.matmul(np.ones((30, 30)), np.ones((30, 30)))
        assert here.calls == 0
        with ac.limit(threads=1):
            ac.add(np.ones(300), 1)
        assert here.calls == 0
        ac.add(np.ones(2), 1)
        assert (here.calls, here.parts) == (1, 2)


def test_in_other_threads_it_is_not_asked_for(here):
    with ac.using("processes"):
        thread = threading.Thread(target=ac.add, args=(np.ones(300), 1))
        thread.start()
        thread.join()
    assert here.calls == 0


def test_where_there_are_no_threads_shared_operands_go_to_processes(here, monkeypatch):
    asked = []
    monkeypatch.setattr(processes, "limits_here", lambda: Limits(1, unable="there is no OpenMP", processes=2))
    monkeypatch.setattr(processes, "state_here", lambda: State())
    monkeypatch.setattr(processes, "is_warm", lambda: asked.append(1) or True)
    shared, large = ac.shared.zeros(3_000_000), np.zeros(3_000_000)

    def chosen(*operands, ns):
        made = processes.call("run_loop", (ac.add, False, 0, (*operands, None), None, 0, 3_000_000), ns, False)
        return made is not None

    assert chosen(shared, shared, ns=1e8)
    assert chosen(shared, np.float64(2.0), ns=1e8)
    assert not chosen(shared, large, ns=1e8)
    assert not chosen(shared, shared, ns=1e5)
    assert asked


def test_by_itself_what_workers_cannot_do_stays_here(here, monkeypatch):
    monkeypatch.setattr(processes, "limits_here", lambda: Limits(1, unable="there is no OpenMP", processes=2))
    monkeypatch.setattr(processes, "is_warm", lambda: True)
    shared = ac.shared.ones(3_000_000)
    for out in ([1.0], (None,), "text"):  # NumPy says what is wrong with it, later
        args = (_reductions.ADD, shared, None, None, out, False, np._NoValue, None, 0.0)
        assert processes.call("reduce_part", args, 1e9, False) is not None
    nameless = _ufuncs.own_mathematics("exp", "Found in no module.")
    assert processes.call("run_loop", (nameless, False, 0, (shared, None), None, 0, 3_000_000), 1e9, False) is None
    assert processes.call("run_loop", (ac.exp, False, 0, (shared, None), None, 0, 3_000_000), 1e9, False) is not None


def test_what_has_no_name_says_so(two_workers):
    nameless = ac.parallel(_ufuncs.own_mathematics("exp", "Found in no module."))
    with ac.using("processes"), pytest.raises(ac.UnpicklableTask, match="exp cannot be pickled"):
        nameless(A)
    assert nameless(A).shape == A.shape


def test_plans():
    costs = seeds()
    alone = Limits(1, unable="this build has no OpenMP", processes=4)
    work = Workload(10**7, 1e9, 1.6e8, shared=True)
    warm = plan(work, costs, alone, State(warm=True))
    assert (warm.engine, warm.workers, warm.chunk) == ("processes", 4, 2_500_000)
    assert "no OpenMP" in warm.why
    assert warm.expected < plan(work, costs, alone, State(warm=False)).expected
    assert plan(work._replace(ns=1e8), costs, alone, State(warm=False)).engine == "serial"  # starting takes longer
    assert plan(work._replace(shared=False), costs, alone, State(warm=True)).engine == "serial"
    assert plan(work, costs, alone._replace(processes=1), State(warm=True)).engine == "serial"
    assert plan(work, costs, alone._replace(engine="serial"), State(warm=True)).engine == "serial"
    assert plan(work, costs, Limits(4, processes=4), State(cores=4)).engine == "threads"
    forced = Limits(4, engine="processes", processes=3)
    assert plan(Workload(2, 1.0), costs, forced, State()).workers == 2
    assert plan(Workload(9, 1.0), costs, forced, State()).workers == 3
    assert plan(Workload(1, 1.0), costs, forced, State()).engine == "serial"
    assert plan(Workload(9, 1.0, unfit="NumPy does it"), costs, forced, State()).engine == "serial"


def test_explain(here, capsys):
    with ac.using("processes"):
        found = ac.explain(ac.add, np.ones(300), 1)
        assert ac.explain(ac.where, np.ones(300) > 0, 1.0, 2.0).engine == "processes"
        assert ac.explain(ac.matmul, np.ones((30, 30)), np.ones((30, 30))).engine != "processes"
    assert (found.engine, found.why) == ("processes", "asked for")
    for name, *args in (("clip", 0.0, 1.0), ("round",), ("round", 2), ("isclose", 1.0), ("around", 0), ("mean",)):
        function, before = KERNELS[name].function, here.calls
        with ac.using("processes"):
            expected = ac.explain(function, A, *args).engine == "processes"
            function(A, *args)
        assert (here.calls > before) == expected, name
    assert "processes" in capsys.readouterr().out


def test_explain_where_there_are_no_threads(here, monkeypatch):
    monkeypatch.setattr(explaining, "limits_here", lambda: Limits(1, unable="there is no OpenMP", processes=2))
    monkeypatch.setattr(executors, "is_warm", lambda: True)
    shared, plain = ac.shared.zeros(3_000_000), np.zeros(3_000_000)
    assert ac.explain(ac.gcd, shared.view(np.int64), 3).engine == "processes"
    assert ac.explain(ac.gcd, shared.view(np.int64), plain.view(np.int64)).engine == "serial"


# --- faults -----------------------------------------------------------------------------------------------------------


def test_a_part_that_is_cut_otherwise_is_noticed():
    part = processes._Part("reduce_part", [], [], [], 2, 5)
    part._args = [0, np.ones(70_000), None, None, None, False, np._NoValue, None, 0.0]
    part._outputs = [ac.shared.empty(())]
    part._memory = [np.zeros(4096, np.uint8)]
    with pytest.raises(RuntimeError, match="partial results"):
        part(0)


def test_errors_of_loops_and_of_what_has_them_done(here, monkeypatch):
    integers = np.arange(1, 400)
    assert same(ac.power, integers, -integers) == ""

    def broken(*_):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(processes, "in_order", broken)
    with ac.using("processes"):
        for call in (lambda: ac.add(integers, 1), lambda: ac.sum(np.ones(99_999)), lambda: ac.argmax(np.ones(99_999))):
            with pytest.raises(KeyboardInterrupt):
                call()
    assert ac.sum(np.ones(99_999)) == 99_999  # nothing of it is left
    assert ac.sum(np.ones((3, 99_999)), axis=1).tolist() == [99_999] * 3


# --- workers ----------------------------------------------------------------------------------------------------------

A = np.random.default_rng(7).standard_normal((300, 1000))


@pytest.fixture
def two_workers(common_executors, monkeypatch):
    monkeypatch.setattr(limits, "workers_by_default", lambda: 2)


CALLS = {
    "add": lambda a: ac.add(a, a[0]),
    "sin": lambda a: ac.sin(a),
    "sum": lambda a: ac.sum(a),
    "rows": lambda a: ac.sum(a, axis=1),
    "columns": lambda a: ac.mean(a, axis=0),
    "var": lambda a: ac.var(a),
    "places": lambda a: ac.argmax(a, axis=0),
    "place": lambda a: ac.argmin(a),
    "nan": lambda a: ac.nanmax(a.T, axis=0),
    "square root": lambda a: ac.sqrt(a),  # which warns
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("shared", [False, True], ids=["ordinary", "shared"])
def test_in_workers(two_workers, call, shared):
    assert same(call, ac.shared.array(A) if shared else A) == ""


def test_from_several_threads(two_workers):
    want, wrong = np.sum(A), []

    def often():
        with ac.using("processes"):
            wrong.extend(ac.sum(A) != want or not np.array_equal(ac.add(A, 1), A + 1) for _ in range(10))

    threads = [threading.Thread(target=often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert wrong == [False] * 40


def die_once(path):
    with contextlib.suppress(FileExistsError):
        path.touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)


class Deadly(processes._Part):
    """A part in which a worker is killed, the first time."""

    path = None

    def __call__(self, number):
        done = super().__call__(number)
        die_once(self.path)
        return done


@pytest.fixture
def deadly(two_workers, monkeypatch, tmp_path):
    def make(*args):
        part = Deadly(*args)
        part.path = tmp_path / "died"
        return part

    monkeypatch.setattr(processes, "_Part", make)
    yield
    assert (tmp_path / "died").exists()


@pytest.mark.parametrize("call", [CALLS["add"], CALLS["sum"], CALLS["places"]])
def test_a_killed_workers_part_is_done_again(deadly, call):
    assert same(call, A) == ""


def test_but_not_where_it_would_be_done_twice(deadly):
    a = ac.shared.array(A)
    with ac.using("processes"), pytest.raises(ac.WorkerDied, match=r"SIGKILL while it ran allcores\.add"):
        ac.add(a, 1, out=a)
    b = A.copy()  # of which workers have copies
    with ac.using("processes"):
        ac.add(b, 1, out=b)
    assert np.array_equal(b, A + 1)


def test_ctrl_c():
    done = run_script(
        """
        import os, signal, threading, time
        import numpy as np
        import allcores as ac
        a = ac.shared.array(np.linspace(1, 2, 40_000_000))
        with ac.using("processes"):
            ac.sum(a)
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            start = time.perf_counter()
            try:
                while time.perf_counter() - start < 60:
                    ac.arctan2(a, 3.0, out=a)
            except KeyboardInterrupt:
                print(time.perf_counter() - start < 30, ac.sum(np.ones(100_000)))
        """
    )
    assert done.stdout.split() == ["True", "100000.0"]


def test_in_a_forked_child(two_workers):
    with ac.using("processes"):
        ac.add(A, 1)
    run_script(
        """
        import os
        import numpy as np
        import allcores as ac
        a = np.arange(100_000.0)
        with ac.using("processes"):
            want = ac.sum(ac.add(a, 1))
            if (pid := os.fork()) == 0:
                os._exit(0 if ac.sum(ac.add(a, 1)) == want else 1)
            assert os.waitpid(pid, 0)[1] == 0
        """
    )


def test_within_a_worker(two_workers):
    assert ac.submit(_nested).result(PATIENCE) == np.sum(A)


def _nested():
    with ac.using("processes"):
        return ac.sum(A)
