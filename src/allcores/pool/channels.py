"""Framed messages over one socketpair, and descriptors with them; used by both ends, blocking or not.

    header (24 bytes)                                                     payload
    kind  descriptors  handle's length  buffers  serial  payload's length     pickle, a length a buffer, handle

Nothing is shared between two channels: a peer that dies in the middle of a message is an end of file here, and no
other channel notices. Large buffers are not in the payload: they lie in the shared memory that the handle names.
Descriptors travel to the server that starts workers only.
"""

from __future__ import annotations

import array
import os
import socket
import struct
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

HEADER = struct.Struct("<BBHIQQ")
_READ = 1 << 14  # bytes taken at once of what may be several messages; most are far smaller
_VIEWS = 64  # pieces a sendmsg, below every system's limit
_ANCILLARY = socket.CMSG_SPACE(4 * array.array("i").itemsize) if hasattr(socket, "CMSG_SPACE") else 0

# From the parent to a worker
SETUP, TASK, DEFINE, MAP, EXIT = 1, 2, 3, 4, 5
# From a worker to the parent
READY, RESULT, RAISED, BAD_TASK, BAD_RESULT, PART, INITIALIZER, OUTPUT = 11, 12, 13, 14, 15, 16, 17, 18
# Between the parent and the server that starts workers
SPAWN, KILL, STARTED, EXITED = 21, 22, 23, 24
# Added to TASK and MAP: run it only if the claim can be taken, which is in the first or second counter. Two in turn,
# because the parent may send the next one ahead before the worker has taken the last claim (allcores.pool.assigning
# tells more).
CLAIMS = (64, 128)


class Frame(NamedTuple):
    """One message, complete."""

    kind: int
    serial: int
    payload: memoryview
    sizes: tuple[int, ...]
    handle: bytes
    descriptors: list[int]
    buffers: list[memoryview] | None = None  # behind the handle, once they are mapped


def frame(
    kind: int,
    serial: int = 0,
    payload: bytes = b"",
    sizes: Sequence[int] = (),
    handle: bytes = b"",
    descriptors: int = 0,
) -> list[memoryview]:
    """Return the pieces of one message; `sizes` are those of the buffers behind the handle."""
    table = struct.pack(f"<{len(sizes)}Q", *sizes) + handle if sizes else b""
    header = HEADER.pack(kind, descriptors, len(handle), len(sizes), serial, len(payload) + len(table))
    if len(payload) <= _READ:
        return [memoryview(header + payload + table)]
    return [memoryview(header), memoryview(payload), memoryview(table)]


class Reader:
    """Cuts what arrives on a socket into messages; holds a partial one."""

    def __init__(self, sock: socket.socket, with_descriptors: bool = False) -> None:
        self.sock = sock
        self.with_descriptors = with_descriptors
        self.rest = b""  # the beginning of a message: a part of its header, or of a small payload
        self.body: memoryview | None = None  # a large payload that is on its way
        self.filled = 0
        self.head: tuple[int, ...] = ()
        self.descriptors: deque[int] = deque()

    @property
    def phase(self) -> str:
        """Where in a message the peer has come to: "", "mid-header" or "mid-payload"."""
        if self.body is not None or len(self.rest) >= HEADER.size:
            return "mid-payload"
        return "mid-header" if self.rest else ""

    def read(self) -> list[Frame]:
        """Take what has arrived, at most once; EOFError when the peer is gone, BlockingIOError when there is
        nothing.
        """
        if self.body is not None:
            n = self.sock.recv_into(self.body[self.filled :])
            if not n:
                raise EOFError
            self.filled += n
            if self.filled < len(self.body):
                return []
            body, self.body = self.body, None
            return [self._complete(self.head, body)]
        data = self._receive() if self.with_descriptors else self.sock.recv(_READ)
        if not data:
            raise EOFError
        if self.rest:
            data = self.rest + data
        frames = []
        view = memoryview(data)
        start, end = 0, len(data)
        while end - start >= HEADER.size:
            head = HEADER.unpack_from(data, start)
            length = head[5]
            stop = start + HEADER.size + length
            if stop > end:
                if length > _READ:
                    self.head = head
                    self.body = memoryview(bytearray(length))
                    self.filled = end - start - HEADER.size
                    self.body[: self.filled] = view[start + HEADER.size : end]
                    start = end
                break
            frames.append(self._complete(head, view[start + HEADER.size : stop]))
            start = stop
        self.rest = data[start:] if start < end else b""
        return frames

    def _receive(self) -> bytes:
        """Take what has arrived, and note the descriptors that came along."""
        data, ancillary, _, _ = self.sock.recvmsg(_READ, _ANCILLARY)
        for level, type, content in ancillary:
            if level == socket.SOL_SOCKET and type == socket.SCM_RIGHTS:
                found = array.array("i")
                found.frombytes(content[: len(content) - len(content) % found.itemsize])
                for descriptor in found:
                    os.set_inheritable(descriptor, False)
                self.descriptors.extend(found)
        return data

    def _complete(self, head: tuple[int, ...], body: memoryview) -> Frame:
        kind, descriptors, handle, count, serial, _ = head
        # A system without free descriptors drops those that were sent.
        found = [self.descriptors.popleft() for _ in range(descriptors) if self.descriptors] if descriptors else []
        if not count:
            return Frame(kind, serial, body, (), b"", found)
        end = len(body) - handle
        table = end - 8 * count
        sizes = struct.unpack_from(f"<{count}Q", body, table)
        return Frame(kind, serial, body[:table], sizes, bytes(body[end:]), found)

    def close(self) -> None:
        """Give back the descriptors that nobody took."""
        self.body = None
        while self.descriptors:
            os.close(self.descriptors.popleft())


class Writer:
    """Sends messages on a socket as far as it takes them, and keeps the rest."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.waiting: deque[tuple[list[memoryview], list[int]]] = deque()

    def send(self, pieces: list[memoryview], descriptors: Iterable[int] = ()) -> bool:
        """Send one message, and say whether nothing is left; the descriptors are closed here once they are sent."""
        self.waiting.append((pieces, list(descriptors)))
        return len(self.waiting) > 1 or self.flush()

    def flush(self) -> bool:
        """Send what waits and say whether nothing is left. OSError when the peer is gone."""
        while self.waiting:
            pieces, descriptors = self.waiting[0]
            try:
                n = self._sendmsg(pieces[:_VIEWS], descriptors)
            except BlockingIOError:
                return False
            while descriptors:
                os.close(descriptors.pop())
            while pieces and n >= len(pieces[0]):
                n -= len(pieces.pop(0))
            if pieces:
                pieces[0] = pieces[0][n:]
            else:
                self.waiting.popleft()
        return True

    def _sendmsg(self, pieces: list[memoryview], descriptors: list[int]) -> int:
        if descriptors:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
            return self.sock.sendmsg(pieces, [rights])
        if len(pieces) == 1:
            return self.sock.send(pieces[0])
        return self.sock.sendmsg(pieces)

    def close(self) -> None:
        """Give up what waits."""
        for _, descriptors in self.waiting:
            for descriptor in descriptors:
                os.close(descriptor)
        self.waiting.clear()
