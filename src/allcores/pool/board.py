"""The page that parent and worker both map: what the worker is at, told by a store instead of a message.

Called by allcores.pool.workers and .worker_main.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref

SIZE = 4096
BEGUN, ITEM, SINCE = 0, 1, 2  # words: serial number of the message worked on; items of a chunk that run; when it began
COUNT_SHIFT = 48  # of ITEM: the first of them below, above how many; one word, so that it is never half changed
NOTHING = 2**64 - 1  # as ITEM: no item of the chunk is running
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
if _libc is not None:
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    _libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def new() -> int:
    """Return a descriptor of a page of memory without a name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("allcores-board", os.MFD_CLOEXEC)
    else:
        import tempfile

        descriptor, path = tempfile.mkstemp(prefix="allcores-board")
        os.unlink(path)  # noqa: PTH108  lean: workers import this module
    os.ftruncate(descriptor, SIZE)
    return descriptor


def mapped(descriptor: int) -> memoryview:
    """Map it, as words. Not by mmap.mmap, which keeps a descriptor of its own as long as it lives."""
    assert _libc is not None
    address = _libc.mmap(None, SIZE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, descriptor, 0)
    if address == _FAILED:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    page = (ctypes.c_char * SIZE).from_address(address)
    ending = weakref.finalize(page, _libc.munmap, address, SIZE)
    ending.atexit = False  # the system does it
    return memoryview(page).cast("B").cast("Q")
