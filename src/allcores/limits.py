"""How many threads one call may use, and how much memory is kept for outputs: machine, environment, `limit`.

Of threads the first that says something holds: an active `limit` in this thread, ALLCORES_NUM_THREADS,
OMP_NUM_THREADS, the cores that affinity and control groups leave. Called by the package's __init__ and by users.
"""

from __future__ import annotations

import functools
import operator
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, SupportsIndex

import numpy as np

from allcores import _driver, _memory, _reductions
from allcores.plan.machine import memory_headroom, usable_cores, worker_cores
from allcores.plan.model import Limits, State


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


MOST_RECYCLED = 2**30
SHARE_RECYCLED = 16


def recycle_bytes_from_environment(environ: os._Environ[str] | dict[str, str]) -> int:
    """Return ALLCORES_RECYCLE_BYTES, else 1 GiB or a sixteenth of the memory that is left, whichever is less."""
    text = environ.get("ALLCORES_RECYCLE_BYTES", "").strip()
    if text:
        if text.isdecimal():
            return min(int(text), sys.maxsize)
        warnings.warn(
            f"ALLCORES_RECYCLE_BYTES must be a number of bytes, got {text!r}; it is ignored",
            RuntimeWarning,
            stacklevel=3,
        )
    return int(min(MOST_RECYCLED, memory_headroom() / SHARE_RECYCLED))


def configure() -> None:
    """Read machine and environment; called once, at import."""
    cores = usable_cores()
    _memory.configure(
        bound=recycle_bytes_from_environment(os.environ),
        huge_pages=os.environ.get("NUMPY_MADVISE_HUGEPAGE", "1").strip() != "0",
    )
    _driver.configure(
        usable_cores=cores,
        threads=threads_from_environment(os.environ, cores),
        parallel_from=parallel_from_environment(os.environ),
    )
    _reductions.find_blas_with(blas_functions)


def _count(name: str, value: SupportsIndex, least: int) -> int:
    kind = "positive integer" if least else "non-negative integer"
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a {kind}, got {value!r}") from None
    if count < least or isinstance(value, bool):
        raise ValueError(f"{name} must be a {kind}, got {value!r}")
    return count


_blas: tuple[int, Any] = (0, None)


def _blas_libraries() -> Any:
    """Return threadpoolctl's controller of the loaded libraries, found anew once more modules have been imported."""
    global _blas
    if _blas[0] != len(sys.modules):
        from threadpoolctl import ThreadpoolController  # 20 ms that an import of ours must not cost

        _blas = (len(sys.modules), ThreadpoolController())
    return _blas[1]


def _address(function: Any) -> int:
    import ctypes

    return ctypes.cast(function, ctypes.c_void_p).value or 0


def blas_functions() -> tuple[int, int] | None:
    """Return where NumPy's BLAS has its functions `int get(void)` and `void set(int)` of its number of threads.

    None unless it is an OpenBLAS with threads of its own: of what runs on OpenMP each thread has a number of its own.
    """
    import ctypes  # not at the import of this package

    libraries = [one for one in _blas_libraries().lib_controllers if one.user_api == "blas"]
    if len(libraries) > 1:  # SciPy's wheels bring one too
        folder = Path(np.__file__).resolve().parent
        folders = (folder, folder.with_name("numpy.libs"))
        libraries = [one for one in libraries if not set(folders).isdisjoint(Path(one.filepath).resolve().parents)]
    if len(libraries) != 1 or getattr(libraries[0], "threading_layer", "") != "pthreads":
        return None
    library = ctypes.CDLL(libraries[0].filepath)
    for prefix in ("", "scipy_"):
        for suffix in ("", "64_", "_64"):
            get = getattr(library, f"{prefix}openblas_get_num_threads{suffix}", None)
            found = getattr(library, f"{prefix}openblas_set_num_threads{suffix}", None)
            if get is not None and found is not None and get() == libraries[0].num_threads:
                return _address(get), _address(found)
    return None


@contextmanager
def _blas_limit(threads: int) -> Iterator[None]:
    """Set BLAS's threads, while calls of other threads may hold it at one."""
    with _hold_paused():
        limits = _blas_libraries().limit(limits=threads, user_api="blas")
    try:
        yield
    finally:
        with _hold_paused():
            limits.restore_original_limits()


@contextmanager
def _hold_paused() -> Iterator[None]:
    _reductions.pause_blas_hold()
    try:
        yield
    finally:
        _reductions.resume_blas_hold()


