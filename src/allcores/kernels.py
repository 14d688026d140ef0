"""The registry: every function that runs on all cores, with what tests, benchmarks and docs need to know of it.

The modules of allcores.functions add to it; tests and bench/ enumerate it, so nothing is listed twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kernel:
    """One function of ours.

    Attributes
    ----------
    name : str
        Its name in `allcores`.
    family : str
        "ufunc", "special" (ufuncs that NumPy lacks), "composite" (other element-wise functions), "reduction",
        "product" (of vectors and matrices), or "summary": several reductions, or one that NumPy has under no such name.
    function : callable
        The function itself.
    reference : callable
        NumPy's function of the same signature; where it has none, a plain one that calls NumPy.
    cost : float
        Serial nanoseconds an element of float64; a seed, used to decide whether threads pay.
    exact : bool
        Whether results are NumPy's bit for bit.
    may_raise : bool
        Whether its inner loop can raise a Python error.
    rtol : float
        Where not `exact`: largest relative difference to NumPy's result, in units of the dtype's epsilon times the
        number of elements reduced.
    ulp : float
        Of our own mathematics: largest error in units in the last place; 0 elsewhere.
    """

    name: str
    family: str
    function: Callable[..., Any]
    reference: Callable[..., Any]
    cost: float
    exact: bool = True
    may_raise: bool = False
    rtol: float = 0.0
    ulp: float = 0.0


KERNELS: dict[str, Kernel] = {}


def register(kernel: Kernel) -> Kernel:
    """Add `kernel`; a name is taken once."""
    if kernel.name in KERNELS:
        raise ValueError(f"kernel {kernel.name!r} is registered already")
    KERNELS[kernel.name] = kernel
    return kernel
