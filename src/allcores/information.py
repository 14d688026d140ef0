"""`info()` and `get_include()`: what this installation is and does, and where its header is."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np

from allcores import _driver, _isa, _memory, _ufuncs
from allcores._version import __version__
from allcores.calibration import calibration_file, current
from allcores.install import installed
from allcores.plan.machine import affinity_cores, quota_cores


def info(*, kernels: bool = False) -> dict[str, Any]:
    """Return what runs here: versions, cores, threads, instruction set, OpenMP.

    Parameters
    ----------
    kernels : bool, default False
        Also list, under "kernels", the inner loops that are ours and NumPy's to the bit, as (ufunc, types), and under
        "mathematics" those within a stated error, as (ufunc, types, nanoseconds an element, whether calls use it).

    Returns
    -------
    dict
        "allcores", "numpy", "python" : versions. "compiler" : of the C code. "openmp" : the OpenMP date the build
        supports (201511 is 4.5), 0 without OpenMP. "cores" : what this process may use; "affinity" and "quota" : why
        (quota in cores, None without one). "threads" : limit of a call made here. "isa" : instruction-set level in
        use, of "isa_compiled". "parallel_from" : elements from which every call is split, None where costs decide.
        "installed" : whether NumPy's own ufuncs are accelerated. "regions" : parallel calls so far.
        "serial_child" : whether a fork left this process without threads. "calibration" : the file of `calibrate` whose
        costs are in use, None where those that ship with allcores are. "recycled" : bytes of freed outputs that are
        kept ("kept", of at most "bound", in "blocks") and how many outputs came from there ("reused") or from the
        system ("fresh"). "libraries" : the OpenMP and BLAS runtimes
        that are loaded, ours among them, as threadpoolctl sees them (file, version, threads).

    Examples
    --------
    >>> import allcores as ac
    >>> ac.info()["threads"] >= 1
    True
    """
    from threadpoolctl import threadpool_info  # 20 ms that an import of ours must not cost

    driver = _driver.settings()
    level, levels, compiler = _isa.isa()
    quota = quota_cores()
    found: dict[str, Any] = {
        "allcores": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "compiler": compiler,
        "openmp": driver["openmp"],
        "cores": driver["cores"],
        "affinity": affinity_cores(),
        "quota": None if quota == float("inf") else quota,
        "threads": driver["threads"] if driver["openmp"] else 1,
        "isa": level,
        "isa_compiled": levels,
        "parallel_from": None if driver["parallel_from"] < 0 else driver["parallel_from"],
        "installed": installed(),
        "regions": driver["regions"],
        "serial_child": driver["serial_child"],
        "calibration": str(calibration_file()) if current().measured else None,
        "recycled": _memory.usage(),
        "libraries": threadpool_info(),
    }
    if kernels:
        found["kernels"] = _ufuncs.own_loops()
        found["mathematics"] = _ufuncs.mathematics()
    return found


def get_include() -> str:
    """Return the folder of `allcores.h`, which extension modules of other projects are compiled with.

    Returns
    -------
    str
        An absolute path, for `include_dirs` of setuptools' Extension and its like.

    Notes
    -----
    Cython finds the declarations for `from allcores cimport ...` by itself: it looks for them where Python finds the
    package. docs/library-authors.md has an example.

    Examples
    --------
    >>> import os, allcores as ac
    >>> os.path.exists(os.path.join(ac.get_include(), "allcores.h"))
    True
    """
    return str(Path(__file__).resolve().parent / "include")
