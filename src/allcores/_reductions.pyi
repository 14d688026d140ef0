from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_VALUE: Any
UFUNCS: dict[np.ufunc, int]
ADD: int
MUL: int
MIN: int
MAX: int
ANY: int
ALL: int
SQUARES: int
ABSOLUTES: int
MIN_ABSOLUTE: int
MAX_ABSOLUTE: int
NAN_ADD: int
NAN_MUL: int
NAN_MIN: int
NAN_MAX: int
NAN_MEAN: int
NAN_VARIANCE: int
SPREAD: int
MOMENTS: int

def is_plain(a: object) -> bool: ...
def worth(a: object) -> bool: ...
def elements(a: NDArray[Any], axis: Any) -> int: ...
def fold(
    op: int,
    numpy_reduce: Callable[..., Any],
    a: Any,
    axis: Any,
    dtype: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    where: Any,
) -> Any: ...
def fold_told(
    op: int,
    a: Any,
    axis: Any,
    dtype: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    mean: NDArray[Any] | None = None,
    parameter: float = 0,
) -> Any: ...
def count_nonzero(a: Any, axis: Any, keepdims: Any) -> Any: ...
def arg_extreme(
    operand: Any, greatest: bool, axis: Any = None, out: Any = None, keepdims: Any = False, numbers: bool = False
) -> Any: ...
def reduce_ufunc(
    ufunc: np.ufunc,
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = ...,
    where: Any = True,
) -> Any: ...
def reduce_part(
    op: int,
    operand: Any,
    axis: Any,
    dtype: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    mean: NDArray[Any] | None,
    parameter: float,
) -> Any: ...
def sum_of_squares(operand: Any, mean: NDArray[Any], axis: Any, out: Any, keepdims: Any) -> Any: ...
def generalised(numpy_ufunc: np.ufunc, matrices: bool) -> np.ufunc: ...
def set_cost(op: int, dtype: np.dtype[Any], ns: float) -> None: ...
def set_arg_cost(dtype: np.dtype[Any], numbers: bool, ns: float) -> None: ...
def reductions_run() -> int: ...
def find_blas_with(function: Callable[[], tuple[int, int] | None]) -> None: ...
def blas_held() -> bool: ...
def pause_blas_hold() -> None: ...
def resume_blas_hold() -> None: ...
