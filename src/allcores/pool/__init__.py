"""Processes that run Python functions: `Executor`, and what it may raise. Nothing here imports NumPy."""

from allcores.pool.errors import (
    NotUsableAfterFork,
    PoolBroken,
    PoolError,
    TaskKilled,
    TaskTimeout,
    UnpicklableResult,
    UnpicklableTask,
    WorkerDied,
)
from allcores.pool.executor import Executor

__all__ = [
    "Executor",
    "NotUsableAfterFork",
    "PoolBroken",
    "PoolError",
    "TaskKilled",
    "TaskTimeout",
    "UnpicklableResult",
    "UnpicklableTask",
    "WorkerDied",
]
