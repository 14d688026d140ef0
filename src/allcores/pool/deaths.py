"""What becomes of the work of a worker that died. The middle part of allcores.pool.scheduler.

The task that it had begun is the culprit and fails, or is tried again; whatever else it had been given moves to others.
Of a chunk the culprit is the item that the worker's board names; where that is several small ones, each of them runs
alone, and the guilty one shows itself.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

from allcores.pool.assigning import Desk
from allcores.pool.buffers import reclaim
from allcores.pool.errors import PoolBroken, PoolError, TaskKilled, TaskTimeout, WorkerDied, died
from allcores.pool.jobs import Chunk, Job
from allcores.pool.tasks import Work
from allcores.pool.workers import Worker, describe, ooms

After = list[Callable[[], object]]  # to be called without the lock
_MOST_MOVES = 3  # workers that may die before they begin a task, until it is taken for the reason
_MOST_STARTS = 8  # workers in a row that may end before they are ready


class Undertaker(Desk):
    """The end of workers. Methods need the lock, but `_break`."""

    def _deaf(self, worker: Worker) -> None:
        if not worker.ended:
            worker.ended = True
            if worker in self.idle:
                self.idle.remove(worker)
            self.listener.remove(worker.sock)

    def _bury(self, worker: Worker, after: After) -> None:
        """Move on what a dead worker had. The lock is held; what is put in `after` is to be called without it."""
        self._deaf(worker)
        self.look_at = 0.0
        del self.workers[worker.number]
        self.blocked.discard(worker)
        if self.on_death is not None:
            self.on_death(worker, worker.phase())
        if worker.ahead is not None:
            self.queue.appendleft(worker.ahead)
            worker.ahead = None
        work, worker.running = worker.running, None
        if work is not None:
            self._lost(worker, work, after)
        worker.close()
        after.append(reclaim)
        if not worker.ready and not worker.leaving and not worker.killed:
            self.failed_starts += 1
            if self.failed_starts >= _MOST_STARTS and self.broken is None:
                how = describe(worker.status)
                text = f"{_MOST_STARTS} workers in a row ended before they were ready; the last one {how}"
                after.append(partial(self._break, PoolBroken(text)))
                return
        try:
            heavy = self._assign()
        except OSError as error:
            after.append(partial(self._break, PoolBroken(f"no worker can be started: {error}")))
            return
        if heavy:
            after.append(partial(self._deliver, heavy))

    def _lost(self, worker: Worker, work: Work, after: After) -> None:
        """Decide what becomes of the work that a dead worker was given."""
        begun = worker.begun(work.serial)
        meant = worker.killed_for in (0, work.serial)
        if isinstance(work, Chunk) and not work.killed:
            if meant:
                self._lost_chunk(worker, work, begun, after)
            else:  # as below
                work.job.again.appendleft((work.start, work.stop))
                self._requeue(work.job)
            return
        if not work.killed and not meant:
            self.queue.appendleft(work)  # its turn came between the decision to kill and the kill
            return
        if not begun and not worker.killed:
            work.moves += worker.ready  # those that do not even start are counted apart
            if work.moves <= _MOST_MOVES:
                self.queue.appendleft(work)
                return
        if work.retries > 0 and not work.killed:
            work.retries -= 1
            self.queue.appendleft(work)
            return
        after.append(partial(work.fail, self._death(worker, work)))

    def _lost_chunk(self, worker: Worker, work: Chunk, begun: bool, after: After) -> None:
        job, start, stop = work.job, work.start, work.stop
        at = worker.items() if begun else range(0)
        first, last = max(start, at.start), min(stop, at.stop)
        if first < last:
            suspects = (first, last)
            if last - first > 1:
                job.single.update(range(first, last))
            elif not job.try_again(first):
                after.append(partial(job.put, first, [None], {first: self._death(worker, work)}))
                suspects = (first, first)
            job.again.extendleft(part for part in ((last, stop), suspects, (start, first)) if part[0] < part[1])
        else:
            moves = job.moved[start] = job.moved.get(start, 0) + worker.ready
            if stop - start == 1 and (begun or moves > _MOST_MOVES) and not job.try_again(start):
                after.append(partial(work.fail, self._death(worker, work)))
            else:
                if begun or moves > 1:  # between items, or while values were sent: whose fault it is shows one by one
                    job.single.update(range(start, stop))
                job.again.appendleft((start, stop))
        self._requeue(job)

    def _death(self, worker: Worker, work: Work) -> WorkerDied:
        """Return the error of a task that died with its worker."""
        if work.killed:
            return died(work.name, worker.status, False, TaskKilled, f"{work.name} was ended by kill()")
        if worker.killed == "timeout" and worker.killed_for == work.serial:
            why = f"{work.name} ran longer than its timeout of {work.timeout} s"
            return died(work.name, worker.status, False, TaskTimeout, why)
        oom = False
        if worker.status == -signal.SIGKILL and not worker.killed:
            before, self.ooms = self.ooms, ooms()
            oom = self.ooms > before
        return died(work.name, worker.status, oom)

    def _break(self, error: PoolError) -> None:
        """Fail everything: no worker can be had."""
        with self.lock:
            self.broken = self.broken or error
            works: list[Work | Job] = list(self.queue)
            self.queue.clear()
            for worker in self.workers.values():
                works += [work for work in (worker.running, worker.ahead) if work is not None]
                worker.running = worker.ahead = None
                worker.leaving = True
                worker.kill("broken")
            self.idle.clear()
            self.closing = True
            self.look_at = 0.0
        for work in works:
            if isinstance(work, Job):
                work.cancel(error)
            elif isinstance(work, Chunk):
                work.job.cancel(error)
            else:
                work.fail(PoolBroken(str(error), worker_traceback=error.worker_traceback))
