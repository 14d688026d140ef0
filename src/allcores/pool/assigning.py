"""Who gets which task: the queue, the idle workers, and what is sent ahead. The lower half of allcores.pool.scheduler.

A worker has at most one task that runs and one that was sent ahead, so that it need not wait for the parent between
the two. The one ahead can be taken back while the first still runs: parent and worker share a counter (eventfd) that
holds its number, and whoever reads it first has the task. So a short task never waits behind a long one while
another worker is idle.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from allcores.pool import channels
from allcores.pool.channels import frame
from allcores.pool.errors import NotUsableAfterFork, PoolBroken, PoolError
from allcores.pool.jobs import Chunk, Job
from allcores.pool.listening import Listener
from allcores.pool.output import Printer
from allcores.pool.shield import ShieldedLock
from allcores.pool.tasks import Messages, Work
from allcores.pool.workers import Server, Worker, ooms

FOREVER = float("inf")
Given = tuple[Worker, Work, int, int, bool]  # serial number, flag of its claim, with the function of a map
IDLE_SECONDS = 10.0  # a worker without work leaves after that long
EXIT_SECONDS = 5.0  # a worker that was told to leave is killed after that long


class Desk:
    """The tasks and workers of one executor. Methods need the lock, but those that say otherwise."""

    def __init__(self, max_workers: int, method: str, settings: Callable[[], bytes], max_tasks: int | None) -> None:
        self.server: Server | None = Server(method)  # first: it may refuse
        self.max_workers = max_workers
        self.method = method
        self.settings = settings
        self.max_tasks = max_tasks
        self.lock = ShieldedLock()
        self.queue: deque[Work | Job] = deque()
        self.workers: dict[int, Worker] = {}
        self.idle: list[Worker] = []
        self.serials = itertools.count(1)
        self.numbers = itertools.count(1)
        self.thread: threading.Thread | None = None
        self.listener = Listener()
        self.woken, self.waker = socket.socketpair()
        for end in (self.woken, self.waker):
            end.setblocking(False)
        self.listener.add(self.woken, self)
        self.registered: Server | None = None
        self.unassigned = False  # there is work that its giver has left for the selector thread to hand out
        self.fresh: list[Worker] = []
        self.blocked: set[Worker] = set()  # with messages that their sockets did not take at once
        self.look_at = 0.0  # when the selector thread has to look at more than what arrives
        self.sleeps_until = 0.0  # when it will, as it knew before it went to sleep
        self.printer = Printer()
        self.closing = False
        self.abandoned = self.abandoned_running = False  # what has this executor was collected
        self.forked = False
        self.broken: PoolError | None = None
        self.failed_starts = 0
        self.ooms = ooms()
        self.on_death: Callable[[Worker, str], None] | None = None  # for tests: the phase a worker died in

    def check(self) -> None:
        """Raise the reason why no work is taken, if there is one."""
        if self.forked:
            raise forked_error()
        if self.broken is not None:
            raise PoolBroken(str(self.broken), worker_traceback=self.broken.worker_traceback) from self.broken
        if self.closing:
            raise RuntimeError("cannot schedule new futures after shutdown")

    def _wake(self) -> None:
        self.look_at = 0.0
        with contextlib.suppress(BlockingIOError, OSError):
            self.waker.send(b"\0")

    def _assign(self) -> list[Given]:
        """Give work to workers. What takes time to prepare is returned, for `_deliver` without the lock."""
        heavy: list[Given] = []
        while True:
            while self.queue and isinstance(first := self.queue[0], Job) and not first.left:  # no worker starts for it
                first.queued = False
                self.queue.popleft()
            if not self.queue and not self._reclaim():
                return heavy
            ahead = False
            worker = self._free()
            if worker is None:
                worker = self._least_loaded()
                if worker is None:
                    return heavy
                ahead = True
            work = self._take(ahead)
            if work is None:
                if not ahead:
                    self._rest(worker)
                return heavy
            work.serial = next(self.serials)
            work.sent = False
            claim = 0
            if ahead:
                worker.ahead = work
                claim = worker.next_claim()
            else:
                self._starts(worker, work)
            define = False
            if isinstance(work, Chunk):
                define = worker.defined != work.job.number
                worker.defined = work.job.number
            if work.heavy:
                heavy.append((worker, work, work.serial, claim, define))
            else:
                self._send(worker, work, work.messages(work.serial, claim, define), claim)

    def _starts(self, worker: Worker, work: Work) -> None:
        worker.running = work
        work.worker = worker
        if work.timeout is None:
            work.deadline = FOREVER
        else:
            work.deadline = time.monotonic() + work.timeout
            self.look_at = min(self.look_at, work.deadline)

    def _free(self) -> Worker | None:
        """Return an idle worker, a new one if there may be one more."""
        if self.idle:
            return self.idle.pop()
        if sum(not worker.leaving and not worker.ended for worker in self.workers.values()) < self.max_workers:
            return self._spawn()
        return None

    def _least_loaded(self) -> Worker | None:
        """Return a worker that may be sent a task ahead."""
        for worker in self.workers.values():
            if (
                worker.ahead is None
                and worker.running is not None
                and worker.running.sent
                and worker.claims
                and not worker.leaving
                and not worker.ended
                and (self.max_tasks is None or worker.done + 1 < self.max_tasks)
            ):
                return worker
        return None

    def _reclaim(self) -> bool:
        """Put a task that waits behind another one into the queue if somebody could take it now."""
        waiting = None
        for worker in self.workers.values():
            if worker.ahead is not None and worker.ahead.sent:
                waiting = [*(waiting or ()), worker]
        if waiting is None:
            return False
        present = sum(not worker.leaving and not worker.ended for worker in self.workers.values())
        if not self.idle and present >= self.max_workers:
            return False
        return any(self._recall(worker) for worker in waiting)

    def _recall(self, worker: Worker) -> bool:
        """Take the task ahead back to the front of the queue; False when the worker has begun it."""
        work = worker.ahead
        assert work is not None
        if work.sent and not worker.take_back():
            return False
        worker.unused_claim()  # the other counter may still hold the claim of the task that runs
        worker.ahead = None
        self.queue.appendleft(work)
        return True

    def _take(self, ahead: bool) -> Work | None:
        """Return the next work of the queue."""
        while self.queue:
            work = self.queue[0]
            if isinstance(work, Job):
                if work.left:
                    return work.take(self.max_workers, ahead)
                work.queued = False
                self.queue.popleft()
            else:
                self.queue.popleft()
                if work.wanted() if ahead else work.begin():
                    return work
        return None

    def _spawn(self) -> Worker | None:
        try:
            if self.server is None:
                self.server = Server(self.method)
            worker = Worker(next(self.numbers), self.server, self.settings())
        except OSError:
            if self.workers:
                return None  # no descriptor or no memory left: go on with those there are
            raise
        self.workers[worker.number] = worker
        self.fresh.append(worker)
        return worker

    def _rest(self, worker: Worker) -> None:
        if self.max_tasks is not None and worker.done >= self.max_tasks:
            self._dismiss(worker)
        else:
            worker.idle_since = time.monotonic()
            self.look_at = min(self.look_at, worker.idle_since + IDLE_SECONDS)
            self.idle.append(worker)

    def _dismiss(self, worker: Worker) -> None:
        """Tell a worker to leave."""
        worker.leaving = True
        self.look_at = 0.0
        worker.give_up = time.monotonic() + EXIT_SECONDS
        if worker in self.idle:
            self.idle.remove(worker)
        self._write(worker, frame(channels.EXIT))

    def _send(self, worker: Worker, work: Work, messages: Messages, claim: int) -> None:
        work.sent = True
        work.kept = messages.kept
        if claim:
            worker.claim(claim, work.serial)
        for pieces in messages.pieces:
            self._write(worker, pieces)

    def _write(self, worker: Worker, pieces: list[memoryview]) -> None:
        try:
            if not worker.writer.send(pieces):
                self.blocked.add(worker)
        except OSError:
            worker.writer.close()  # it is gone; the selector thread is about to notice

    def _deliver(self, heavy: list[Given]) -> None:
        """Prepare messages without the lock, and send them. Any thread's."""
        while heavy:
            worker, work, serial, claim, define = heavy.pop(0)
            failure: BaseException | None = None
            messages = Messages([])
            try:
                messages = work.messages(serial, claim, define)
            except BaseException as error:  # noqa: BLE001  pickling calls anybody's code
                failure = error
            again = False
            with self.lock:
                # It may have been taken back meanwhile, and even be here again under another number.
                present = work in (worker.running, worker.ahead) and work.serial == serial
                if failure is None and present:
                    # It may have become the running one meanwhile; its message still asks for the claim.
                    self._send(worker, work, messages, claim)
                else:
                    if isinstance(work, Chunk):
                        worker.defined = 0
                    if present:
                        self._unassign(worker, work)
                if self.blocked or self.fresh:
                    self._wake()
            if failure is not None and present:
                if isinstance(work, Chunk):
                    again = work.refused(failure)
                else:
                    work.fail(failure)
            with self.lock:
                if again and isinstance(work, Chunk):
                    self._requeue(work.job)
                heavy += self._assign()

    def _unassign(self, worker: Worker, work: Work) -> None:
        if worker.ahead is work:
            worker.ahead = None
            worker.unused_claim()
        else:
            worker.running = None
            if not worker.ended:
                self._rest(worker)

    def _requeue(self, job: Job) -> None:
        if not job.queued and job.left:
            job.queued = True
            self.queue.appendleft(job)


def forked_error() -> NotUsableAfterFork:
    """Return the error of an executor in a forked child."""
    return NotUsableAfterFork("this executor belongs to the process that this one was forked from: make a new one here")
