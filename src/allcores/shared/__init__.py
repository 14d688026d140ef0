"""Arrays in memory that processes share, locks between them, and atomic updates. Linux only.

docs/sharing-memory.md tells how long memory lives and what a handle is.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = [
    "Lock",
    "SharedArray",
    "SharedArrayGone",
    "Value",
    "arange",
    "array",
    "atomic_add",
    "atomic_compare_exchange",
    "atomic_max",
    "atomic_min",
    "empty",
    "empty_like",
    "forget",
    "full",
    "full_like",
    "is_shared",
    "ones",
    "ones_like",
    "reclaim",
    "release",
    "usage",
    "zeros",
    "zeros_like",
]

if sys.platform == "linux":
    from allcores._shared import SharedArray, SharedArrayGone
    from allcores.shared.arrays import (
        arange,
        array,
        empty,
        empty_like,
        full,
        full_like,
        ones,
        ones_like,
        zeros,
        zeros_like,
    )
    from allcores.shared.lifetime import forget, is_shared, reclaim, release, usage
    from allcores.shared.locks import Lock, Value, atomic_add, atomic_compare_exchange, atomic_max, atomic_min
else:

    def __getattr__(name: str) -> Any:
        if name in __all__:
            raise NotImplementedError(f"allcores.shared.{name}: shared arrays need Linux, this is {sys.platform}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
