"""Plain multiprocessing with shared arrays: a producer fills frames, consumers reduce them, nothing is copied.

    python examples/producer_consumer.py [frames]

Handles of the frames go through queues; a lock and a counter in shared memory keep the books.
"""

import multiprocessing
import sys

import numpy as np

import allcores as ac


def produce(free, filled, frames):
    """Fill whatever frame is free."""
    random = np.random.default_rng(1)
    for number in range(frames):
        frame = free.get()
        frame[...] = random.random(frame.shape, dtype=frame.dtype)
        filled.put((number, frame))
    filled.put(None)


def consume(free, filled, sums, done, lock):
    """Add frames up, and give them back."""
    while (found := filled.get()) is not None:
        _, frame = found
        with lock:
            sums += frame
        done.add(1)
        free.put(frame)
    filled.put(None)  # for the next consumer


def main(frames=100, shape=(480, 640), consumers=2):
    context = multiprocessing.get_context("spawn")
    free, filled = context.Queue(), context.Queue()
    sums, done, lock = ac.shared.zeros(shape, np.float32), ac.shared.Value(int), ac.shared.Lock()
    buffers = [ac.shared.empty(shape, np.float32) for _ in range(4)]
    for buffer in buffers:
        free.put(buffer)
    workers = [context.Process(target=produce, args=(free, filled, frames))]
    workers += [context.Process(target=consume, args=(free, filled, sums, done, lock)) for _ in range(consumers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"{done.value} frames, mean {sums.mean() / frames:.4f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
