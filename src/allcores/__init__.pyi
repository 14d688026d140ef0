# Which ufuncs there are is NumPy's choice at run time; here are those of all its versions.
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from allcores import aio as aio
from allcores import shared as shared
from allcores._ufuncs import ufunc as ufunc
from allcores.calibration import calibrate as calibrate
from allcores.calls.blocks import map_blocks as map_blocks
from allcores.calls.elements import vectorize as vectorize
from allcores.calls.executors import shutdown as shutdown
from allcores.calls.maps import apply as apply
from allcores.calls.maps import apply_async as apply_async
from allcores.calls.maps import imap as imap
from allcores.calls.maps import imap_unordered as imap_unordered
from allcores.calls.maps import map as map
from allcores.calls.maps import map_async as map_async
from allcores.calls.maps import starmap as starmap
from allcores.calls.maps import starmap_async as starmap_async
from allcores.calls.maps import submit as submit
from allcores.calls.mp_pool import Pool as Pool
from allcores.calls.rows import apply_along_axis as apply_along_axis
from allcores.explaining import explain as explain
from allcores.functions import linalg as linalg
from allcores.functions.elementwise import parallel as parallel
from allcores.functions.summaries import Moments as Moments
from allcores.information import get_include as get_include
from allcores.information import info as info
from allcores.install import accelerate as accelerate
from allcores.install import install as install
from allcores.install import uninstall as uninstall
from allcores.limits import limit as limit
from allcores.limits import using as using
from allcores.pool import Executor as Executor
from allcores.pool import NotUsableAfterFork as NotUsableAfterFork
from allcores.pool import PoolBroken as PoolBroken
from allcores.pool import PoolError as PoolError
from allcores.pool import TaskKilled as TaskKilled
from allcores.pool import TaskTimeout as TaskTimeout
from allcores.pool import UnpicklableResult as UnpicklableResult
from allcores.pool import UnpicklableTask as UnpicklableTask
from allcores.pool import WorkerDied as WorkerDied

__version__: str
__all__ = [
    "Executor",
    "Moments",
    "NotUsableAfterFork",
    "Pool",
    "PoolBroken",
    "PoolError",
    "TaskKilled",
    "TaskTimeout",
    "UnpicklableResult",
    "UnpicklableTask",
    "WorkerDied",
    "abs",
    "absolute",
    "accelerate",
    "acos",
    "acosh",
    "add",
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "apply",
    "apply_along_axis",
    "apply_async",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argmax",
    "argmin",
    "around",
    "array_equal",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "average",
    "bitwise_and",
    "bitwise_count",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "calibrate",
    "cbrt",
    "ceil",
    "clip",
    "conj",
    "conjugate",
    "copysign",
    "cos",
    "cosh",
    "count_nonzero",
    "deg2rad",
    "degrees",
    "divide",
    "divmod",
    "dot",
    "equal",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expit",
    "explain",
    "expm1",
    "fabs",
    "float_power",
    "floor",
    "floor_divide",
    "fma",
    "fmax",
    "fmin",
    "fmod",
    "frexp",
    "gammaln",
    "gcd",
    "get_include",
    "greater",
    "greater_equal",
    "heaviside",
    "hypot",
    "imap",
    "imap_unordered",
    "info",
    "install",
    "invert",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isnat",
    "lcm",
    "ldexp",
    "left_shift",
    "less",
    "less_equal",
    "limit",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logit",
    "logsumexp",
    "map",
    "map_async",
    "map_blocks",
    "matmul",
    "matvec",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mod",
    "modf",
    "moments",
    "multiply",
    "nan_to_num",
    "nanargmax",
    "nanargmin",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
    "ndtr",
    "negative",
    "nextafter",
    "not_equal",
    "parallel",
    "positive",
    "pow",
    "power",
    "prod",
    "ptp",
    "rad2deg",
    "radians",
    "reciprocal",
    "remainder",
    "right_shift",
    "rint",
    "round",
    "shutdown",
    "sign",
    "signbit",
    "sin",
    "sincos",
    "sinh",
    "softplus",
    "spacing",
    "sqrt",
    "square",
    "starmap",
    "starmap_async",
    "std",
    "submit",
    "subtract",
    "sum",
    "tan",
    "tanh",
    "true_divide",
    "trunc",
    "ufunc",
    "uninstall",
    "using",
    "var",
    "vdot",
    "vecdot",
    "vecmat",
    "vectorize",
    "weighted_std",
    "weighted_var",
    "where",
    "xlogy",
]

