"""Large buffers of a message: written into memory that has no name, sent as a descriptor, mapped by the receiver.

One memfd a message. It is freed with its last mapping, so a process that is killed leaves nothing. Where the system has
no memfd, an unlinked temporary file takes its place. Called by allcores.pool.scheduler and .worker_main.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref
from collections.abc import Sequence

LARGE = 1 << 16  # bytes; smaller ones are part of the message, whose copy costs less than a mapping
_ALIGN = 64
_AT_ONCE = 1 << 30  # Linux writes no more than 2 GiB a call
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
if _libc is not None:
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    _libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def _offsets(sizes: Sequence[int]) -> tuple[list[int], int]:
    offsets, end = [], 0
    for size in sizes:
        offsets.append(end)
        end += -(-size // _ALIGN) * _ALIGN
    return offsets, end


def anonymous(name: str) -> int:
    """Return a descriptor of memory without a name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name, os.MFD_CLOEXEC)
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix=name)
    os.unlink(path)  # noqa: PTH108  lean: workers import this module
    return descriptor


def pack(buffers: Sequence[memoryview]) -> int:
    """Return a descriptor of memory that holds copies of the buffers."""
    offsets, end = _offsets([buffer.nbytes for buffer in buffers])
    descriptor = anonymous("allcores")
    try:
        os.ftruncate(descriptor, end)
        for buffer, offset in zip(buffers, offsets, strict=True):
            at, size = 0, buffer.nbytes
            while at < size:
                at += os.pwrite(descriptor, buffer[at : at + _AT_ONCE], offset + at)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def unpack(descriptor: int, sizes: Sequence[int], private: bool = False) -> list[memoryview]:
    """Return the buffers behind a descriptor, writable, and close it; they live as long as anything refers to one.

    With `private`, changes are not seen by others that map the same memory.
    """
    offsets, end = _offsets(sizes)
    try:
        view = mapping(descriptor, end, private)
    finally:
        os.close(descriptor)
    return [view[offset : offset + size] for offset, size in zip(offsets, sizes, strict=True)]


def mapping(descriptor: int, size: int, private: bool = False) -> memoryview:
    """Map a descriptor's memory. Not mmap.mmap, which keeps a descriptor of its own as long as it lives."""
    assert _libc is not None
    kind = mmap.MAP_PRIVATE if private else mmap.MAP_SHARED
    address = _libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, kind, descriptor, 0)
    if address == _FAILED:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    block = (ctypes.c_char * size).from_address(address)
    ending = weakref.finalize(block, _libc.munmap, address, size)
    ending.atexit = False  # the system does it, and arrays may still be read meanwhile
    return memoryview(block).cast("B")
