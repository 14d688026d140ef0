"""Other projects' Cython modules: the example project and a probe are built against the package that is imported."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from support import run_script
from test_processes import PREPARE, needs_fork

import allcores as ac
from allcores import _api, _driver

TESTS = Path(__file__).resolve().parent
EXAMPLE = TESTS.parent / "examples" / "cython_kernel"
PACKAGE = Path(ac.__file__).resolve().parent
WAYS = ("evaluate", "evaluate_prange")

# A signature never changes, as modules compiled against it check it: a function that must differ gets another name.
SIGNATURES = {
    "_guard_fork": "int (ac_pause_fn)",
    "_region_begin": "int (struct __pyx_t_8allcores_4_api_Region *, int, ac_pause_fn)",
    "parallel_for": "int (__pyx_t_8allcores_4_api_task_fn, void *, Py_ssize_t, int, double, int)",
    "raise_flags": "void (int)",
    "region_end": "int (struct __pyx_t_8allcores_4_api_Region *)",
    "region_enter": "void (struct __pyx_t_8allcores_4_api_Region *)",
    "region_leave": "void (struct __pyx_t_8allcores_4_api_Region *)",
    "report": "int (char const *, int)",
    "threads_for": "int (Py_ssize_t, double, Py_ssize_t)",
}


# --- what is installed ----------------------------------------------------------------------------------------------


def test_signatures_stay():
    found = {name: re.search('"(.*)"', repr(capsule)).group(1) for name, capsule in _api.__pyx_capi__.items()}
    assert found == SIGNATURES


def test_what_is_declared_is_what_is_compiled():
    text = (PACKAGE / "_api.pxd").read_text()
    functions = set(re.findall(r"^cdef (?:int|void) (\w+)\(", text, re.MULTILINE))
    assert functions == set(_api.__pyx_capi__)
    others = set(
        re.findall(r"^cdef inline \w+ (\w+)\(|^cdef struct (\w+)|^ctypedef \w+ \(\*(\w+)\)", text, re.MULTILINE)
    )
    declared = functions | {name for names in others for name in names if name} | {"MAY_RAISE"}
    exported = re.findall(r"^    (\w+),$", (PACKAGE / "__init__.pxd").read_text(), re.MULTILINE)
    assert exported == sorted(exported, key=lambda name: (not name.isupper(), name.islower(), name))
    assert set(exported) == {name for name in declared if not name.startswith("_")}


def test_what_is_installed_is_what_is_in_the_checkout():
    source = TESTS.parent / "src" / "allcores"
    for name in ("__init__.pxd", "_api.pxd", "include/allcores.h"):
        assert (PACKAGE / name).read_bytes() == (source / name).read_bytes()
    assert [path.name for path in Path(ac.get_include()).iterdir()] == ["allcores.h"]


# --- building -------------------------------------------------------------------------------------------------------


def build(folder, *, flags=None):
    """Build the example and the probe in `folder` as their authors would."""
    pytest.importorskip("Cython")
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "").split()
    if compiler and not shutil.which(compiler[0]):
        pytest.skip(f"no C compiler: {compiler[0]} is not found")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("no headers of Python")
    for path in (*EXAMPLE.iterdir(), TESTS / "library_probe.pyx"):
        if path.is_file():
            shutil.copy(path, folder)
    setup = (folder / "setup.py").read_text()
    (folder / "setup_probe.py").write_text(setup.replace("horner", "library_probe"))
    if flags is None and sys.platform == "darwin":
        flags = ""  # Apple's clang has no OpenMP
    for name in ("setup.py", "setup_probe.py"):
        build_with(folder, name, **({} if flags is None else {"OPENMP_FLAGS": flags}))
    return folder


def build_with(folder, setup, **environment):
    done = subprocess.run(
        [sys.executable, setup, "-q", "build_ext", "--inplace"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": search_path()} | environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def search_path(*folders):
    parts = [*map(str, folders), str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(part for part in parts if part)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def serial_folder(tmp_path_factory):
    return build(tmp_path_factory.mktemp("serial"), flags="")


@pytest.fixture(scope="module")
def modules(folder):
    """The example and the probe, imported."""
    sys.path.insert(0, str(folder))
    try:
        import horner
        import library_probe
    finally:
        sys.path.remove(str(folder))
    return horner, library_probe


@pytest.fixture(params=WAYS)
def evaluate(request, modules):
    return getattr(modules[0], request.param)


@pytest.fixture
def probe(modules):
    return modules[1]


def expected_threads(evaluate, probe, threads):
    """How many threads a forced call has: one where either side was built without OpenMP."""
    return threads if ac.info()["openmp"] and (probe.openmp or evaluate.__name__ == "evaluate") else 1


# --- results and errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2048,), (2049,), (3, 70001)])
def test_results(evaluate, threads, shape):
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, shape)
    for n in (1, 2, 9):
        coefficients = rng.uniform(-1, 1, n)
        got = evaluate(coefficients, x)
        np.testing.assert_allclose(got, np.polyval(coefficients, x), rtol=1e-12, atol=1e-12)
        assert got.shape == shape
    np.testing.assert_array_equal(evaluate([2, 1], np.arange(5)), [1.0, 3.0, 5.0, 7.0, 9.0])


def test_results_do_not_depend_on_threads(evaluate, force):
    x = np.random.default_rng(2).uniform(-2, 2, 300001)
    found = set()
    for threads in (1, 2, 7):
        with force(threads):
            found.add(evaluate(np.arange(12.0), x).tobytes())
    assert len(found) == 1


def test_they_run_on_threads(evaluate, probe, threads):
    evaluate(np.arange(5.0), np.ones(500000))
    granted, _, ran = _driver.last_region_of_this_thread()
    assert granted == expected_threads(evaluate, probe, threads)
    assert 1 <= ran <= granted


def test_wrong_arguments(evaluate):
    with pytest.raises(TypeError, match="x must be of a type that casts safely to float64, got complex128"):
        evaluate([1.0], np.ones(3, complex))
    with pytest.raises(TypeError, match="coefficients must be of a type"):
        evaluate(["one"], np.ones(3))
    for wrong in ([], [[1.0]], 1.0):
        with pytest.raises(ValueError, match="coefficients must be one-dimensional and not empty, got shape"):
            evaluate(wrong, np.ones(3))


def test_warnings(evaluate, threads):
    x = np.full(50000, 0.5)
    evaluate([1e308, 1e308], x)
    x[40000] = 1e10
    name = evaluate.__name__
    with pytest.warns(RuntimeWarning, match=f"overflow encountered in {name}$"):
        evaluate([1e308, 1e308], x)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match=f"overflow encountered in {name}$"):
        evaluate([1e308, 1e308], x)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert evaluate([1e308, 1e308], x)[40000] == np.inf
    x[40000] = np.inf
    with pytest.warns(RuntimeWarning, match=f"invalid value encountered in {name}$"):
        evaluate([1.0, -np.inf], x)


def test_several_warnings_at_once(probe):
    with pytest.warns(RuntimeWarning) as caught:
        probe.reported("name")
    assert sorted(str(w.message) for w in caught) == [
        "divide by zero encountered in name",
        "invalid value encountered in name",
    ]


def test_the_callers_flags_stay(probe):
    assert probe.flags_of_caller() == (True, True)


@pytest.mark.parametrize("without_gil", [False, True])
def test_errors_of_tasks(probe, threads, without_gil):
    assert probe.failing(100, 100, threads, without_gil=without_gil) == 0
    with pytest.raises(ValueError, match=r"^task 60$"):
        probe.failing(61, 60, threads, without_gil=without_gil)
    with pytest.raises(ValueError, match=r"^task "):
        probe.failing(100, 10, threads, without_gil=without_gil)
    assert probe.failing(100, 100, threads) == 0


def test_tasks_that_fail_without_an_error(probe, threads):
    with pytest.raises(RuntimeError, match="MAY_RAISE"):
        probe.refusing(100, threads)


# --- limits and budget ----------------------------------------------------------------------------------------------


def test_limit_and_using(evaluate, probe, force):
    x = np.ones(500000)

    def threads_of_a_call():
        evaluate([1.0, 2.0], x)
        return _driver.last_region_of_this_thread()[0]

    with force(4):
        assert threads_of_a_call() == expected_threads(evaluate, probe, 4)
        with ac.limit(threads=1):
            assert threads_of_a_call() == 1
        with ac.limit(threads=3):
            assert threads_of_a_call() == expected_threads(evaluate, probe, 3)
        with ac.using("serial"):
            assert threads_of_a_call() == 1
    with force(3, parallel_from=-1), ac.using("threads"):
        assert threads_of_a_call() == expected_threads(evaluate, probe, 3)


def test_small_calls_stay_on_their_thread(probe, force):
    with force(4, parallel_from=-1):
        assert probe.worth(1000, 500.0) == 1
        assert probe.worth(10**9, 1e12) == (4 if ac.info()["openmp"] else 1)


def test_what_is_asked_for_is_bound_by_the_limit(probe, force):
    with force(3):
        most = 3 if ac.info()["openmp"] else 1
        assert probe.granted_to(100) == [most]
        assert probe.granted_to(0) == probe.granted_to(-5) == [1]
        probe.failing(100, 100, 50)
        assert _driver.last_region_of_this_thread()[0] == most


def test_regions_share_the_cores(probe, force, with_openmp):
    with force(4, cores=4):
        assert probe.granted_to(4, 4, 4) == [4, 1, 1]
        assert probe.granted_to(2, 4, 4) == [2, 2, 1]
        assert probe.granted_to(4) == [4]


@pytest.mark.parametrize("look", ["inside_tasks", "inside_region"])
def test_nested_calls_are_serial(probe, threads, look):
    assert getattr(probe, look)(threads) == [(1, 1)] * 4


def test_our_functions_inside_a_region_are_serial(probe, force, with_openmp):
    x = np.arange(1000.0)
    seen = []

    def add():
        before = _driver.settings()["regions"]
        ac.add(x, 1.0)
        seen.append(_driver.settings()["regions"] - before)

    with force(4):
        probe.in_region(4, add)
        add()
    assert seen == [0, 1]


def test_an_error_inside_a_region_leaves_nothing(probe, force):
    with force(4):
        with pytest.raises(ZeroDivisionError):
            probe.in_region(4, lambda: 1 // 0)
        assert probe.worth(10**9, 1e12) == (4 if ac.info()["openmp"] else 1)


def test_region_keeps_its_size(probe):
    assert probe.region_size == 128


def test_four_threads_at_once(modules, force):
    x = np.random.default_rng(3).uniform(-1, 1, 60000)
    want = np.polyval(np.arange(6.0), x)
    wrong = []

    def work(seed):
        for i in range(40):
            got = getattr(modules[0], WAYS[(seed + i) % 2])(np.arange(6.0), x)
            if not np.allclose(got, want, rtol=1e-12, atol=1e-12):
                wrong.append((seed, i))

    with force(3, cores=4):
        workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert not wrong
    assert _driver.settings()["busy"] == 0


def test_without_openmp(serial_folder):
    """Tasks have allcores' threads all the same; the module's own prange has none."""
    run_script(
        PREPARE
        + """
