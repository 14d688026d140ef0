"""Where calls of a Python function are best made: the pure part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allcores.plan.calls import Observed, expected, plan_calls


def test_the_shorter_of_two_times_is_expected():
    long, short = Observed(1.0, 100, 0.5), Observed(1e-6, 8, 1.0, "a lock")
    assert expected(long, short) == short
    assert expected(short, long) == Observed(1e-6, 100, 0.5)
    assert expected(None, long) is None


@pytest.mark.parametrize(
    ("items", "seen", "warm", "engine"),
    [
        (2, Observed(0.004, 100), True, "processes"),
        (2, Observed(0.004, 100), False, "serial"),  # workers start in 60 ms
        (300, Observed(7e-6, 100, 1.0, "a lock"), True, "serial"),  # threads take turns at the lock
        (300, Observed(7e-5, 100, 1.0, "a lock"), True, "threads"),
        (300, Observed(7e-5, 100, 0.0, "a lock"), True, "serial"),
        (300, Observed(3e-5, 1e5, 0.0), True, "serial"),  # 70 us to send each
        (300, Observed(3e-5, 1e3, 0.0), True, "processes"),
    ],
)
def test_engines(items, seen, warm, engine):
    assert plan_calls(items, seen, 2, warm=warm).engine == engine


def test_threads_have_small_chunks():
    assert plan_calls(160, Observed(1e-4, 100, 1.0, "a lock"), 2, warm=True).chunk == 20
    assert plan_calls(3, Observed(1.0, 100, 1.0, "a lock"), 2, warm=True).chunk == 1


@given(
    st.integers(0, 10**6),
    st.floats(1e-9, 100),
    st.floats(0, 1e9),
    st.floats(0, 1),
    st.integers(1, 64),
    st.booleans(),
    st.booleans(),
)
def test_plans(items, seconds, size, released, workers, warm, gil):
    plan = plan_calls(items, Observed(seconds, size, released), workers, warm=warm, gil=gil)
    assert plan.expected <= plan.serial
    assert 1 <= plan.workers <= max(1, min(workers, items))
    assert plan.chunk >= 1
    assert plan.why
    assert (plan.engine == "serial") == (plan.workers == 1)
    if workers == 1 or items < 2:
        assert plan.engine == "serial"
    again = plan_calls(items, Observed(seconds, size, released, "a lock"), workers, warm=warm, gil=gil)
    assert again.engine != "processes"
