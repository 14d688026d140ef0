"""The plan of a call: the pure function against the driver, its promises, explain(), and costs in files."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import run_script

import allcores as ac
from allcores import _driver, calibration, measuring
from allcores.kernels import KERNELS
from allcores.plan import costs as files
from allcores.plan.machine import cache_bytes, cpu_name
from allcores.plan.model import Costs, Limits, State, Workload
from allcores.plan.plan import expected_ns, plan, serial_ns, team, thresholds
from allcores.samples import arguments, type_lines

AWAKE = State(awake=True, cores=64)
SEEDS = files.seeds(1e7)

starts = st.lists(st.floats(0, 1e5), min_size=2, max_size=8).map(lambda found: (0.0, *found))
bandwidths = st.lists(st.floats(1, 100), max_size=7).map(lambda found: tuple(np.cumsum(found).tolist()))
some_costs = st.builds(
    Costs,
    start=starts,
    start_asleep=starts,
    wake=st.just((6e4, 1.5e5)),
    cache_bytes=st.one_of(st.just(math.inf), st.floats(1e5, 1e9)),
    bandwidth=bandwidths,
    round_trip=st.just(1e5),
)


@contextlib.contextmanager
def used(costs):
    before = calibration.current()
    calibration.use(costs)
    try:
        yield
    finally:
        calibration.use(before)


@given(some_costs, st.integers(1, 2**20), st.floats(0, 1e12), st.floats(0, 1e12), st.booleans())
def test_driver_chooses_the_same_team(costs, limit, ns, nbytes, awake):
    with used(costs):
        assert _driver.team_of(limit, ns, nbytes, not awake) == team(limit, ns, nbytes, costs, awake=awake)


@given(some_costs, st.integers(1, 1024), st.floats(0, 1e10), st.floats(0, 1e12), st.booleans())
def test_team(costs, limit, ns, nbytes, awake):
    threads = team(limit, ns, nbytes, costs, awake=awake)
    assert 1 <= threads <= limit
    assert team(limit, 2 * ns + 1, 0, costs, awake=awake) >= team(limit, ns, 0, costs, awake=awake)
    assert team(limit, ns, nbytes, costs, awake=False) <= team(limit, ns, nbytes, costs, awake=True)
    if threads > 1 and nbytes == 0:
        # Half of it would be slower.
        state = State(awake=True)
        half = (threads + 1) // 2
        if awake and threads & (threads - 1) == 0:
            assert expected_ns(threads, ns, 0, costs, state) <= expected_ns(half, ns, 0, costs, state) * (1 + 1e-9)


@given(some_costs)
def test_thresholds_rise(costs):
    awake, asleep = thresholds(costs)
    assert list(awake) == sorted(awake)
    assert list(asleep) == sorted(asleep)
    assert all(one <= other for one, other in zip(awake, asleep, strict=True))


def test_memory_feeds_so_many_threads():
    costs = replace(SEEDS, bandwidth=(10.0, 20.0, 40.0, 80.0, 81.0, 81.0, 81.0))
    # 0.1 ns an element of 24 bytes: a thread is fed 10 bytes a nanosecond, eight take nearly all there is.
    found = plan(Workload(10**9, 1e8, 24e9), costs, Limits(64), AWAKE)
    assert found.workers == 16
    assert "memory" in found.why
    # Within the caches, and where the arithmetic takes longer, all.
    assert plan(Workload(10**9, 1e8, 9e6), costs, Limits(64), AWAKE).workers == 64
    assert plan(Workload(10**9, 1e11, 24e9), costs, Limits(64), AWAKE).workers == 64
    assert found.serial == pytest.approx(2.4)
    assert found.expected == pytest.approx(24 / 81, rel=0.01)


@pytest.mark.parametrize(
    ("workload", "limits", "state", "engine", "why"),
    [
        (Workload(10**6, 1e6), Limits(2), AWAKE, "threads", "1e+03 us of work"),
        (Workload(10**6, 1e6), Limits(1), AWAKE, "serial", "limit"),
        (Workload(10**6, 1e6), Limits(2, "serial"), AWAKE, "serial", "asked for"),
        (Workload(10, 1.0), Limits(2, "threads"), AWAKE, "threads", "asked for"),
        (Workload(1, 1e9), Limits(2, "threads"), AWAKE, "serial", "nothing to share"),
        (Workload(10**6, 1e6, unfit="of strings"), Limits(2), AWAKE, "serial", "of strings"),
        (Workload(10**6, 1e6), Limits(2, unable="forked"), AWAKE, "serial", "forked"),
        (Workload(100, 1e6, least=1024), Limits(2), AWAKE, "serial", "1,024"),
        (Workload(100, 1.0, least=1024), Limits(2, parallel_from=10), AWAKE, "threads", "PARALLEL_FROM"),
        (Workload(100, 1e9), Limits(2, parallel_from=1000), AWAKE, "serial", "PARALLEL_FROM"),
        (Workload(10**4, 5e3), Limits(2), AWAKE, "serial", "less than"),
        (Workload(10**5, 5e4), Limits(2), State(awake=False, wake=6e4, cores=2), "serial", "sleep"),
        (Workload(10**6, 5e5), Limits(2), State(awake=False, wake=6e4, cores=2), "threads", "waking"),
        (Workload(10**6, 5e5), Limits(2), State(crowded=1e6, cores=2), "serial", "other programs"),
        (Workload(10**8, 1e8), Limits(2), State(crowded=1e9, cores=2), "threads", "us of work"),
        (Workload(10**6, 1e6), Limits(2), State(busy=1, cores=2), "serial", "other calls"),
    ],
)
def test_plan(workload, limits, state, engine, why):
    found = plan(workload, SEEDS, limits, state)
    assert found.engine == engine
    assert (found.workers > 1) == (engine == "threads")
    assert why in found.why
    assert why in str(found)
    assert 1 <= found.chunk <= workload.elements
    if engine == "serial":
        assert found.expected == found.serial


def test_long_work_has_more_pieces_than_threads():
    found = plan(Workload(10**8, 1e9), SEEDS, Limits(2), AWAKE)
    assert found.workers == 2
    assert found.chunk == 10**8 // 2000


# --- explain --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_explain_says_what_happens(name, force, capsys, with_openmp):
    kernel = KERNELS[name]
    lines = [line for line in type_lines(kernel) if line[0] == "d"] or list(type_lines(kernel))
    if not lines:
        with pytest.raises(TypeError):
            ac.explain(kernel.function, np.ones(3))  # isnat
        return
    for size, parallel_from in ((30_000, 1000), (30_000, 10**9)):
        given = arguments(kernel, lines[0], size)
        with force(2, parallel_from):
            before = _driver.settings()["regions"]
            found = ac.explain(kernel.function, *given)
            assert _driver.settings()["regions"] == before, "explain() has called the function"
            assert str(found) in capsys.readouterr().out
            with np.errstate(all="ignore"):
                kernel.function(*given)
            happened = _driver.settings()["regions"] > before
        if not happened and "BLAS" in found.why:
            continue
        assert (found.engine == "threads") == happened, found


def test_explain_estimates_by_type():
    x = np.ones(100_000)
    with ac.using("serial"):
        one, other = ac.explain(ac.sin, x), ac.explain(ac.sin, x.astype("f4"))
        assert one.engine == other.engine == "serial"
        assert 0 < other.serial < one.serial < 1
        assert ac.explain(ac.sin, x, dtype="f4").serial == other.serial
        assert ac.explain(ac.add, x, 1).serial == ac.explain(ac.add, x, x).serial
        assert math.isnan(ac.explain(ac.add, x.astype(object), 1).serial)
        whole = ac.explain(ac.sum, x.reshape(100, -1), axis=0)
        assert whole.function == "sum"
        assert 0 < whole.serial < 1


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ac.explain(np.add, 1, 2), TypeError, "numpy.add"),
        (lambda: ac.explain(len, [1]), TypeError, "len"),
        (lambda: ac.explain(3), TypeError, "int"),
        (lambda: ac.explain(ac.add, 1), TypeError, "operands"),
        (lambda: ac.explain(ac.sum), TypeError, "operand"),
        (lambda: ac.explain(ac.dot, 1), TypeError, "operands"),
        (lambda: ac.explain(ac.add, np.ones(2), np.ones(3)), ValueError, "broadcast"),
        (lambda: ac.explain(ac.sin, np.ones(2, "c16"), dtype="f8"), TypeError, "sin"),
        (lambda: ac.explain(), TypeError, "func"),
    ],
)
def test_explain_refuses(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_explain_of_others():
    x = np.ones(10)
    assert "MaskedArray" in ac.explain(ac.add, np.ma.ones(3), 1).why
    assert "object" in ac.explain(ac.sum, x.astype(object)).why
    with ac.accelerate():
        assert ac.explain(np.add, x, x).function == "add"
    mine = ac.parallel(np.frompyfunc(abs, 1, 1))
    assert "NumPy alone has a loop" in ac.explain(mine, x).why


def test_explain_inside_limits(with_openmp):
    x = np.ones(10**6)
    with ac.limit(threads=1):
        assert "limit" in ac.explain(ac.sin, x).why


# --- costs ----------------------------------------------------------------------------------------------------------


KEY = {"cpu": "Any (R) CPU/0", "cores": 2, "allcores": "1"}
MEASURED = replace(
    SEEDS,
    bandwidth=(10.0, 19.0),
    kernels={"add": {"dd->d": 0.5}, "sum": {"d": 0.1}, "argmax": {"f": 0.2}},
    measured=True,
)


def test_file(tmp_path):
    path = tmp_path / "deeper" / "file.json"
    assert files.read(path, KEY) is None
    files.write(path, MEASURED, KEY)
    assert files.read(path, KEY) == MEASURED
    unknown = replace(MEASURED, cache_bytes=math.inf, bandwidth=())  # as where the system does not tell of caches
    files.write(path, unknown, KEY)
    assert files.read(path, KEY) == unknown
    files.write(path, replace(MEASURED, round_trip=7.0), KEY)
    assert files.read(path, KEY).round_trip == 7
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="other folders there")
def test_folder(monkeypatch):
    assert files.folder({"ALLCORES_CACHE_DIR": " /a/b "}) == Path("/a/b")
    assert files.folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/allcores")
    assert files.folder({}) == Path.home() / ".cache" / "allcores"

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    assert files.read(files.file_of(KEY, {}), KEY) is None
    with pytest.raises(NotADirectoryError):
        files.write(files.file_of(KEY, {}), MEASURED, KEY)


def test_left_over_parts_are_removed(tmp_path):
    old, new = tmp_path / "calibration-a.part", tmp_path / "calibration-b.part"
    for one in (old, new):
        one.write_text("x")
    os.utime(old, (1, 1))
    files.write(tmp_path / "calibration.json", MEASURED, KEY)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["calibration-b.part", "calibration.json"]


def damaged():
    text = files.to_json(MEASURED, KEY)
    found = json.loads(text)

    def with_costs(**changes):
        return json.dumps(found | {"costs": found["costs"] | changes})

    return {
        "empty": "",
        "half": text[: len(text) // 2],
        "binary": "\x00\xff",
        "a number": "3",
        "a list": "[]",
        "other format": json.dumps(found | {"format": 99}),
        "foreign": json.dumps(found | {"key": KEY | {"cores": 64}}),
        "no costs": json.dumps(found | {"costs": None}),
        "no functions": with_costs(kernels=[1]),
        "negative": with_costs(kernels={"add": {"dd->d": -1}}),
        "text": with_costs(kernels={"add": {"dd->d": "fast"}}),
        "true": with_costs(round_trip=True),
        "infinite": with_costs(round_trip=float("inf")),
        "not a number": with_costs(start=[0, float("nan")]),
        "short": with_costs(start=[0]),
        "missing": with_costs(wake=None),
        "no caches": json.dumps(found | {"costs": {k: v for k, v in found["costs"].items() if k != "cache_bytes"}}),
    }


@pytest.mark.parametrize("name", list(damaged()))
def test_damaged_file(name, tmp_path):
    path = tmp_path / "file.json"
    path.write_text(damaged()[name])
    with pytest.raises(files.BadFileError):
        files.read(path, KEY)


def test_large_or_strange_files(tmp_path):
    path = tmp_path / "file.json"
    path.write_text(" " * 5_000_000)
    with pytest.raises(files.BadFileError, match="large"):
        files.read(path, KEY)
    with pytest.raises(files.BadFileError, match="read"):
        files.read(tmp_path, KEY)


@pytest.mark.parametrize("kernels", [{"nothing": {"d": 1.0}}, {"add": {"xx->x": 1.0}}, {"sum": {"dd->d": 1.0}}])
def test_costs_of_unknown_functions_change_nothing(kernels):
    before = calibration.current()
    with pytest.raises(files.BadFileError):
        calibration.use(replace(SEEDS, kernels=kernels, wake=(1e3, 1e3)))
    assert calibration.current() is before
    assert _driver.state()["wake_ns"] != 1e3


def test_costs_reach_the_kernels():
    from allcores import _ufuncs

    lines = {name: _ufuncs.cost_of(ac.add, name) for name in ("dd->d", "ff->f")}
    size = _ufuncs.from_size(ac.add)
    try:
        with used(replace(SEEDS, kernels={"add": {"dd->d": 50.0, "ff->f": 70.0}})):
            assert _ufuncs.cost_of(ac.add, "dd->d") == 50
            assert _ufuncs.from_size(ac.add) <= size
            assert ac.explain(ac.add, np.ones(1000), 1).serial == pytest.approx(50e-6)
    finally:
        _ufuncs.set_costs(ac.add, lines)
    with pytest.raises(ValueError, match="no cost"):
        _ufuncs.set_costs(ac.add, {"dd->d": -1.0})
    assert _ufuncs.cost_of(ac.add, "dd->d") == lines["dd->d"]
    assert _ufuncs.cost_of(ac.add, "OO->O") is None


SAYS = """
import warnings
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as seen:
    import allcores as ac, numpy as np
    from allcores import calibration
    assert (ac.add(np.ones(3), 1) == 2).all()
