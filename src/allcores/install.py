"""`install()`, `uninstall()` and `accelerate()`: NumPy's own ufuncs on all cores.

The work is done in the compiled `_install`; here is who may do it when.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

from allcores import _install, _ufuncs
from allcores.functions.elementwise import UFUNCS

_lock = threading.RLock()
_depth = 0  # installs not yet undone


def _parallel_ufuncs() -> list[tuple[str, Any]]:
    """Return one (name, ufunc) for each of NumPy's; two names of one are one.

    Not the generalised ones: their loops get several lengths and steps, which may not be cut as elements are.
    """
    ours = {id(u): u for u in UFUNCS.values() if type(u) is _ufuncs.ufunc and u.signature is None}
    return [(u.__name__, u) for u in ours.values()]


def installed() -> bool:
    """Return whether NumPy's ufuncs are accelerated now."""
    return _depth > 0


def install() -> None:
    """Put all cores under NumPy's own ufuncs: `np.add`, `a + b`, and library code that calls them.

    Results stay NumPy's to the bit, as its own inner loops run. Sums, products of integers and the like over a whole
    contiguous or evenly strided array are cut; reductions along an axis and matrix products stay NumPy's.
    Installing twice needs uninstalling twice.

    Raises
    ------
    RuntimeError
        If another package has replaced the call or a loop of one of NumPy's ufuncs. Nothing is changed then.

    See Also
    --------
    accelerate : the same for a `with` block.

    Examples
    --------
    >>> import numpy as np, allcores as ac
    >>> ac.install()
    >>> np.add(1, 2)
    np.int64(3)
    >>> ac.uninstall()
    """
    global _depth
    with _lock:
        if _depth == 0:
            for name, ufunc in _parallel_ufuncs():
                patches = _install.foreign_patches(ufunc)
                if patches:
                    raise RuntimeError(
                        f"another package has replaced {', '.join(patches)} of numpy.{name}; "
                        "remove its patch before allcores.install()"
                    )
            try:
                for _, ufunc in _parallel_ufuncs():
                    _install.put_under(ufunc)
            except BaseException:
                for _, ufunc in _parallel_ufuncs():
                    _install.take_away(ufunc)
                raise
        _depth += 1


def uninstall() -> None:
    """Undo one `install()`; with the last one NumPy's ufuncs are exactly as they were.

    Raises
    ------
    RuntimeError
        If nothing is installed, or another package has patched a ufunc since. That patch stays where it is and keeps
        working; everything else is restored.
    """
    global _depth
    with _lock:
        if _depth == 0:
            raise RuntimeError("allcores is not installed under NumPy")
        _depth -= 1
        if _depth > 0:
            return
        left = []
        for name, ufunc in _parallel_ufuncs():
            left += [f"{place} of numpy.{name}" for place in _install.take_away(ufunc)]
    if left:
        raise RuntimeError(
            f"another package has replaced {', '.join(left)} since allcores.install(); "
            "its patch is left as it is, the rest is restored"
        )


class accelerate:  # noqa: N801  used as a function, in a with statement
    """Context manager: NumPy's own ufuncs on all cores inside the `with` block, in every thread.

    Examples
    --------
    >>> import numpy as np, allcores as ac
    >>> with ac.accelerate():
    ...     np.sqrt(4.0)
    np.float64(2.0)
    """

    def __enter__(self) -> Self:
        """Install."""
        install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Uninstall."""
        uninstall()
