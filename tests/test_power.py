"""Integers to negative integer powers: NumPy raises from inside the loop, and so must we, wherever the element is."""

import numpy as np
import pytest
from support import check, run_script

import allcores as ac

SIZES = [2, 3, 4, 7, 8, 15, 16, 31, 33, 63, 64, 65, 100, 127, 255, 256, 400, 499, 500, 501, 512, 1000, 1023, 2048, 4999,
         5000]  # fmt: skip
MESSAGE = "Integers to negative integer powers are not allowed"


def places(n):
    """Return every place of a short array, and of a long one the ends, around the cuts, and a sample."""
    if n <= 65:
        return range(n)
    chosen = {0, 1, n // 2 - 1, n // 2, n // 2 + 1, n - 2, n - 1}
    for pieces in (2, 7):
        for i in range(1, pieces):
            chosen |= {n * i // pieces + d for d in (-1, 0, 1)}
    chosen |= set(np.random.default_rng(n).integers(0, n, 10).tolist())
    return sorted(place for place in chosen if 0 <= place < n)


# A hang cannot be reported by the process that hangs.
SCRIPT = """
import numpy as np
import allcores as ac
from allcores import _driver
import sys
sys.path.insert(0, {folder!r})
from test_power import MESSAGE, SIZES, places

if {installed}:
    ac.install()
power = np.power if {installed} else ac.power
_driver.configure(usable_cores=8, threads={threads}, parallel_from=1)
for dtype in ("l", "b"):
    for n in SIZES:
        base, exponent = np.full(n, 2, dtype), np.ones(n, dtype)
        for place in places(n):
            exponent[place] = -1
            try:
                power(base, exponent)
            except ValueError as error:
                assert str(error).startswith(MESSAGE), error
            else:
                raise AssertionError((n, place))
            exponent[place] = 1
        assert (power(base, exponent) == base).all()
        if {installed}:
            try:
                base ** -1
            except ValueError:
                pass
            else:
                raise AssertionError(n)
print("done")
"""


@pytest.mark.parametrize("installed", [False, True], ids=["ours", "installed"])
@pytest.mark.parametrize("threads", [1, 2, 7])
def test_every_place_raises_and_none_hangs(threads, installed):
    import pathlib

    folder = str(pathlib.Path(__file__).parent)
    done = run_script(SCRIPT.format(folder=folder, threads=threads, installed=installed), timeout=200)
    assert done.stdout.endswith("done\n")


CALLS = {
    "arrays": lambda: (np.arange(300), np.full(300, -1)),
    "scalar": lambda: (np.arange(300), -1),
    "zero_dim": lambda: (np.arange(300), np.array(-2)),
    "row": lambda: (np.ones((20, 15), int), np.arange(15) - 14),
    "column": lambda: (np.ones((20, 15), int), np.arange(20)[:, None] - 1),
    "strided": lambda: (np.arange(600)[::2], np.full(600, -1)[::2]),
    "byte_swapped": lambda: (np.arange(300).astype(">i8"), np.full(300, -1).astype(">i8")),
    "mixed": lambda: (np.arange(300, dtype="i4"), np.full(300, -1, "i8")),
    "unsigned": lambda: (np.arange(300, dtype="u8"), np.full(300, 3, "u8")),
    "float_exponent": lambda: (np.arange(1, 301), np.full(300, -1.0)),
    "float_base": lambda: (np.arange(1.0, 301), -1),
    "empty": lambda: (np.arange(0), np.full(0, -1)),
    "one": lambda: (np.arange(1), np.full(1, -1)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("type_", "bhilq")
def test_as_numpy(name, type_, threads):
    def arguments():
        return tuple(a.astype(type_) if isinstance(a, np.ndarray) and a.dtype == int else a for a in CALLS[name]())

    check(ac.power, np.power, arguments)


def test_masked_exponents_do_not_raise(threads):
    exponent = np.arange(300) - 10
    out = np.zeros(300, int)
    ac.power(2, exponent.clip(-10, 20), out=out, where=exponent >= 0)
    assert out[9] == 0
    assert out[12] == 4
    with pytest.raises(ValueError, match=MESSAGE):
        ac.power(2, exponent, out=out, where=exponent < 60)


def test_the_next_call_is_clean(threads):
    with pytest.raises(ValueError, match=MESSAGE):
        ac.power(np.arange(300), -1)
    assert ac.power(np.arange(300), 2)[299] == 299**2