print(len(seen), [str(one.message) for one in seen])
print(calibration.current().measured, calibration.calibration_file())
"""


def test_a_bad_file_is_ignored_and_said_once(tmp_path):
    clean = run_script(SAYS, ALLCORES_CACHE_DIR=tmp_path).stdout
    assert clean.startswith("0 []\nFalse ")
    path = Path(clean.split(" ", 3)[-1].strip())
    key = calibration.machine_key()
    for name, text in damaged().items():
        path.write_text(text)
        said = run_script(SAYS, ALLCORES_CACHE_DIR=tmp_path).stdout
        assert said.startswith("1 ["), (name, said)
        assert str(path) in said
        assert "\nFalse " in said
    path.write_text(files.to_json(MEASURED, key))
    assert "0 []\nTrue " in run_script(SAYS, ALLCORES_CACHE_DIR=tmp_path).stdout
    path.write_text(files.to_json(replace(MEASURED, kernels={"nothing": {"d": 1.0}}), key))
    assert "no function here" in run_script(SAYS, ALLCORES_CACHE_DIR=tmp_path).stdout


def test_calibrate(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLCORES_CACHE_DIR", str(tmp_path))
    before = calibration.current()
    told = []
    try:
        measured = ac.calibrate(progress=lambda what, done: told.append((done, what)))
        assert calibration.current() is measured
        path = calibration.calibration_file()
        assert ac.info()["calibration"] == str(path)
        written = path.read_text()
        kept = files.read(path, calibration.machine_key())
        assert kept.kernels.keys() == measured.kernels.keys()
        assert ac.calibrate().start == kept.start, "the file was not read"
        assert path.read_text() == written
        path.write_text(written[:100])
        ac.calibrate()
        assert files.read(path, calibration.machine_key()).measured
    finally:
        calibration.use(before)
    assert (ac.info()["calibration"] is None) == (not before.measured)
    assert told == sorted(told, key=lambda one: one[0])
    assert told[0][0] == 0
    assert told[-1][0] == 1
    missing = [name for name in KERNELS if name not in measured.kernels and list(type_lines(KERNELS[name]))]
    assert not missing
    assert {"dd->d", "ff->f", "ll->l", "DD->D"} <= measured.kernels["add"].keys()
    assert measured.kernels["sin"]["d->d"] < 100
    assert 0 < measured.start[1] < 1e9
    assert list(measured.bandwidth) == sorted(measured.bandwidth)


def test_without_a_folder_it_holds_for_the_process(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALLCORES_CACHE_DIR", str(tmp_path / "file" / "below"))
    monkeypatch.setattr(measuring, "measure", lambda progress: MEASURED)
    before = calibration.current()
    try:
        with pytest.warns(RuntimeWarning, match="cannot be kept") as seen:
            assert ac.calibrate() is MEASURED
        assert len(seen) == 1
        assert calibration.current() is MEASURED
    finally:
        calibration.use(before)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no signals")
def test_killed_and_at_once(tmp_path):
    """Whoever looks, while several calibrate and some are killed, finds no file or a whole one."""
    environment = os.environ | {"ALLCORES_CACHE_DIR": str(tmp_path)}
    script = "import allcores as ac\nwhile True:\n    ac.calibrate(refresh=True)"
    key = calibration.machine_key()
    path = files.file_of(key, environment)

    def begin():
        return subprocess.Popen([sys.executable, "-c", script], env=environment)

    running = [begin() for _ in range(3)]
    until = time.monotonic() + 60
    seen = kills = 0
    try:
        while time.monotonic() < until and (seen < 3 or kills < 12):
            time.sleep(0.25)
            running[kills % 3].kill()
            running[kills % 3].wait()
            if seen >= 3 or kills < 6:
                running[kills % 3] = begin()
            kills += 1
            if files.read(path, key) is not None:
                seen += 1
            if seen < 3 and kills >= 6:
                time.sleep(3)
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert seen >= 3
    assert kills >= 6


def test_command(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "allcores", "calibrate", *arguments],
            env=os.environ | {"ALLCORES_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    first, second, third = run(), run("--quiet"), run("--refresh")
    assert first.returncode == second.returncode == third.returncode == 0, first.stderr
    assert first.stdout.startswith("measured in")
    assert second.stdout.startswith("measured before")
    assert third.stdout.startswith("measured in")
    assert first.stderr == ""
    wrong = run("--nonsense")
    assert wrong.returncode == 2
    assert len(wrong.stderr.splitlines()) == 1


# --- machine --------------------------------------------------------------------------------------------------------


def test_caches(tmp_path):
    assert cache_bytes(4, tmp_path / "nothing") == math.inf
    for index, (level, kind, size) in enumerate(
        [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "2048K"), ("3", "Unified", "32M")]
    ):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(text + "\n")
    assert cache_bytes(1, tmp_path) == (2 + 4) * 2**20
    assert cache_bytes(64, tmp_path) == (128 + 32) * 2**20
    assert cache_bytes(2) > 0
    assert cpu_name()


def test_serial_time_is_bound_by_memory():
    costs = replace(SEEDS, bandwidth=(10.0, 20.0))
    assert serial_ns(5.0, 1e6, costs) == 5
    assert serial_ns(5.0, 1e9, costs) == 1e8
    assert serial_ns(5.0, 1e9, SEEDS) == 5
