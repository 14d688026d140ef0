"""Runs tasks on workers: one selector thread for all workers of an executor, and nothing that one could block for
another.

    caller: submit --(lock)--> queue -> idle worker's socket
    selector thread: worker's socket -> next task to it -> future

When a worker ends, its socket or its server says so, each alone sufficient. The task it had begun is the culprit and
fails, with whatever else it had been given moved to others. Called by allcores.pool.executor.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

from allcores.pool import channels
from allcores.pool.assigning import EXIT_SECONDS, FOREVER, Desk, close_all, forked_error
from allcores.pool.channels import Frame
from allcores.pool.errors import PoolBroken, PoolError, RemoteTraceback, TaskKilled, TaskTimeout, WorkerDied, died
from allcores.pool.tasks import Call, Chunk, Job, Work
from allcores.pool.worker_main import NOTHING
from allcores.pool.workers import Server, Worker, describe, ooms

IDLE_SECONDS = 10.0  # a worker without work leaves after that long
_STATUS_SECONDS = 0.5  # how long after its channel's end a worker's exit status is waited for
_MOST_MOVES = 3  # workers that may die before they begin a task, until it is taken for the reason
_MOST_STARTS = 8  # workers in a row that may end before they are ready
_TICK = 3600.0

_After = list[Callable[[], object]]


class Scheduler(Desk):
    """The tasks and workers of one executor."""

    # ---- what callers call -----------------------------------------------------------------------------------------

    def submit(self, work: Work | Job) -> None:
        """Queue some work and hand out what can be."""
        with self.lock:
            self.check()
            if isinstance(work, Job):
                if work.queued:
                    return
                work.queued = True
            self.queue.append(work)
            heavy = self._assign()
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, name="allcores-pool", daemon=True)
                self.thread.start()
            elif self.fresh or self.blocked or (work.__class__ is Call and work.timeout is not None):
                self._wake()
        if heavy:
            self._deliver(heavy)

    def take_back(self, task: Work) -> bool:
        """Take a task back that was sent ahead; False if a worker has it."""
        with self.lock:
            if self.forked:
                return True
            for worker in self.workers.values():
                if worker.ahead is task:
                    return self._recall(worker)
                if worker.running is task:
                    return False
        return True

    def kill(self, task: Work) -> bool:
        """End the worker that runs the task; False if none does."""
        with self.lock:
            for worker in self.workers.values():
                if task in (worker.running, worker.ahead):
                    task.killed = True
                    worker.kill("killed", task)
                    self._wake()
                    return True
            if task not in self.queue:
                return False
            self.queue.remove(task)  # about to be run again
        task.fail(TaskKilled(f"{task.name} was ended by kill()", task=task.name))
        return True

    def cancel_all(self, running: bool = False) -> None:
        """Cancel what has not started, and with `running` end what has."""
        with self.lock:
            for worker in self.workers.values():
                if worker.ahead is not None:
                    self._recall(worker)
            found = list(self.queue)
            self.queue.clear()
            if running:
                for worker in self.workers.values():
                    if worker.running is not None:
                        worker.running.killed = True
                        worker.running.retries = 0
                        worker.kill("killed", worker.running)
                        if isinstance(worker.running, Chunk):
                            found.append(worker.running.job)
            self._wake()
        for work in found:
            if isinstance(work, Job):
                work.cancel()
            elif isinstance(work, Call) and not work.future.cancel():  # it ran before, on a worker that died
                work.fail(TaskKilled(f"{work.name} was not run again", task=work.name))

    def cancel_raised(self) -> None:
        """Cancel the maps of which an error was seen."""
        with self.lock:
            found = [work for work in self.queue if isinstance(work, Job) and work.raised]
        for job in found:
            job.cancel()

    def close(self) -> None:
        """Take no more work; workers leave when all is done."""
        with self.lock:
            self.closing = True
            if self.thread is None:
                self._end()
            else:
                self._wake()

    def join(self) -> None:
        """Wait until all workers have left."""
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join()

    def forget(self) -> None:
        """In a forked child: close what belongs to the parent, and have nobody wait for its tasks."""
        self.forked = True
        self.lock = threading.Lock()  # whoever held it does not exist here
        tasks = [work for work in self.queue if isinstance(work, Call)]
        for worker in self.workers.values():
            tasks += [work for work in (worker.running, worker.ahead) if isinstance(work, Call)]
            worker.close()
        for task in tasks:
            future = task.future
            # Whatever thread held the lock, or waited, does not exist here.
            future._condition = threading.Condition()
            future._waiters = []
            future._done_callbacks = []  # type: ignore[attr-defined]
            if not future.done():
                future.set_exception(forked_error())
        if self.server is not None:
            self.server.forget()
        self.selector.close()
        self.woken.close()
        self.waker.close()
        self.thread = None
        self.queue.clear()
        self.workers.clear()

    # ---- the selector thread -----------------------------------------------------------------------------------

    def _loop(self) -> None:
        while True:
            with self.lock:
                after: _After = []
                timeout = self._tend(after)
            for call in after:
                call()
            if timeout is None:
                return
            for key, events in self.selector.select(timeout):
                worker = key.data
                if worker is None:
                    with contextlib.suppress(BlockingIOError):
                        self.woken.recv(4096)
                    continue
                if isinstance(worker, Server):
                    self._hear_server(worker)
                    continue
                if events & selectors.EVENT_READ:
                    try:
                        messages = worker.reader.read()
                    except BlockingIOError:
                        messages = []
                    except (EOFError, OSError):
                        self._ended(worker)
                        continue
                    for message in messages:
                        self._hear(worker, message)

    def _tend(self, after: _After) -> float | None:
        """Register, unregister, look at the time; return how long to sleep, None when all is over."""
        now = time.monotonic()
        if now < self.look_at and not self.fresh and not self.blocked and not self.closing:
            # While this thread has the GIL, whoever waits for the result just set cannot go on.
            return min(self.look_at - now, _TICK)
        for worker in self.fresh:
            if not worker.ended:
                self.selector.register(worker.sock, selectors.EVENT_READ, worker)
        self.fresh.clear()
        if self.server is not None:
            self._tend_server(self.server)
        if self.blocked:
            for worker in list(self.blocked):
                if not worker.ended:
                    with contextlib.suppress(OSError):
                        done = worker.writer.flush()
                        events = selectors.EVENT_READ | (0 if done else selectors.EVENT_WRITE)
                        self.selector.modify(worker.sock, events, worker)
                        if not done:
                            continue
                self.blocked.discard(worker)
        until = FOREVER
        for worker in list(self.workers.values()):
            if worker.running is not None:
                if worker.running.deadline <= now and not worker.killed:
                    worker.kill("timeout", worker.running)
                elif not worker.killed:
                    until = min(until, worker.running.deadline)
            elif not worker.leaving and not worker.ended:
                if (self.closing and not self._busy()) or worker.idle_since + IDLE_SECONDS <= now:
                    self._dismiss(worker)
                else:
                    until = min(until, worker.idle_since + IDLE_SECONDS)
            if worker.give_up <= now:
                if worker.killed or self.server is None:
                    self._bury(worker, after)
                    continue
                worker.kill("did not leave" if not worker.ended else "closed its channel")
                worker.give_up = now + EXIT_SECONDS
            until = min(until, worker.give_up)
        if self.server is not None:
            self._tend_server(self.server)
        if self.closing and not self.workers and not self.queue:
            self._end()
            return None
        self.look_at = until
        return max(0.0, until - now) if until < FOREVER else _TICK

    def _hear(self, worker: Worker, message: Frame) -> None:
        """Take one message of a worker's."""
        kind = message.kind
        if kind == channels.READY:
            worker.ready = True
            self.failed_starts = 0
            return
        if kind == channels.INITIALIZER:
            text, trace = marshal.loads(message.payload)
            error = PoolBroken(f"the initializer raised {text}", worker_traceback=trace)
            error.__cause__ = RemoteTraceback(trace)
            self._break(error)
            return
        work = worker.running
        if work is None or work.serial != message.serial:
            close_all(message.descriptors)
            return
        if kind == channels.PART:
            work.answer(message)
            return
        answered = again = False
        if isinstance(work, Chunk) and work.job.seconds is None:
            answered, again = True, work.answer(message)  # the next chunk's size depends on it
        with self.lock:
            worker.running = None
            worker.done += 1
            if worker.ahead is not None:
                ahead, worker.ahead = worker.ahead, None
                self._starts(worker, ahead)
                ahead.begin()
            elif not worker.killed:
                self._rest(worker)
            if again and isinstance(work, Chunk):
                self._requeue(work.job)
            heavy = self._assign()
        if not answered and work.answer(message) and isinstance(work, Chunk):
            with self.lock:
                self._requeue(work.job)
                heavy += self._assign()
        if heavy:
            self._deliver(heavy)

    def _hear_server(self, server: Server) -> None:
        """Take what the server says about its workers."""
        try:
            messages = server.reader.read()
        except BlockingIOError:
            return
        except (EOFError, OSError):
            self._server_ended(server)
            return
        for message in messages:
            worker = self.workers.get(message.serial)
            if worker is None:
                continue
            if message.kind == channels.STARTED:
                worker.pid = int.from_bytes(message.payload, "little")
            elif message.kind == channels.EXITED:
                worker.status = int.from_bytes(message.payload, "little", signed=True)
                self._gone(worker)

    def _server_ended(self, server: Server) -> None:
        """Go on without the server: its workers die with it, the next one to start gets a new one."""
        with self.lock:
            self.selector.unregister(server.sock)
            self.server = self.registered = None
            self.look_at = 0.0
            for worker in self.workers.values():
                if worker.pid:
                    with contextlib.suppress(OSError):
                        os.kill(worker.pid, signal.SIGKILL)
                worker.give_up = min(worker.give_up, time.monotonic() + _STATUS_SECONDS)
        server.close()

    def _ended(self, worker: Worker) -> None:
        """Note the end of a worker's channel; its exit status is about to come."""
        with self.lock:
            self._deaf(worker)
            self.look_at = 0.0
            worker.give_up = min(worker.give_up, time.monotonic() + _STATUS_SECONDS)

    def _deaf(self, worker: Worker) -> None:
        if not worker.ended:
            worker.ended = True
            if worker in self.idle:
                self.idle.remove(worker)
            with contextlib.suppress(KeyError):
                self.selector.unregister(worker.sock)

    def _gone(self, worker: Worker) -> None:
        """Read what a dead worker still had sent, and bury it."""
        with contextlib.suppress(BlockingIOError, EOFError, OSError):
            while not worker.ended:
                for message in worker.reader.read():
                    self._hear(worker, message)
        after: _After = []
        with self.lock:
            if worker.number in self.workers:
                self._bury(worker, after)
        for call in after:
            call()

    def _bury(self, worker: Worker, after: _After) -> None:
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
        if not worker.ready and not worker.leaving and not worker.killed:
            self.failed_starts += 1
            if self.failed_starts >= _MOST_STARTS and self.broken is None:
                how = describe(worker.status)
                text = f"{_MOST_STARTS} workers in a row ended before they were ready; the last one {how}"
                after.append(partial(self._break, PoolBroken(text)))
                return
        heavy = self._assign()
        if heavy:
            after.append(partial(self._deliver, heavy))

    def _lost(self, worker: Worker, work: Work, after: _After) -> None:
        """Decide what becomes of the work that a dead worker was given."""
        begun = worker.begun(work.serial)
        meant = worker.killed_for in (0, work.serial)
        if isinstance(work, Chunk) and not work.killed:
            self._lost_chunk(worker, work, begun, after)
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

    def _lost_chunk(self, worker: Worker, work: Chunk, begun: bool, after: _After) -> None:
        job, start, stop = work.job, work.start, work.stop
        item = worker.item() if begun else NOTHING
        if start <= item < stop:
            error = self._death(worker, work)
            after.append(partial(job.put, item, [None], {item: error}))
            job.again.extendleft(part for part in ((item + 1, stop), (start, item)) if part[0] < part[1])
        else:
            moves = job.moved[start] = job.moved.get(start, 0) + worker.ready
            if stop - start == 1 and (begun or moves > _MOST_MOVES):
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

    def run(self) -> None:
        """Be the selector thread."""
        try:
            self._loop()
        except BaseException as error:
            # A fault of ours must not leave anybody waiting.
            self._break(PoolError(f"the scheduler failed: {type(error).__name__}: {error}"))
            with self.lock:
                for worker in self.workers.values():
                    worker.close()
                self.workers.clear()
                self._end()
            raise

    def _busy(self) -> bool:
        return bool(self.queue) or any(worker.running is not None for worker in self.workers.values())

    def _tend_server(self, server: Server) -> None:
        if self.registered is not server:
            self.registered = server
            self.selector.register(server.sock, selectors.EVENT_READ, server)
        with contextlib.suppress(OSError):
            done = server.writer.flush()
            events = selectors.EVENT_READ | (0 if done else selectors.EVENT_WRITE)
            if self.selector.get_key(server.sock).events != events:
                self.selector.modify(server.sock, events, server)

    def _end(self) -> None:
        """Close everything: the last thing that happens."""
        if self.server is not None:
            self.server.close()
            self.server = None
        self.selector.close()
        self.woken.close()
        self.waker.close()