class limit:  # noqa: N801  used as a function, in a with statement
    """Limit the threads and the memory that calls may use, until the `with` block ends.

    Parameters
    ----------
    threads : int, optional
        Most threads one call of ours may use, at least 1; may exceed the number of cores. For calls of this thread.
    blas : int, optional
        Most threads of NumPy's and SciPy's BLAS, at least 1, set through threadpoolctl. OpenBLAS and MKL keep this
        number for the whole process; those that run on OpenMP, for this thread.
    recycle_bytes : int, optional
        Most bytes of freed outputs that are kept for the next outputs, 0 to keep none. For the whole process.

    Raises
    ------
    ValueError
        If a number is less than 1, or than 0 for `recycle_bytes`.
    TypeError
        If one is not an integer, or if none is given.

    Notes
    -----
    Blocks nest, the innermost counts; what is not given stays as it was. Results never depend on `threads`.

    While `matmul` shares out a stack of small float matrices, it holds an OpenBLAS with threads of its own at one, for
    the whole process, and puts the number back afterwards.

    Outputs of 1 MiB and more come from memory of outputs that are gone, as the first touch of fresh pages takes as
    long as many a function. What is kept is offered to the operating system (the latest quarter when it is a second old
    and another output is freed), which takes it when memory is short, but counts as this process's until then. By
    default at most 1 GiB is kept, and at most a sixteenth of the memory that machine and control groups leave at
    import; ALLCORES_RECYCLE_BYTES says otherwise. `info()["recycled"]` shows it.

    Examples
    --------
    >>> import numpy as np, allcores as ac
    >>> with ac.limit(threads=1, blas=1):
    ...     float(ac.sum(np.ones(4)))
    4.0
    """

    def __init__(
        self,
        *,
        threads: SupportsIndex | None = None,
        blas: SupportsIndex | None = None,
        recycle_bytes: SupportsIndex | None = None,
    ) -> None:
        if threads is None and blas is None and recycle_bytes is None:
            raise TypeError("limit() needs one of threads, blas and recycle_bytes")
        self._threads = None if threads is None else min(_count("threads", threads, 1), 2**30)
        self._blas = None if blas is None else min(_count("blas", blas, 1), 2**15)
        self._bytes = None if recycle_bytes is None else min(_count("recycle_bytes", recycle_bytes, 0), sys.maxsize)
        self._before: list[ExitStack] = []

    def __enter__(self) -> Self:
        """Set the limits."""
        with ExitStack() as undo:
            if self._threads is not None:
                undo.callback(_driver.set_local_limit, _driver.set_local_limit(self._threads))
            if self._bytes is not None:
                undo.callback(_memory.set_bound, _memory.set_bound(self._bytes))
            if self._blas is not None:
                undo.enter_context(_blas_limit(self._blas))
            self._before.append(undo.pop_all())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Set what was before."""
        self._before.pop().close()


ENGINES = {"auto": 0, "serial": 1, "threads": 2, "processes": 3}


_NAMES = {number: name for name, number in ENGINES.items()}


def engine_here() -> tuple[str, int]:
    """Return the engine that `using` has set in this thread, and how many workers Python functions may have."""
    found = _driver.settings()
    # OMP_NUM_THREADS is of threads in a process: it is set to 1 by those who want many processes. `limit` is of both.
    workers = workers_by_default()
    return _NAMES[found["engine"]], min(workers, found["limit"]) if found["limit"] else workers


workers_by_default = functools.cache(worker_cores)  # it reads files, which takes longer than a small map


def limits_here() -> Limits:
    """Return what a call of this thread may use now."""
    found = _driver.settings()
    unable = ""
    inside = _driver.state()["in_parallel"]
    if not found["openmp"]:
        unable = "this build has no OpenMP"
    elif found["serial_child"]:
        unable = "this process was forked from inside a parallel region, and cannot have threads"
    elif inside:
        unable = "this thread is inside a parallel region"
    engine, workers = engine_here()
    return Limits(
        threads=found["threads"],
        engine=engine,
        processes=1 if inside or sys.platform != "linux" else workers,
        parallel_from=found["parallel_from"] if found["parallel_from"] >= 0 else None,
        unable=unable,
    )


def state_here() -> State:
    """Return what the threads do now."""
    found, driver = _driver.state(), _driver.settings()
    return State(
        awake=found["awake"],
        wake=found["wake_ns"],
        crowded=found["crowded_ns"],
        busy=driver["busy"],
        cores=driver["cores"],
    )


class using:  # noqa: N801  used as a function, in a with statement
    """Run the calls of this thread on the engine named, whatever they cost, until the `with` block ends.

    Parameters
    ----------
    engine : {"auto", "serial", "threads", "processes"}
        "serial": on the calling thread. "threads": on as many OpenMP threads as `limit` allows, from two elements on;
        Python functions (`map` and its like) on Python's threads. "processes": in worker processes. "auto": as
        measured costs say, which is what holds outside of any block.

    Raises
    ------
    ValueError
        If there is no such engine.

    Notes
    -----
    Holds for the Python thread that enters the block, and nests. Results do not depend on it. Calls that NumPy answers
    (object arrays, subclasses, methods such as `accumulate`) are serial on any engine, and so is all that runs inside
    a parallel region.

    In processes, array functions read `SharedArray` operands where they are; others are copied into shared memory at
    each call, and new outputs lie there. What is cut is the same as for threads, and bits are the same. Products, and
    outputs that overlap an operand shifted, are done as with "auto". When a worker dies its part is done again, but
    where the output is an operand too: then `WorkerDied` is raised.

    Examples
    --------
    >>> import numpy as np, allcores as ac
    >>> with ac.using("serial"):
    ...     ac.add(np.ones(3), 1.0)
    array([2., 2., 2.])
    """

    def __init__(self, engine: str) -> None:
        if engine not in tuple(ENGINES):  # compared, not looked up: it may have no hash
            raise ValueError(f"engine must be one of {', '.join(map(repr, ENGINES))}, got {engine!r}")
        self._engine = ENGINES[engine]
        self._before: list[int] = []

    def __enter__(self) -> Self:
        """Set the engine."""
        self._before.append(_driver.set_engine(self._engine))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Set what was before."""
        _driver.set_engine(self._before.pop())