import horner, library_probe
assert not library_probe.openmp
most = 3 if ac.info()["openmp"] else 1
coefficients = np.arange(5.0)
for function, threads in (horner.evaluate, most), (horner.evaluate_prange, 1):
    got = function(coefficients, x)
    assert np.allclose(got, np.polyval(coefficients, x), rtol=1e-12)
    assert _driver.last_region_of_this_thread()[2] <= threads, _driver.last_region_of_this_thread()
assert library_probe.inside_region(4) == [(1, 1)] * 4
""",
        PYTHONPATH=search_path(serial_folder),
    )


def test_the_page_for_library_authors(tmp_path, serial_folder):
    """Its first kernel, word for word, built without OpenMP as it says."""
    page = TESTS.parent / "docs" / "library-authors.md"
    if not page.exists():
        pytest.skip("needs a checkout")
    source = re.search(r"```cython\n(.*?)```", page.read_text(), re.DOTALL).group(1)
    (tmp_path / "kernels.pyx").write_text("# cython: language_level=3, cdivision=True\n" + source)
    setup = (serial_folder / "setup.py").read_text()
    (tmp_path / "setup.py").write_text(setup.replace("horner", "kernels"))
    build_with(tmp_path, "setup.py", OPENMP_FLAGS="")
    run_script(
        PREPARE
        + """
