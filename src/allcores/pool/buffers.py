"""Large buffers of a message: copied once into shared memory, sent as a handle, mapped by the receiver.

Their memory is that of allcores.shared, which is imported with the first of them: a worker whose tasks have none does
without NumPy. Where there is none (systems other than Linux) buffers are a part of the message. Called by
allcores.pool.tasks, .scheduler and .worker_main.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allcores.shared.blocks import Block

# Bytes; smaller buffers are a part of the message, whose copy costs less than a mapping. None are larger elsewhere.
LARGE = 1 << 16 if sys.platform == "linux" else sys.maxsize
_ALIGN = 64


class Lost(Exception):  # noqa: N818  what has happened to it
    """The memory is gone: the process that sent it has ended before it was mapped here."""


def _offsets(sizes: Sequence[int]) -> tuple[list[int], int]:
    offsets, end = [], 0
    for size in sizes:
        offsets.append(end)
        end += -(-size // _ALIGN) * _ALIGN
    return offsets, end


def pack(buffers: Sequence[memoryview]) -> Block:
    """Return a block of shared memory that holds copies of the buffers."""
    from allcores.shared import blocks

    offsets, end = _offsets([buffer.nbytes for buffer in buffers])
    block = blocks.allocate(end)
    for buffer, offset in zip(buffers, offsets, strict=True):
        block.write(offset, buffer)
    return block


def reclaim() -> None:
    """Drop what dead workers held of shared memory, if this process has used any."""
    shared = sys.modules.get("allcores._shared")
    if shared is not None:
        shared.reclaim()


def unpack(handle: bytes, sizes: Sequence[int], private: bool = False) -> list[memoryview]:
    """Return the buffers behind a handle, writable; they live as long as anything refers to one.

    With `private`, changes are not seen by others that map the same memory.
    """
    from allcores.shared import blocks

    offsets, _ = _offsets(sizes)
    try:
        view = memoryview(blocks.attach(handle, private=private))
    except blocks.SharedArrayGone as error:
        raise Lost(str(error)) from error
    return [view[offset : offset + size] for offset, size in zip(offsets, sizes, strict=True)]
