"""How arrays go to workers: as handles of shared memory or as parts of files, never by value; and where results go.

Called by allcores.calls.blocks, .rows and .elements.
"""

from __future__ import annotations

import mmap
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from allcores import shared

Array = np.ndarray[Any, Any]


class Mapped:
    """A part of a file, as an array that each process maps for itself."""

    def __init__(self, array: np.memmap[Any, Any]) -> None:
        low, high = byte_bounds(array)
        # A view's `offset` is that of the array it was made of, so the place is found by address.
        whole = np.frombuffer(_map_of(array), np.uint8)
        start = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY
        self._path = os.fspath(array.filename)  # type: ignore[arg-type]
        self._mode = "r+" if array.flags.writeable else "r"
        self._low = start + low - whole.ctypes.data
        self._nbytes = high - low
        self._first = array.ctypes.data - low
        self._dtype, self._shape, self._strides = array.dtype, array.shape, array.strides

    def array(self) -> Array:
        """Return the array."""
        file: Any = np.memmap(self._path, np.uint8, self._mode, self._low, (self._nbytes,))  # type: ignore[call-overload]
        return np.ndarray(self._shape, self._dtype, file, self._first, self._strides)


def _map_of(array: Any) -> Any:
    return array._mmap


def maps_file(array: Array) -> bool:
    """Whether others that map the array's file see what it holds."""
    return (
        isinstance(array, np.memmap)
        and _map_of(array) is not None
        and array.mode != "c"
        and array.filename is not None
        and array.size > 0
        and not array.dtype.hasobject
        and Path(array.filename).exists()
    )


def opened(operand: Any) -> Array:
    """Return what a worker computes with: ordinary arrays over the memory that it was sent."""
    return operand.array() if isinstance(operand, Mapped) else np.asarray(operand)


def sendable(array: Array) -> Array:
    """Return the array itself where processes can share it, else a copy in shared memory."""
    if maps_file(array):
        return array
    if array.size and shared.is_shared(array):
        return array.view(shared.SharedArray)
    return shared.array(array)


def sent(array: Array) -> Any:
    """Return what is put into a message for a `sendable` array, or for a part of it."""
    return Mapped(array) if maps_file(array) else array  # type: ignore[arg-type]


def same_memory(a: Array, b: Array) -> bool:
    """Whether a change of one may be a change of the other."""
    if np.may_share_memory(a, b):
        return True
    return (
        isinstance(a, np.memmap)
        and isinstance(b, np.memmap)
        and maps_file(a)
        and maps_file(b)
        and Path(a.filename).samefile(b.filename)  # type: ignore[arg-type]
    )


class Output:
    """What workers write into, and what the caller gets when all is done.

    Parameters
    ----------
    out : None, ndarray, str or path
        As the caller gave it.
    arrays : sequence of ndarray
        The operands: where `out` has memory of one of them, results are collected elsewhere.
    here : bool
        Whether this process alone writes.
    """

    def __init__(self, out: Any, arrays: Sequence[Array], here: bool) -> None:
        self._given: Array | None = None
        self._path: Path | None = None
        self._part: Path | None = None
        self._here = here
        if isinstance(out, np.ndarray):
            if not out.flags.writeable:
                raise ValueError("out must be writable, got a read-only array")
            if out.dtype.hasobject:
                raise TypeError(f"out must hold no Python objects, got {out.dtype}")
            if isinstance(out, np.ma.MaskedArray):
                raise TypeError("out must be an ndarray, got a MaskedArray")
            self._given = out
        elif isinstance(out, (str, os.PathLike)):
            self._path = Path(os.fspath(out)).absolute()
            if not self._path.parent.is_dir():
                raise FileNotFoundError(f"out must be in a folder that exists, got {os.fspath(out)!r}")
        elif out is not None:
            raise TypeError(f"out must be an array, a path or None, got {type(out).__name__}")
        self._direct = self._given is not None and not any(same_memory(self._given, array) for array in arrays)
        if not here and self._given is not None and self._direct:
            self._direct = maps_file(self._given) or (self._given.size > 0 and shared.is_shared(self._given))
        self.target: Array | None = None

    @property
    def given(self) -> Array | None:
        """The caller's array, if there is one."""
        return self._given

    def make(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return the array for the results, of this shape and dtype."""
        if dtype.hasobject:
            raise TypeError(f"f must return arrays without Python objects, got {dtype}; with reduce they may have some")
        target: Any
        if self._given is not None and self._direct:
            target = self._given if maps_file(self._given) or self._here else sendable(self._given)
        elif self._path is not None:
            # Beside the file that is wanted, which is there only when it is whole.
            self._part = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex}.part")
            target = np.lib.format.open_memmap(self._part, "w+", dtype, shape)
            if hasattr(os, "posix_fallocate"):  # a full disk is an error now, and no SIGBUS later
                with self._part.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, max(1, self._part.stat().st_size))
        else:
            target = shared.empty(shape, dtype)
        self.target = target
        return target  # type: ignore[no-any-return]

    def finish(self) -> Array:
        """Return what the caller gets."""
        target, self.target = self.target, None
        assert target is not None
        if self._given is not None:
            if not self._direct:
                np.copyto(self._given, target)
            return self._given
        if self._path is not None and self._part is not None:
            del target
            self._part.replace(self._path)
            self._part = None
            return np.lib.format.open_memmap(self._path, "r+")
        return target

    def discard(self) -> None:
        """Leave no half-written file."""
        self.target = None
        if self._part is not None:
            self._part.unlink(missing_ok=True)
            self._part = None