abs: np.ufunc
absolute: np.ufunc
acos: np.ufunc
acosh: np.ufunc
add: np.ufunc
arccos: np.ufunc
arccosh: np.ufunc
arcsin: np.ufunc
arcsinh: np.ufunc
arctan2: np.ufunc
arctan: np.ufunc
arctanh: np.ufunc
asin: np.ufunc
asinh: np.ufunc
atan2: np.ufunc
atan: np.ufunc
atanh: np.ufunc
bitwise_and: np.ufunc
bitwise_count: np.ufunc
bitwise_invert: np.ufunc
bitwise_left_shift: np.ufunc
bitwise_not: np.ufunc
bitwise_or: np.ufunc
bitwise_right_shift: np.ufunc
bitwise_xor: np.ufunc
cbrt: np.ufunc
ceil: np.ufunc
conj: np.ufunc
conjugate: np.ufunc
copysign: np.ufunc
cos: np.ufunc
cosh: np.ufunc
deg2rad: np.ufunc
degrees: np.ufunc
divide: np.ufunc
divmod: np.ufunc
equal: np.ufunc
erf: np.ufunc
erfc: np.ufunc
exp2: np.ufunc
exp: np.ufunc
expit: np.ufunc
expm1: np.ufunc
fabs: np.ufunc
float_power: np.ufunc
floor: np.ufunc
floor_divide: np.ufunc
fma: np.ufunc
fmax: np.ufunc
fmin: np.ufunc
fmod: np.ufunc
frexp: np.ufunc
gammaln: np.ufunc
gcd: np.ufunc
greater: np.ufunc
greater_equal: np.ufunc
heaviside: np.ufunc
hypot: np.ufunc
invert: np.ufunc
isfinite: np.ufunc
isinf: np.ufunc
isnan: np.ufunc
isnat: np.ufunc
lcm: np.ufunc
ldexp: np.ufunc
left_shift: np.ufunc
less: np.ufunc
less_equal: np.ufunc
log1p: np.ufunc
log2: np.ufunc
log10: np.ufunc
log: np.ufunc
logaddexp2: np.ufunc
logaddexp: np.ufunc
logical_and: np.ufunc
logical_not: np.ufunc
logical_or: np.ufunc
logical_xor: np.ufunc
logit: np.ufunc
matmul: np.ufunc
matvec: np.ufunc
maximum: np.ufunc
minimum: np.ufunc
mod: np.ufunc
modf: np.ufunc
multiply: np.ufunc
ndtr: np.ufunc
negative: np.ufunc
nextafter: np.ufunc
not_equal: np.ufunc
positive: np.ufunc
pow: np.ufunc
power: np.ufunc
rad2deg: np.ufunc
radians: np.ufunc
reciprocal: np.ufunc
remainder: np.ufunc
right_shift: np.ufunc
rint: np.ufunc
sign: np.ufunc
signbit: np.ufunc
sin: np.ufunc
sincos: np.ufunc
sinh: np.ufunc
softplus: np.ufunc
spacing: np.ufunc
sqrt: np.ufunc
square: np.ufunc
subtract: np.ufunc
tan: np.ufunc
tanh: np.ufunc
true_divide: np.ufunc
trunc: np.ufunc
vecdot: np.ufunc
vecmat: np.ufunc
xlogy: np.ufunc

_Axis: TypeAlias = int | tuple[int, ...] | None

