"""How much memory a shared array may take. Called by arrays.py and blocks.py whenever fresh memory is wanted."""

from __future__ import annotations

from typing import Any

from allcores import _shared
from allcores.plan import machine


def headroom() -> float:
    """Return the bytes that this process may still take; looked up late, so that tests can say something else."""
    return machine.memory_headroom()


def allocate(nbytes: int, *, zero: bool = False) -> _shared.Block:
    """Return a new writable block of shared memory.

    Parameters
    ----------
    nbytes : int
        Its size.
    zero : bool
        Whether its bytes must be 0; otherwise they may be anything.

    Raises
    ------
    MemoryError
        The machine, or a control group of this process, leaves less. Nothing has been touched then.
    """
    return _shared.allocate(nbytes, headroom, zero)


def new_array(shape: Any, dtype: Any, order: str, *, zero: bool = False) -> _shared.SharedArray:
    """Return an array over a new block, in order "C" or "F"."""
    return _shared.new_array(shape, dtype, order, headroom, zero)


def new_lock() -> _shared.Lock:
    """Return a lock in shared memory."""
    return _shared.new_lock(headroom)
