"""Forks, threads, Ctrl-C and other OpenMP runtimes: right results and no hang. Each in an interpreter of its own."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from support import run_script

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork here")

PREPARE = """
import os, signal, sys, threading, time, warnings
import numpy as np
import allcores as ac
from allcores import _driver
_driver.configure(usable_cores=8, threads=3, parallel_from=1)
# CPython 3.12 and later warn of forks in a process of many threads, which these are on purpose.
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*multi-threaded.*")
x = np.arange(1.0, 5001)
want = (np.sqrt(x) + 1).tobytes()

def right():
    return ac.add(ac.sqrt(x), 1.0).tobytes() == want

def forked():
    # whether a forked child gets the right result within 30 s
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        before = _driver.settings()["regions"]
        good = right() and right()
        parallel = _driver.settings()["regions"] > before
        os._exit((0 if good else 1) + (0 if parallel or not ac.info()["openmp"] else 2))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


@needs_fork
def test_a_child_forked_after_a_parallel_call_is_parallel():
    run_script(PREPARE + "assert right()\nfor _ in range(20):\n    assert forked() == 0\n    assert right()")


@needs_fork
def test_a_child_forked_before_any_call():
    run_script(PREPARE + "assert forked() == 0\nassert right()")


@needs_fork
def test_forks_under_busy_threads():
    """200 forks at any moment of eight threads' calls: no child hangs, each has the right result, on threads or not."""
    run_script(
        PREPARE
        + """
stop = threading.Event()
wrong = []
def work():
    while not stop.is_set():
        if not right():
            wrong.append(1)
workers = [threading.Thread(target=work) for _ in range(8)]
for worker in workers:
    worker.start()
codes = [forked() for _ in range(200)]
stop.set()
for worker in workers:
    worker.join()
assert not wrong
assert set(codes) <= {0, 2}, codes
assert right() and forked() == 0
""",
        timeout=240,
    )


@needs_fork
def test_a_child_of_a_child():
    run_script(
        PREPARE
        + """
assert right()
child = os.fork()
if child == 0:
    os._exit(forked() if right() else 9)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    )


@needs_fork
def test_fork_while_installed():
    run_script(
        PREPARE
        + """
ac.install()
def right():
    return (np.sqrt(x) + 1).tobytes() == want
assert right()
for _ in range(20):
    assert forked() == 0
assert right()
"""
    )


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_multiprocessing(method, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        f"""
import multiprocessing, warnings
import numpy as np
import allcores as ac
from allcores import _driver
warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*multi-threaded.*")

def work(seed):
    _driver.configure(usable_cores=8, threads=3, parallel_from=1)
    x = np.random.default_rng(seed).uniform(1, 2, 4000)
    return float(np.sum(ac.log(ac.add(x, 1.0))))

def want(seed):
    x = np.random.default_rng(seed).uniform(1, 2, 4000)
    return float(np.sum(np.log(np.add(x, 1.0))))

if __name__ == "__main__":
    _driver.configure(usable_cores=8, threads=3, parallel_from=1)
    ac.add(np.ones(5000), 1)
    with multiprocessing.get_context({method!r}).Pool(3) as pool:
        assert pool.map(work, range(30), chunksize=1) == [want(seed) for seed in range(30)]
    print("done")
"""
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_sixteen_threads_at_once():
    run_script(
        PREPARE
        + """
import concurrent.futures
ac.install()
def work(seed):
    rng = np.random.default_rng(seed)
    for i in range(60):
        n = int(rng.integers(1, 3000))
        a, b = rng.uniform(1, 2, n), rng.uniform(1, 2, (3, n))
        with ac.limit(threads=1 + i % 5):
            got = ac.divide(b, a), np.multiply(b, a), ac.add(b.T, 1), ac.power(np.arange(n), 2)
            try:
                with np.errstate(all="raise"):
                    ac.divide(b, a - a)
                return "no error"
            except FloatingPointError:
                pass
            try:
                ac.power(np.arange(n), -1)
                return "no error"
            except ValueError:
                pass
        want = b / a, b * a, b.T + 1, np.arange(n) ** 2
        if any(g.tobytes("K") != w.tobytes("K") for g, w in zip(got, want)):
            return "wrong"
    return "right"
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    results = list(pool.map(work, range(16)))
ac.uninstall()
assert results == ["right"] * 16, results
assert _driver.settings()["busy"] == 0
""",
        timeout=240,
    )


def test_limits_of_threads_do_not_mix():
    run_script(
        PREPARE
        + """
seen = []
def work():
    seen.append(ac.info()["threads"])
    with ac.limit(threads=5):
        seen.append(ac.info()["threads"])
with ac.limit(threads=2):
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    seen.append(ac.info()["threads"])
assert seen == ([3, 5, 2] if ac.info()["openmp"] else [1, 1, 1]), seen
"""
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX here")
def test_ctrl_c_ends_a_long_call():
    script = """
import signal
import numpy as np
import allcores as ac
from allcores import _driver
# a shell's background jobs, of which the tests may be one, ignore Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.alarm(60)
_driver.configure(usable_cores=8, threads=2, parallel_from=1)
a = np.broadcast_to(np.float16(0.3), 150_000_000)
out = np.zeros(a.size, "e")
print("ready", flush=True)
try:
    while True:
        ac.logaddexp(a, a, out=out)     # seconds, also on many cores
except KeyboardInterrupt:
    print("interrupted", flush=True)
ac.add(np.ones(1000), 1)
print("fine", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
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


OTHERS = {
    "sklearn": "from sklearn.metrics import pairwise_distances_argmin as f\nf(np.ones((500, 3)), np.ones((500, 3)))",
    "torch": "import torch\ntorch.ones(10**6).sum()",
    "numba": (
        "import numba\n@numba.njit(parallel=True)\ndef f(a):\n    s = 0.0\n    for i in numba.prange(a.size):\n"
        "        s += a[i]\n    return s\nf(np.ones(1000))"
    ),
}


@pytest.mark.parametrize("first", ["other", "ours"])
@pytest.mark.parametrize("other", OTHERS)
def test_other_openmp_runtimes(other, first):
    pytest.importorskip(other)
    ours = PREPARE + "assert right()\n"
    theirs = "import numpy as np\n" + OTHERS[other] + "\n"
    parts = [theirs, ours] if first == "other" else [ours, theirs]
    end = "assert right()\n" + OTHERS[other] + "\nassert right()\n"
    if hasattr(os, "fork") and other == "sklearn":
        end += "assert forked() in (0, 2)\nassert right()\n"
    run_script("".join(parts) + end, timeout=180, OMP_NUM_THREADS="3")


def test_inside_anothers_parallel_region():
    """A call from the task of a scikit-learn or joblib thread pool is right."""
    pytest.importorskip("joblib")
    run_script(
        PREPARE
        + """
import joblib
results = joblib.Parallel(n_jobs=4, prefer="threads")(joblib.delayed(right)() for _ in range(100))
assert all(results)
"""
    )