def sum(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def prod(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def mean(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    *,
    where: ArrayLike = ...,
) -> Any: ...
def var(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    ddof: float = 0,
    keepdims: bool = ...,
    *,
    where: ArrayLike = ...,
    mean: ArrayLike = ...,
    correction: float = ...,
) -> Any: ...
def std(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    ddof: float = 0,
    keepdims: bool = ...,
    *,
    where: ArrayLike = ...,
    mean: ArrayLike = ...,
    correction: float = ...,
) -> Any: ...
def min(
    a: ArrayLike,
    axis: _Axis = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def max(
    a: ArrayLike,
    axis: _Axis = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def amin(
    a: ArrayLike,
    axis: _Axis = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def amax(
    a: ArrayLike,
    axis: _Axis = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def argmin(a: ArrayLike, axis: int | None = None, out: NDArray[Any] | None = None, *, keepdims: bool = ...) -> Any: ...
def argmax(a: ArrayLike, axis: int | None = None, out: NDArray[Any] | None = None, *, keepdims: bool = ...) -> Any: ...
def any(
    a: ArrayLike, axis: _Axis = None, out: NDArray[Any] | None = None, keepdims: bool = ..., *, where: ArrayLike = ...
) -> Any: ...
def all(
    a: ArrayLike, axis: _Axis = None, out: NDArray[Any] | None = None, keepdims: bool = ..., *, where: ArrayLike = ...
) -> Any: ...
def count_nonzero(a: ArrayLike, axis: _Axis = None, *, keepdims: bool = False) -> Any: ...
def where(condition: ArrayLike, x: ArrayLike = ..., y: ArrayLike = ..., /) -> Any: ...
def clip(
    a: ArrayLike,
    a_min: ArrayLike | None = ...,
    a_max: ArrayLike | None = ...,
    out: NDArray[Any] | None = None,
    *,
    min: ArrayLike | None = ...,
    max: ArrayLike | None = ...,
    **kwargs: Any,
) -> Any: ...
def round(a: ArrayLike, decimals: int = 0, out: NDArray[Any] | None = None) -> Any: ...
def around(a: ArrayLike, decimals: int = 0, out: NDArray[Any] | None = None) -> Any: ...
def nan_to_num(
    x: ArrayLike,
    copy: bool = True,
    nan: ArrayLike = 0.0,
    posinf: ArrayLike | None = None,
    neginf: ArrayLike | None = None,
) -> Any: ...
def isclose(
    a: ArrayLike, b: ArrayLike, rtol: ArrayLike = 1e-05, atol: ArrayLike = 1e-08, equal_nan: bool = False
) -> Any: ...
def allclose(
    a: ArrayLike, b: ArrayLike, rtol: ArrayLike = 1e-05, atol: ArrayLike = 1e-08, equal_nan: bool = False
) -> bool: ...
def array_equal(a1: ArrayLike, a2: ArrayLike, equal_nan: bool = False) -> bool: ...
def nansum(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def nanprod(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def nanmin(
    a: ArrayLike,
    axis: _Axis = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def nanmax(
    a: ArrayLike,
    axis: _Axis = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    initial: Any = ...,
    where: ArrayLike = ...,
) -> Any: ...
def nanmean(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    keepdims: bool = ...,
    *,
    where: ArrayLike = ...,
) -> Any: ...
def nanvar(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    ddof: float = 0,
    keepdims: bool = ...,
    *,
    where: ArrayLike = ...,
    mean: ArrayLike = ...,
    correction: float = ...,
) -> Any: ...
def nanstd(
    a: ArrayLike,
    axis: _Axis = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
    ddof: float = 0,
    keepdims: bool = ...,
    *,
    where: ArrayLike = ...,
    mean: ArrayLike = ...,
    correction: float = ...,
) -> Any: ...
def nanargmin(
    a: ArrayLike, axis: int | None = None, out: NDArray[Any] | None = None, *, keepdims: bool = ...
) -> Any: ...
def nanargmax(
    a: ArrayLike, axis: int | None = None, out: NDArray[Any] | None = None, *, keepdims: bool = ...
) -> Any: ...
def ptp(a: ArrayLike, axis: _Axis = None, out: NDArray[Any] | None = None, keepdims: bool = ...) -> Any: ...
def average(
    a: ArrayLike,
    axis: _Axis = None,
    weights: ArrayLike | None = None,
    returned: bool = False,
    *,
    keepdims: bool = ...,
) -> Any: ...
def weighted_var(
    a: ArrayLike, weights: ArrayLike, axis: _Axis = None, *, ddof: float = 0, kind: str = ..., keepdims: bool = False
) -> Any: ...
def weighted_std(
    a: ArrayLike, weights: ArrayLike, axis: _Axis = None, *, ddof: float = 0, kind: str = ..., keepdims: bool = False
) -> Any: ...
def moments(x: ArrayLike, axis: _Axis = None) -> Moments: ...
def logsumexp(
    a: ArrayLike,
    axis: _Axis = None,
    b: ArrayLike | None = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any: ...
def dot(a: ArrayLike, b: ArrayLike, out: NDArray[Any] | None = None) -> Any: ...
def vdot(a: ArrayLike, b: ArrayLike, /) -> Any: ...
