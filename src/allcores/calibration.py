"""`calibrate()`: what things take on this machine, measured once and kept in a file."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from allcores import _driver, _isa, _reductions, _ufuncs
from allcores._version import __version__
from allcores.kernels import KERNELS
from allcores.plan import costs as files
from allcores.plan.machine import cache_bytes, cpu_name, usable_cores
from allcores.plan.model import Costs
from allcores.plan.plan import thresholds
from allcores.samples import type_lines

_FOLDS = {
    "sum": _reductions.ADD, "prod": _reductions.MUL, "min": _reductions.MIN, "max": _reductions.MAX,
    "any": _reductions.ANY, "all": _reductions.ALL, "nansum": _reductions.NAN_ADD, "nanprod": _reductions.NAN_MUL,
    "nanmin": _reductions.NAN_MIN, "nanmax": _reductions.NAN_MAX,
}  # fmt: skip
_SEARCHES = {"argmax": False, "argmin": False, "nanargmax": True, "nanargmin": True}

_current = files.seeds()


def current() -> Costs:
    """Return the costs in use."""
    return _current


@cache
def _lines(name: str) -> frozenset[str]:
    return frozenset(type_lines(KERNELS[name]))


def machine_key() -> dict[str, Any]:
    """Return what a calibration holds for: this machine, what this process may use of it, and the versions."""
    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "isa": _isa.isa()[0],
        "openmp": _driver.settings()["openmp"],
        "allcores": __version__,
        "numpy": np.__version__,
    }


def use(costs: Costs) -> None:
    """Make the driver and every kernel go by `costs`; raises files.BadFileError, and changes nothing, if it cannot."""
    global _current
    for name, lines in costs.kernels.items():
        kernel = KERNELS.get(name)
        if kernel is None or not lines.keys() <= _lines(name):
            raise files.BadFileError(f"it has costs of {name}, which is no function here, or not of these types")
    for name, lines in costs.kernels.items():
        function = KERNELS[name].function
        if isinstance(function, np.ufunc):
            _ufuncs.set_costs(function, lines)
            continue
        for line, cost in lines.items():
            if name in _FOLDS and line not in "gG":
                _reductions.set_cost(_FOLDS[name], np.dtype(line), cost)
            elif name in _SEARCHES and line not in "gG":
                _reductions.set_arg_cost(np.dtype(line), _SEARCHES[name], cost)
    awake, asleep = thresholds(costs)
    bandwidth = costs.bandwidth or (float("inf"),)
    _driver.set_costs(awake, asleep, costs.wake, costs.cache_bytes, bandwidth[0], max(bandwidth))
    _current = costs


def _guesses() -> Costs:
    """Return the seeds, of the functions and types that there are with this NumPy and on this platform."""
    found = files.seeds(cache_bytes(usable_cores()), _isa.isa()[0])
    known = {}
    for name, costs in found.kernels.items():
        if name in KERNELS:
            known[name] = {line: cost for line, cost in costs.items() if line in _lines(name)}
    return replace(found, kernels=known)


def configure() -> None:
    """Use what is known of this machine; called once, at import."""
    key = machine_key()
    path = files.file_of(key)
    try:
        found = files.read(path, key)
        use(found or _guesses())
    except files.BadFileError as error:
        use(_guesses())
        warnings.warn(
            f"the calibration {path} is ignored: {error}; allcores.calibrate() makes a new one",
            RuntimeWarning,
            stacklevel=3,
        )


def calibrate(*, refresh: bool = False, progress: Callable[[str, float], None] | None = None) -> Costs:
    """Measure what calls take on this machine, once, so that serial calls and threads are chosen well on it.

    Takes a few seconds the first time; later calls, and later imports of allcores, read the file that the first one
    wrote. Without it allcores goes by guesses that fit most machines. Results of calls never depend on it.

    Parameters
    ----------
    refresh : bool, default False
        Measure even if there is a file.
    progress : callable, optional
        Told (what is measured, fraction done from 0 to 1) on the way.

    Returns
    -------
    Costs
        The figures in use from now on: start of a parallel region with threads awake and asleep, bandwidth of memory
        by threads, serial cost an element of every function and dtype, round trip to another process.

    Warns
    -----
    RuntimeWarning
        If the file cannot be written; the figures then hold for this process alone.

    Notes
    -----
    One file a processor name, number of cores, instruction set and version of allcores and NumPy, in the folder
    ALLCORES_CACHE_DIR, else "allcores" in the system's folder for caches. It is replaced as a whole: processes that
    calibrate at the same time, or are killed meanwhile, leave a valid one. Measure while the machine does little else.

    Examples
    --------
    >>> import allcores as ac
    >>> costs = ac.calibrate()  # doctest: +SKIP
    """
    key = machine_key()
    path = files.file_of(key)
    if not refresh:
        try:
            found = files.read(path, key)
            if found is not None:
                use(found)
                return found
        except files.BadFileError:
            pass  # it was warned of at import, and is replaced below
    from allcores.measuring import measure  # what no import of ours should cost

    measured = measure(progress)
    use(measured)
    try:
        files.write(path, measured, key)
    except OSError as error:
        warnings.warn(
            f"the calibration cannot be kept in {path.parent}: {error.strerror or error}; it holds for this process",
            RuntimeWarning,
            stacklevel=2,
        )
    return measured


def calibration_file() -> Path:
    """Return where this machine's calibration is, or would be."""
    return files.file_of(machine_key())
