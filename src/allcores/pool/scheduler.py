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
import signal
import threading
import time
from functools import partial

from allcores.pool import channels
from allcores.pool.assigning import EXIT_SECONDS, FOREVER, IDLE_SECONDS, forked_error
from allcores.pool.buffers import Lost, unpack
from allcores.pool.channels import Frame
from allcores.pool.deaths import After, Undertaker
from allcores.pool.errors import PoolBroken, PoolError, RemoteTraceback, TaskKilled
from allcores.pool.jobs import Chunk, Job
from allcores.pool.shield import Shield, ShieldedLock
from allcores.pool.tasks import Call, Work
from allcores.pool.workers import Server, Worker

_STATUS_SECONDS = 0.5  # how long after its channel's end a worker's exit status is waited for
_TICK = 3600.0
_ATTENDED_MS = 1  # for so long a thread that waits for a result reads the worker's channel itself


class Scheduler(Undertaker):
    """The tasks and workers of one executor."""

    # ---- what callers call -----------------------------------------------------------------------------------------

    def submit(self, work: Work | Job, aside: bool = False) -> None:
        """Queue some work and hand out what can be; with `aside`, in the selector thread.

        When Ctrl-C is raised here, the work is queued all the same.
        """
        with Shield():  # a worker that was given something which is then not sent would wait for it for ever
            with self.lock:
                self.check()
                if isinstance(work, Job) and work.queued:
                    return
                started = self.thread is None
                if started:  # first: where the interpreter is ending it is refused, and then nothing may be queued
                    thread = threading.Thread(target=self.run, name="allcores-pool", daemon=True)
                    thread.start()
                    self.thread = thread
                if isinstance(work, Job):
                    work.queued = True
                self.queue.append(work)
                self.unassigned = self.unassigned or aside
                heavy = [] if aside else self._assign()
                if not started and (aside or self.fresh or self.blocked or work.timeout is not None):
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

    def attend(self, task: Call) -> None:
        """Wait for the answer of a task that runs, for a short while, in the thread that wants it.

        The selector thread would have to be woken, and to wake that thread in its turn. Meanwhile it does not listen to
        this worker; to all others it does.
        """
        if self.forked:
            return
        with Shield():  # Ctrl-C waits for the millisecond
            with self.lock:
                worker = task.worker
                if (
                    worker is None
                    or worker.running is not task
                    or not task.sent
                    or worker.ended
                    or worker.attended
                    or worker in self.fresh
                ):
                    return
                worker.attended = True
                self.listener.change(worker.sock, False, False)
            with worker.reading:
                # The selector thread may have read it a moment ago.
                if worker.running is task and worker.poll.poll(_ATTENDED_MS):
                    self._listen(worker)
            with self.lock:
                worker.attended = False
                if not worker.ended:
                    self.listener.change(worker.sock, True, worker in self.blocked)
                if self.fresh or self.blocked or self.look_at < self.sleeps_until:
                    self._wake()

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
            elif isinstance(work, Chunk):  # the last of a map, taken back from a worker
                work.job.cancel()
            elif isinstance(work, Call) and not work.future.cancel():  # it ran before, on a worker that died
                work.fail(TaskKilled(f"{work.name} was not run again", task=work.name))

    def kill_chunks(self, job: Job) -> None:
        """End the workers that run a part of a map, and take back what was sent ahead."""
        with self.lock:
            for worker in self.workers.values():
                ahead = worker.ahead
                if isinstance(ahead, Chunk) and ahead.job is job:
                    if self._recall(worker):
                        self.queue.remove(ahead)
                    else:  # it has begun, and what it ran before is done
                        ahead.killed = True
                        worker.kill("killed", ahead)
                if isinstance(worker.running, Chunk) and worker.running.job is job:
                    worker.running.killed = True
                    worker.kill("killed", worker.running)
            self._wake()

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

    def abandon(self, running: bool = False) -> None:
        """Close, with `running` after ending what runs: for finalizers, so without the lock.

        The garbage collector may be at work in the selector thread, which then may hold the lock. Other threads that
        hold it refer to the executor, so it is not collected.
        """
        if self.thread is None:
            self.close()
        else:
            self.abandoned = True
            self.abandoned_running = self.abandoned_running or running
            self._wake()

    def join(self) -> None:
        """Wait until all workers have left."""
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join()

    def forget(self) -> None:
        """In a forked child: close what belongs to the parent, and have nobody wait for its tasks."""
        self.forked = True
        self.lock = ShieldedLock()  # whoever held it does not exist here
        works = list(self.queue)
        for worker in self.workers.values():
            works += [work for work in (worker.running, worker.ahead) if work is not None]
            worker.close()
        for work in works:
            if isinstance(work, Chunk):
                work = work.job
            if isinstance(work, Job):
                work.arrived = threading.Condition()
                work.heard = None
                work.cancel(forked_error())
            if not isinstance(work, Call):
                continue
            future = work.future
            # Whatever thread held the lock, or waited, does not exist here.
            future._condition = threading.Condition()
            future._waiters = []
            future._done_callbacks = []  # type: ignore[attr-defined]
            if not future.done():
                future.set_exception(forked_error())
        if self.server is not None:
            self.server.forget()
        self.listener.close()
        self.woken.close()
        self.waker.close()
        self.thread = None
        self.queue.clear()
        self.workers.clear()

    # ---- the selector thread -----------------------------------------------------------------------------------

    def _loop(self) -> None:
        while True:
            if self.abandoned:
                self.abandoned = False
                self.close()
                if self.abandoned_running:
                    self.cancel_all(running=True)
            after: After = []
            try:
                with self.lock:
                    timeout = self._tend(after)
            finally:  # also after a fault: somebody may wait for what these tell
                for call in after:
                    call()
            if timeout is None:
                return
            for owner, readable in self.listener.wait(timeout):
                if isinstance(owner, Worker):
                    if readable and not owner.attended:
                        with owner.reading:
                            if not owner.ended:
                                self._listen(owner)
                elif isinstance(owner, Server):
                    self._hear_server(owner)
                else:
                    with contextlib.suppress(BlockingIOError):
                        self.woken.recv(4096)

    def _listen(self, worker: Worker) -> None:
        """Take what has arrived from a worker. Its `reading` is held."""
        try:
            messages = worker.reader.read()
        except BlockingIOError:
            return
        except (EOFError, OSError):
            self._ended(worker)
            return
        for message in messages:
            self._hear(worker, message)

    def _tend(self, after: After) -> float | None:
        """Register, unregister, look at the time; return how long to sleep, None when all is over."""
        now = time.monotonic()
        if now < self.look_at and not self.fresh and not self.blocked and not self.closing:
            # While this thread has the GIL, whoever waits for the result just set cannot go on.
            self.sleeps_until = min(self.look_at, now + _TICK)
            return self.sleeps_until - now
        if self.unassigned:
            self.unassigned = False
            heavy = self._assign()
            if heavy:
                after.append(partial(self._deliver, heavy))
        for worker in self.fresh:
            if not worker.ended:
                self.listener.add(worker.sock, worker)
        self.fresh.clear()
        if self.server is not None:
            self._tend_server(self.server)
        if self.blocked:
            for worker in list(self.blocked):
                if not worker.ended:
                    with contextlib.suppress(OSError):
                        done = worker.writer.flush()
                        self.listener.change(worker.sock, True, not done)
                        if not done:
                            continue
                self.blocked.discard(worker)
        until = FOREVER
        for worker in list(self.workers.values()):
            if worker.running is not None:
                if worker.running.deadline <= now and not worker.killed and worker.time_is_up(worker.running, now):
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
        # Workers that run now are to leave when they have been idle for a while.
        self.look_at = min(until, now + (IDLE_SECONDS if self.workers else _TICK))
        self.sleeps_until = self.look_at
        return max(0.0, self.look_at - now)

    def _hear(self, worker: Worker, message: Frame) -> None:
        """Take one message of a worker's."""
        kind = message.kind
        if kind == channels.OUTPUT:
            self.printer.take(worker.number, bytes(message.payload))
            return
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
        if message.sizes:
            try:
                message = message._replace(buffers=unpack(message.handle, message.sizes))
            except Lost:  # it has ended, with this task as what it ran; that is about to be noticed
                with self.lock:
                    worker.kill("its answer is lost")
                return
        work = worker.running
        if work is None or work.serial != message.serial:
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
            with self.lock:  # held by whoever starts a worker, until it is among them
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
            self.listener.remove(server.sock)
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

    def _gone(self, worker: Worker) -> None:
        """Read what a dead worker still had sent, and bury it."""
        with worker.reading, contextlib.suppress(BlockingIOError, EOFError, OSError):
            while not worker.ended:
                for message in worker.reader.read():
                    self._hear(worker, message)
        after: After = []
        with self.lock:
            if worker.number in self.workers:
                self._bury(worker, after)
        for call in after:
            call()

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
        finally:
            self.printer.close()

    def _busy(self) -> bool:
        return bool(self.queue) or any(worker.running is not None for worker in self.workers.values())

    def _tend_server(self, server: Server) -> None:
        if self.registered is not server:
            self.registered = server
            self.listener.add(server.sock, server)
        with contextlib.suppress(OSError):
            self.listener.change(server.sock, True, not server.writer.flush())

    def _end(self) -> None:
        """Close everything: the last thing that happens."""
        if self.server is not None:
            self.server.close()
            self.server = None
        self.listener.close()
        self.woken.close()
        self.waker.close()
