"""Plain bytes in shared memory, for buffers that travel out of band. Called by the pool; arrays are built on it.

    block = allocate(nbytes)            a Block: a writable buffer, memoryview(block), of exactly nbytes
    handle = block.handle()             bytes, some 60 of them, for any process of this machine; pins the block
    block = attach(handle)              there: a Block over the same memory; the first attach takes the pin back
    block = attach(handle, readonly=True)
    block = attach(handle, private=True)    changes stay in this process
    pin = block.pin(); pin.handle       a handle that is taken back with the Pin, if nobody has loaded it until then
    unpin(handle)                       the same for a handle: of a message that nobody will load (its receiver died)
    block.write(offset, buffer)         copies, on several threads
    block, offset = block_of(array)     where an array's memory lies, None where it is not shared
    reclaim()                           drops now what dead processes held; happens by itself within half a second

A Block is alive as long as any process has one, or a pin: drop it (or what was made of it) and it is free. `allocate`
raises MemoryError before anything is touched, `attach` raises SharedArrayGone where the block is not there any more.
"""

from __future__ import annotations

from allcores._shared import Block, Pin, SharedArrayGone, attach, block_of, reclaim, unpin
from allcores.shared.memory import allocate

__all__ = ["Block", "Pin", "SharedArrayGone", "allocate", "attach", "block_of", "reclaim", "unpin"]
