"""Objects to bytes and back: plain pickle where it does, cloudpickle for what only lives in the program that runs.

A worker has the modules that the parent can import, but not its `__main__`: functions and classes of `__main__`,
closures and lambdas travel by value. Called by both ends, with large buffers out of band.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sys
from functools import partial
from types import FunctionType
from typing import Any

from allcores.pool.buffers import LARGE

_MAIN = b"__main__"


class NeedsCloudpickle(pickle.PicklingError):
    """What is to be sent has no module that a worker could import it from, and cloudpickle is not installed."""


def dumps(obj: object, inline: bool = False) -> tuple[bytes, list[memoryview]]:
    """Return the pickle of `obj` and its large buffers, which are still those of `obj`; with `inline` there are
    none.
    """
    buffers: list[memoryview] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        """Say whether the buffer is to be part of the pickle; else note it."""
        try:
            raw = buffer.raw()
        except BufferError:
            return True
        if inline or raw.nbytes < LARGE:
            return True
        buffers.append(raw)
        return False

    failure: Exception | None = None
    try:
        data = pickle.dumps(obj, 5, buffer_callback=keep)
        if _MAIN not in data:
            return data, buffers
    except Exception as error:  # noqa: BLE001  __reduce__ of anybody's class; cloudpickle may know better
        failure = error.with_traceback(None)  # it refers to this frame, and so to those of all callers
    try:
        cloudpickle = importlib.import_module("cloudpickle")
    except ImportError:
        if failure is None and not _refers_to_main(obj):
            return data, buffers
        text = f"{failure or 'it refers to __main__'}; functions of __main__, closures and lambdas need cloudpickle"
        raise NeedsCloudpickle(f"{text}: pip install cloudpickle") from failure
    buffers.clear()
    return cloudpickle.dumps(obj, 5, buffer_callback=keep), buffers


def dumps_held(obj: object, inline: bool = False) -> tuple[bytes, list[memoryview], object]:
    """Return what `dumps` does, and what to keep as long as the pickle may be loaded: the shared arrays in it."""
    shared = sys.modules.get("allcores._shared")
    if shared is None:
        return *dumps(obj, inline), None
    (payload, buffers), held = shared.collecting(partial(dumps, obj, inline))
    return payload, buffers, held


def loads(payload: memoryview, buffers: list[memoryview]) -> Any:
    """Return what `dumps` was given."""
    return pickle.loads(payload, buffers=buffers)


class _FromMain(Exception):  # noqa: N818  no error: it ends a search
    pass


class _Search(pickle.Pickler):
    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, (type, FunctionType)) and obj.__module__ == "__main__":
            raise _FromMain
        return NotImplemented


def _refers_to_main(obj: object) -> bool:
    """Tell a reference to __main__ from a text of that name."""
    try:
        _Search(io.BytesIO(), 5).dump(obj)
    except _FromMain:
        return True
    return False
