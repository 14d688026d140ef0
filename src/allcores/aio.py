"""Python functions on worker processes, for asyncio: `map`, `imap`, `imap_unordered`, `starmap`, `submit`."""

from allcores.calls.aio import Stream, imap, imap_unordered, map, starmap, submit

__all__ = ["Stream", "imap", "imap_unordered", "map", "starmap", "submit"]
