"""Fixtures of all tests. What the machine has or the environment says decides nothing here: each test sets it."""

import contextlib
import faulthandler
import gc
import os
import pickle
import sys
import threading

# Seven threads on two busy cores: waiting threads that spin make the suite ten times as long. Scripts that tests start
# (support.run_script) have the default. OpenMP reads it when it is loaded, so before the imports.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import allcores as ac
from allcores import _driver
from allcores.install import installed

# Machines that run this are shared and slow: time is no property of ours. Derandomised: a red run can be repeated.
settings.register_profile(
    "allcores", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.load_profile("allcores")


_stderr = []  # the real one, which pytest does not capture


def pytest_configure(config):
    _stderr.append(os.fdopen(os.dup(sys.__stderr__.fileno()), "w"))


def pytest_unconfigure(config):
    _stderr.pop().close()


@pytest.fixture(scope="module", autouse=True)
def little_to_look_through():
    """Leave what there is out of later garbage collections: many tests collect, to look for what is left."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def forced(threads, parallel_from=1, cores=8):
    """Split every call of `parallel_from` elements over `threads` threads, whatever machine this is."""
    before = _driver.settings()
    _driver.configure(usable_cores=cores, threads=threads, parallel_from=parallel_from)
    try:
        yield
    finally:
        _driver.configure(
            usable_cores=before["cores"], threads=before["threads"], parallel_from=before["parallel_from"]
        )


@pytest.fixture
def force():
    """Return the context manager `forced`."""
    return forced


@pytest.fixture
def two_threads():
    with forced(2):
        yield


@pytest.fixture
def seven_threads():
    with forced(7):
        yield


@pytest.fixture(params=[1, 2, 7], ids=lambda n: f"{n}threads")
def threads(request):
    """Run the test with every call split over 1, 2 and 7 threads."""
    with forced(request.param):
        yield request.param


@pytest.fixture
def with_openmp():
    """Skip where the build has no OpenMP."""
    if not ac.info()["openmp"]:
        pytest.skip("built without OpenMP")


@pytest.fixture(scope="module")
def common_executors():
    """Start the executors of map and its like, so that their threads are there before each test looks for new ones."""
    import kill_fuzzer

    from allcores.calls import executors

    def start():
        for workers in (None, 1, 2, 3):
            executors.executor(workers).submit(abs, 1).result(60)

    before = kill_fuzzer.what_is_there()
    start()
    yield start
    executors.shutdown()
    assert kill_fuzzer.what_is_there() == before


class Here:
    """Does parts of array functions where the caller is, as a worker would that has loaded what it was sent."""

    def __init__(self):
        self.calls = self.parts = 0

    def __call__(self, task, items, workers, options):
        self.calls += 1
        sent = pickle.dumps(task)
        for item in items:
            self.parts += 1
            yield pickle.loads(sent)(*item)


@pytest.fixture(params=[2, 3, 8], ids=lambda n: f"{n}parts")
def here(request, monkeypatch):
    """Have the parts of array functions in processes done here, and count them."""
    from allcores import limits
    from allcores.engines import processes

    monkeypatch.setattr(limits, "workers_by_default", lambda: request.param)
    done = Here()
    monkeypatch.setattr(processes, "in_order", done)
    return done


@pytest.fixture
def processes_that_leave_nothing():
    """Have maps done in processes, and fail a test after which some, or descriptors or shared memory, are left."""
    import kill_fuzzer

    before = kill_fuzzer.what_is_there()
    with ac.using("processes"):
        yield
    ac.shutdown()
    assert kill_fuzzer.what_is_there() == before


def living():
    """Threads, but that one which looks after maps as long as the program lives."""
    return sum(thread.name != "allcores-watcher" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Fail a test that leaves threads, an installation, a limit, a reservation of cores or an errstate behind."""
    faulthandler.dump_traceback_later(300, exit=True, file=_stderr[0])
    before = _driver.settings()
    errors = np.geterr()
    alive = living()
    yield
    faulthandler.cancel_dump_traceback_later()
    after = _driver.settings()
    for name in ("cores", "threads", "parallel_from", "busy"):
        assert after[name] == before[name], f"{name} was {before[name]}, is {after[name]}"
    assert not installed()
    assert np.geterr() == errors
    assert living() <= alive
