"""How many threads one call may use: the machine's cores, the environment, and `limit`.

The first that says something holds: an active `limit` in this thread, ALLCORES_NUM_THREADS, OMP_NUM_THREADS, the
cores that affinity and control groups leave. Called by the package's __init__ and by users.
"""

from __future__ import annotations

import operator
import os
import warnings
from types import TracebackType
from typing import Self, SupportsIndex

from allcores import _driver
from allcores.plan.machine import usable_cores


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def threads_from_environment(environ: os._Environ[str] | dict[str, str], cores: int) -> int:
    """Return the threads a call may use as ALLCORES_NUM_THREADS or OMP_NUM_THREADS say, else `cores`."""
    for name in ("ALLCORES_NUM_THREADS", "OMP_NUM_THREADS"):
        text = environ.get(name, "").strip()
        if not text:
            continue
        try:
            # OMP_NUM_THREADS may be a list, one number a level of nesting; ours is the outermost.
            return _positive(text.split(",")[0] if name == "OMP_NUM_THREADS" else text)
        except ValueError:
            warnings.warn(
                f"{name} must be a positive integer, got {text!r}; it is ignored", RuntimeWarning, stacklevel=3
            )
    return cores


def parallel_from_environment(environ: os._Environ[str] | dict[str, str]) -> int:
    """Return ALLCORES_PARALLEL_FROM, the elements from which every call is split, or -1: measured costs decide."""
    text = environ.get("ALLCORES_PARALLEL_FROM", "").strip()
    if not text:
        return -1
    try:
        return _positive(text)
    except ValueError:
        warnings.warn(
            f"ALLCORES_PARALLEL_FROM must be a positive integer, got {text!r}; it is ignored",
            RuntimeWarning,
            stacklevel=3,
        )
        return -1


def configure() -> None:
    """Read machine and environment; called once, at import."""
    cores = usable_cores()
    _driver.configure(
        usable_cores=cores,
        threads=threads_from_environment(os.environ, cores),
        parallel_from=parallel_from_environment(os.environ),
    )


class limit:  # noqa: N801  used as a function, in a with statement
    """Limit the threads that calls of this thread may use, until the `with` block ends.

    Parameters
    ----------
    threads : int
        Most threads one call may use, at least 1. May exceed the number of cores.

    Raises
    ------
    ValueError
        If `threads` is less than 1.
    TypeError
        If `threads` is not an integer.

    Notes
    -----
    Holds for the Python thread that enters the block, and nests: the innermost block counts. Results never depend on
    it. NumPy's BLAS has threads of its own, which this does not touch.

    Examples
    --------
    >>> import numpy as np, allcores as ac
    >>> with ac.limit(threads=1):
    ...     float(ac.sum(np.ones(4)))
    4.0
    """

    def __init__(self, *, threads: SupportsIndex) -> None:
        try:
            count = operator.index(threads)
        except TypeError:
            raise TypeError(f"threads must be a positive integer, got {threads!r}") from None
        if count < 1 or isinstance(threads, bool):
            raise ValueError(f"threads must be a positive integer, got {threads!r}")
        self._threads = min(count, 2**30)
        self._before: list[int] = []

    def __enter__(self) -> Self:
        """Set the limit."""
        self._before.append(_driver.set_local_limit(self._threads))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Set what was before."""
        _driver.set_local_limit(self._before.pop())
