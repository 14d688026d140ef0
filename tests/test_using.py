"""using(): what a call runs on is what was asked for, in this thread alone, and results do not depend on it."""

import threading

import numpy as np
import pytest

import allcores as ac
from allcores import _driver

LARGE = np.linspace(0.1, 9.0, 3_000_000)
SMALL = np.linspace(0.1, 9.0, 2048)
LEAST_CUT = np.linspace(0.1, 9.0, 32768)  # a sum of fewer is one leaf of the tree


def regions(function, *args):
    """Return how many parallel regions a call took, of a process with a limit of two threads."""
    before = _driver.settings()["regions"]
    with ac.limit(threads=2):
        function(*args)
    return _driver.settings()["regions"] - before


CALLS = {
    "flat": lambda x: ac.sqrt(x),
    "mathematics": lambda x: ac.sin(x),
    "iterated": lambda x: ac.add(x[::2].reshape(4, -1), x[:4, None]),
    "cast": lambda x: ac.add(x, np.ones(x.size, np.float32)),
    "reduction": lambda x: ac.sum(x),
    "composite": lambda x: ac.clip(x, 1.0, 2.0),
}
calls = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@calls
def test_serial(call):
    with ac.using("serial"):
        assert regions(call, LARGE) == 0


@calls
def test_threads(call, with_openmp):
    with ac.using("threads"):
        assert regions(call, LEAST_CUT) >= 1
    with ac.using("serial"):
        assert regions(call, LEAST_CUT) == 0


@calls
def test_results_are_the_same(call):
    results = []
    for engine in ("serial", "threads", "auto"):
        with ac.using(engine):
            results.append(np.asarray(call(SMALL)).tobytes())
    assert len(set(results)) == 1


def test_blocks_nest(with_openmp):
    with ac.using("threads"):
        with ac.using("serial"):
            assert regions(ac.sqrt, LARGE) == 0
            with ac.using("auto"):
                assert regions(ac.sqrt, SMALL) == 0
        assert regions(ac.sqrt, SMALL) == 1
        with ac.limit(threads=1):
            before = _driver.settings()["regions"]
            ac.sqrt(SMALL)
            assert _driver.settings()["regions"] == before
    assert regions(ac.sqrt, SMALL) == 0


def test_other_threads_are_not_touched(with_openmp):
    found = []
    with ac.using("threads"):
        thread = threading.Thread(target=lambda: found.append(regions(ac.sqrt, SMALL)))
        thread.start()
        thread.join()
        assert regions(ac.sqrt, SMALL) == 1
    assert found == [0]


def test_ends_with_an_error(with_openmp):
    with pytest.raises(KeyError), ac.using("threads"):
        raise KeyError
    assert regions(ac.sqrt, SMALL) == 0


@pytest.mark.parametrize("engine", ["openmp", "", None, 2, b"serial", ["serial"]])
def test_no_such_engine(engine):
    with pytest.raises(ValueError, match=r"^engine must be one of 'auto', 'serial', 'threads', 'processes', got "):
        ac.using(engine)
