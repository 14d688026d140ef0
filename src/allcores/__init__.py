"""NumPy on all cores: array functions with NumPy's names and NumPy's results, run by every core of the machine."""

from importlib.metadata import version as _version

from allcores import limits as _limits

_limits.configure()

from allcores._ufuncs import ufunc  # noqa: E402  the limits come first: functions ask for them when they are made
from allcores.functions.elementwise import UFUNCS as _UFUNCS  # noqa: E402
from allcores.functions.elementwise import parallel  # noqa: E402
from allcores.information import info  # noqa: E402
from allcores.install import accelerate, install, uninstall  # noqa: E402
from allcores.limits import limit  # noqa: E402

globals().update(_UFUNCS)

__version__ = _version("allcores")
__all__ = [
    "accelerate",
    "info",
    "install",
    "limit",
    "parallel",
    "ufunc",
    "uninstall",
    *_UFUNCS,
]
