"""Which of many sockets have something to say. Called by allcores.pool.scheduler.

As `selectors`, but to change what one socket is asked for takes a system call and little more, and it may be nothing.
"""

from __future__ import annotations

import select
import socket
from typing import Any

_EPOLL = hasattr(select, "epoll")
_READ, _WRITE = (select.EPOLLIN, select.EPOLLOUT) if _EPOLL else (select.POLLIN, select.POLLOUT)


class Listener:
    """Sockets, each with the object that it belongs to. May be changed by other threads while one waits."""

    def __init__(self) -> None:
        self._poll: Any = select.epoll() if _EPOLL else select.poll()
        self._owners: dict[int, object] = {}

    def add(self, sock: socket.socket, owner: object) -> None:
        """Listen to a socket from now on."""
        self._owners[sock.fileno()] = owner
        self._poll.register(sock, _READ)

    def change(self, sock: socket.socket, read: bool, write: bool) -> None:
        """Wait for what there is to be read, for room to write, for both or nothing."""
        self._poll.modify(sock, _READ * read | _WRITE * write)

    def remove(self, sock: socket.socket) -> None:
        """Listen to a socket no longer; no harm if that was so already."""
        if self._owners.pop(sock.fileno(), None) is not None:
            self._poll.unregister(sock)

    def wait(self, seconds: float) -> list[tuple[Any, bool]]:
        """Return what became ready: owners, and whether there is something to read, if only the other side's end."""
        found = self._poll.poll(seconds if _EPOLL else seconds * 1000)
        ready = [(self._owners.get(fd), bool(events & ~_WRITE)) for fd, events in found]
        return [one for one in ready if one[0] is not None]

    def close(self) -> None:
        """Give back what the system holds for it."""
        self._owners.clear()
        if _EPOLL:
            self._poll.close()