import kernels
out = np.empty_like(x)
kernels.reciprocal(x, out)
assert (out == 1 / x).all()
with np.errstate(divide="raise"):
    try:
        kernels.reciprocal(x - x, out)
    except FloatingPointError as error:
        assert str(error) == "divide by zero encountered in reciprocal"
    else:
        raise AssertionError
kernels.reciprocal(x[:0], out[:0])
""",
        PYTHONPATH=search_path(tmp_path),
    )


# --- processes ------------------------------------------------------------------------------------------------------

FORKED = (
    PREPARE
    + """
import horner
from library_probe import openmp
coefficients = np.arange(5.0)
points = np.linspace(-1, 1, 200001)
with ac.using("serial"):
    values = horner.evaluate(coefficients, points).tobytes()

def threads_of_a_call():
    # 0: wrong
    if FUNCTION(coefficients, points).tobytes() != values:
        return 0
    return _driver.last_region_of_this_thread()[0]

def forked():
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        threads_of_a_call()
        os._exit(threads_of_a_call())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

parallel = 3 if ac.info()["openmp"] and (openmp or FUNCTION is horner.evaluate) else 1
"""
)


@needs_fork
@pytest.mark.parametrize("way", WAYS)
def test_forked_children_are_parallel(folder, way):
    run_script(
        FORKED.replace("FUNCTION", f"horner.{way}")
        + """
