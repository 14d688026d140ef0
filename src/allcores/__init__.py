"""NumPy on all cores: array functions with NumPy's names and NumPy's results, run by every core of the machine."""

import os as _os
import sys as _sys

from allcores import _driver, _isa, _reductions, _ufuncs
from allcores import limits as _limits
from allcores._version import __version__ as __version__

# First of all: functions ask for limits and inner loops when they are made.
_limits.configure()
_isa.set_isa(_os.environ.get("ALLCORES_ISA", ""))

from allcores import calibration as _calibration  # noqa: E402
from allcores import shared as shared  # noqa: E402
from allcores._ufuncs import ufunc  # noqa: E402
from allcores.calibration import calibrate  # noqa: E402
from allcores.explaining import explain  # noqa: E402
from allcores.functions import linalg as linalg  # noqa: E402
from allcores.functions.composite import *  # noqa: E402, F403  NumPy's names, as its __all__ lists them
from allcores.functions.composite import __all__ as _composite_all  # noqa: E402
from allcores.functions.elementwise import UFUNCS as _UFUNCS  # noqa: E402
from allcores.functions.elementwise import parallel  # noqa: E402
from allcores.functions.nanreductions import *  # noqa: E402, F403
from allcores.functions.nanreductions import __all__ as _nanreductions_all  # noqa: E402
from allcores.functions.products import *  # noqa: E402, F403
from allcores.functions.products import __all__ as _products_all  # noqa: E402
from allcores.functions.reductions import *  # noqa: E402, F403
from allcores.functions.reductions import __all__ as _reductions_all  # noqa: E402
from allcores.functions.special import *  # noqa: E402, F403
from allcores.functions.special import __all__ as _special_all  # noqa: E402
from allcores.functions.statistics import *  # noqa: E402, F403
from allcores.functions.statistics import __all__ as _statistics_all  # noqa: E402
from allcores.functions.summaries import *  # noqa: E402, F403
from allcores.functions.summaries import __all__ as _summaries_all  # noqa: E402
from allcores.information import get_include, info  # noqa: E402
from allcores.install import accelerate, install, uninstall  # noqa: E402
from allcores.kernels import KERNELS as _KERNELS  # noqa: E402
from allcores.limits import limit, using  # noqa: E402

# Processes are not everybody's: what takes their modules in is the first use of one of these names.
_LAZY = {
    "allcores.pool": (
        "Executor",
        "NotUsableAfterFork",
        "PoolBroken",
        "PoolError",
        "TaskKilled",
        "TaskTimeout",
        "UnpicklableResult",
        "UnpicklableTask",
        "WorkerDied",
    ),
    "allcores.calls.blocks": ("map_blocks",),
    "allcores.calls.elements": ("vectorize",),
    "allcores.calls.executors": ("shutdown",),
    "allcores.calls.maps": (
        "apply",
        "apply_async",
        "imap",
        "imap_unordered",
        "map",
        "map_async",
        "starmap",
        "starmap_async",
        "submit",
    ),
    "allcores.calls.mp_pool": ("Pool",),
    "allcores.calls.rows": ("apply_along_axis",),
}
_HOMES = {name: module for module, names in _LAZY.items() for name in names}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        import importlib

        found = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = found
        return found
    if name == "aio":
        import importlib

        return importlib.import_module("allcores.aio")
    raise AttributeError(f"module 'allcores' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "aio"})


def _in_processes(*call: object) -> object:
    from allcores.engines import processes

    return processes.call(*call)  # type: ignore[arg-type]


_driver.set_processes(_in_processes)
if _sys.platform == "linux":
    from allcores import _shared

    _shared.set_parallel({kernel.reference: kernel.function for kernel in _KERNELS.values()})
_ufuncs.set_reduce(_reductions.reduce_ufunc)
globals().update(_UFUNCS)
_calibration.configure()

__all__ = [
    "accelerate",
    "calibrate",
    "explain",
    "get_include",
    "info",
    "install",
    "limit",
    "parallel",
    "ufunc",
    "uninstall",
    "using",
    *_UFUNCS,
    *_HOMES,
    *_composite_all,
    *_nanreductions_all,
    *_products_all,
    *_reductions_all,
    *_special_all,
    *_statistics_all,
    *_summaries_all,
]
