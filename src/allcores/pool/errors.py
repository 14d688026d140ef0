"""What goes wrong in a process pool, one class a kind; raised by allcores.pool.executor and by futures, read by users.

All of them pickle, with their fields, so that they pass through pools, queues and logs of other processes.
"""

from __future__ import annotations

import signal as _signal
from concurrent.futures import BrokenExecutor
from pickle import PicklingError
from typing import Any

__all__ = [
    "NotUsableAfterFork",
    "PoolBroken",
    "PoolError",
    "RemoteTraceback",
    "TaskKilled",
    "TaskTimeout",
    "UnpicklableResult",
    "UnpicklableTask",
    "WorkerDied",
]


class PoolError(RuntimeError):
    """What a process pool itself reports; errors that a task raises are the task's own.

    Attributes
    ----------
    task : str or None
        The function that was called, by name.
    signal : int or None
        The signal that ended the worker.
    exitcode : int or None
        What the worker exited with.
    oom : bool
        Whether the kernel killed for want of memory in this control group meanwhile.
    worker_traceback : str or None
        Where in the worker it happened.
    """

    def __init__(
        self,
        message: str,
        *,
        task: str | None = None,
        signal: int | None = None,
        exitcode: int | None = None,
        oom: bool = False,
        worker_traceback: str | None = None,
    ) -> None:
        super().__init__(message)
        self.task = task
        self.signal = signal
        self.exitcode = exitcode
        self.oom = oom
        self.worker_traceback = worker_traceback

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), str(self), self.__dict__)


class WorkerDied(PoolError):
    """The worker ended while it ran this task: a crash, `os._exit`, a signal, or no memory left."""


class TaskKilled(WorkerDied):
    """The task's worker was ended by `future.kill()`, or by an executor that Ctrl-C ended."""


class TaskTimeout(WorkerDied, TimeoutError):
    """The task ran longer than its `timeout`, and its worker was ended."""


class UnpicklableTask(PoolError, PicklingError):
    """The function or its arguments cannot be pickled, or not be loaded in the worker."""


class UnpicklableResult(PoolError, PicklingError):
    """The result, or the exception that the task raised, cannot be pickled, or not be loaded here."""


class PoolBroken(PoolError, BrokenExecutor):
    """No worker starts: the initializer raised, or workers end before their first task."""


class NotUsableAfterFork(PoolError):
    """The executor belongs to the process that this one was forked from."""


class RemoteTraceback(Exception):
    """The traceback of an error that a task raised, as its worker printed it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


def _rebuilt(kind: type[PoolError], message: str, fields: dict[str, Any]) -> PoolError:
    error = kind(message)
    error.__dict__.update(fields)
    return error


def died(
    task: str,
    status: int | None,
    oom: bool,
    kind: type[WorkerDied] = WorkerDied,
    why: str = "",
) -> WorkerDied:
    """Return the error of a task whose worker ended; `status` as `os.waitpid` gives it, negative for signals."""
    signal = -status if status is not None and status < 0 else None
    exitcode = status if status is not None and status >= 0 else None
    if why:
        message = why
    elif signal is not None:
        try:
            name = _signal.Signals(signal).name
        except ValueError:
            name = f"signal {signal}"
        message = f"the worker was ended by {name} while it ran {task}"
        if oom:
            message += "; the kernel killed for want of memory meanwhile: fewer workers or smaller tasks may help"
        elif name in {"SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE"}:
            message += "; compiled code called by the task crashed (faulthandler shows where)"
    elif exitcode is not None:
        message = f"the worker exited with code {exitcode} while it ran {task}"
    else:
        message = f"the worker ended while it ran {task}"
    return kind(message, task=task, signal=signal, exitcode=exitcode, oom=oom)