for i in range(20):
    assert threads_of_a_call() == parallel
    assert forked() == parallel, i
""",
        PYTHONPATH=search_path(folder),
    )


@needs_fork
@pytest.mark.parametrize("way", WAYS)
def test_forks_while_in_use(folder, way):
    run_script(
        FORKED.replace("FUNCTION", f"horner.{way}")
        + """
stop = threading.Event()
wrong = []
def work():
    while not stop.is_set():
        if not threads_of_a_call():
            wrong.append(1)
workers = [threading.Thread(target=work) for _ in range(4)]
for worker in workers:
    worker.start()
codes = [forked() for _ in range(60)]
stop.set()
for worker in workers:
    worker.join()
assert not wrong
assert set(codes) <= {1, 2, 3}, codes
assert _driver.settings()["busy"] == 0
assert forked() == parallel
""",
        timeout=200,
        PYTHONPATH=search_path(folder),
    )


@pytest.fixture(scope="module")
def own_runtime(folder, tmp_path_factory):
    """The environment in which the built modules' OpenMP runtime is another copy than ours, as wheels have it."""
    if not sys.platform.startswith("linux"):
        pytest.skip("renames a library as auditwheel does")
    script = """
import horner
print(*sorted({line.split()[-1] for line in open("/proc/self/maps") if "libgom" in line}))
"""
    env = {"PYTHONPATH": search_path(folder)}
    found = run_script(script, **env).stdout.split()
    if len(found) == 1 and Path(found[0]).name.startswith("libgomp.so.1"):
        copies = tmp_path_factory.mktemp("runtime")
        for path in (*folder.glob("*.so"), Path(found[0])):
            name = "libgomx.so.1" if path.name.startswith("libgomp") else path.name
            (copies / name).write_bytes(path.read_bytes().replace(b"libgomp.so.1\0", b"libgomx.so.1\0"))
        env = {"PYTHONPATH": search_path(copies), "LD_LIBRARY_PATH": str(copies)}
        found = run_script(script, **env).stdout.split()
    if len(found) < 2:
        pytest.skip(f"the OpenMP runtimes here are {found}, not two copies of GNU's")
    return env


@needs_fork
def test_forked_children_with_a_runtime_of_their_own(own_runtime):
    run_script(
        FORKED.replace("FUNCTION", "horner.evaluate_prange")
        + """
for i in range(20):
    assert right()      # both runtimes have threads
    assert threads_of_a_call() == parallel == 3
    assert forked() == 3, i
""",
        **own_runtime,
    )


IN_SECTION = """
import library_probe
assert threads_of_a_call() == parallel
library_probe.guard()
codes = []
def fork():
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        seen = []
        def call():
            seen.append(threads_of_a_call())
        # on a thread that is not inside of the section
        worker = threading.Thread(target=call)
        worker.start()
        worker.join()
        call()
        os._exit(10 * seen[0] + seen[1])
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
library_probe.in_prange_without_region(fork)
assert threads_of_a_call() == parallel
"""


@needs_fork
@pytest.mark.parametrize("way", WAYS)
def test_a_child_forked_inside_a_parallel_section(folder, way):
    """The runtime cannot be paused there, so the child has one thread and does not wait for others."""
    others = [[33]] if way == "evaluate" else []  # where our runtime is another copy
    run_script(
        FORKED.replace("FUNCTION", f"horner.{way}")
        + IN_SECTION
        + f"assert codes in ([[11], *{others}] if openmp else [[11 * parallel]]), codes",
        PYTHONPATH=search_path(folder),
    )


@needs_fork
@pytest.mark.parametrize("way", WAYS)
def test_a_child_forked_inside_a_section_of_another_runtime(own_runtime, way):
    """Only the runtime that could not be paused has no threads."""
    run_script(
        FORKED.replace("FUNCTION", f"horner.{way}")
        + IN_SECTION
        + f"assert codes == [{33 if way == 'evaluate' else 11}], codes",
        **own_runtime,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX here")
def test_ctrl_c_ends_a_long_call_of_tasks(folder):
    script = """
import signal
import numpy as np, horner
from allcores import _driver
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.alarm(60)
_driver.configure(usable_cores=8, threads=2, parallel_from=1)
x = np.ones(1_000_000)
coefficients = np.zeros(20_000)
print("ready", flush=True)
try:
    while True:
        horner.evaluate(coefficients, x)     # seconds
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert (horner.evaluate([1, 1], x) == 2).all()
print("fine", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": search_path(folder)},
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        took = time.monotonic() - sent
        assert process.communicate(timeout=60)[0] == "fine\n"
    finally:
        process.kill()
    assert took < 2.5
