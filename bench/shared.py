"""Shared arrays against ordinary ones: made, sent, attached and summed in another process.

    python bench/shared.py [--rounds N]

Rounds are interleaved; each row is a median, and its ratio to the row it is compared with.
"""

import argparse
import multiprocessing
import pickle
import statistics
import time

import numpy as np
from timing import machine

import allcores as ac

N = 10_000_000  # float64: 80 MB


def timed(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e6


def attend(connection):
    """In the other process: attach, sum twice, and tell how long each took there."""
    while (data := connection.recv_bytes()) != b"":
        start = time.perf_counter()
        array = pickle.loads(data)
        attached = time.perf_counter()
        np.add.reduce(np.asarray(array))  # NumPy's own, on one core
        summed = time.perf_counter()
        connection.send(((attached - start) * 1e6, (summed - attached) * 1e6))
        del array


def engines(rounds, note):
    """Time the same calls on each engine, of shared operands and outputs."""
    a, out, few = ac.shared.array(np.linspace(1, 2, N)), ac.shared.empty(N), ac.shared.ones(64)
    calls = {
        "add, 80 MB in and out": lambda: ac.add(a, 1.0, out=out),
        "sin, 80 MB in and out": lambda: ac.sin(a, out=out),
        "sum, 80 MB": lambda: ac.sum(a),
        "add, 64 elements": lambda: ac.add(few, 1.0, out=few),
    }
    for i in range(rounds + 1):
        for name, call in calls.items():
            for engine in ("serial", "threads", "processes"):
                with ac.using(engine):
                    # The first one has the last engine's threads spin beside it.
                    took = [timed(call) for _ in range(4)][1:]
                if i:
                    note(f"{name}, {engine}", statistics.median(took))


def rows(rounds):
    shared, plain = ac.shared.ones(N), np.ones(N)
    here, there = multiprocessing.Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=attend, args=(there,))
    worker.start()
    found = {}
    small = ac.shared.ones(10)

    def note(name, value):
        found.setdefault(name, []).append(value)

    for i in range(rounds + 1):
        note("sum of 80 MB, ordinary memory, here", timed(lambda: np.add.reduce(plain)))
        note("sum of 80 MB, shared memory, here", timed(lambda: np.add.reduce(np.asarray(shared))))
        start = time.perf_counter()
        here.send_bytes(pickle.dumps(shared))
        attach, sums = here.recv()
        note("attached, summed and answered by another process", (time.perf_counter() - start) * 1e6)
        note("  of which attaching", attach)
        note("  of which the sum", sums)
        note("pickle round trip of 80 MB as a handle", timed(lambda: pickle.loads(pickle.dumps(shared))))
        note("pickle round trip of 80 MB by value", timed(lambda: pickle.loads(pickle.dumps(plain, 5))))
        note("empty, 80 MB, kept memory", timed(lambda: ac.shared.empty(N)))
        ac.shared.release()
        note("empty, 80 MB, fresh memory", timed(lambda: ac.shared.empty(N)))
        ac.shared.release()
        note("zeros and fill by NumPy, 80 MB, fresh memory", timed(lambda: np.zeros(N).fill(0)))
        note("array, 80 MB, fresh memory", timed(lambda: ac.shared.array(plain)))
        note("copy by NumPy, 80 MB", timed(lambda: plain.copy()))
        note("1,000 empty(10) shared", timed(lambda: [ac.shared.empty(10) for _ in range(1000)]))
        note("1,000 empty(10) NumPy", timed(lambda: [np.empty(10) for _ in range(1000)]))
        note(
            "1,000 pickle round trips of 10 shared",
            timed(lambda: [pickle.loads(pickle.dumps(small)) for _ in range(1000)]),
        )
        if i == 0:
            found.clear()  # warming up
    here.send_bytes(b"")
    worker.join()
    engines(rounds, note)
    return {name: statistics.median(values) for name, values in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    print(machine())
    found = rows(parser.parse_args().rounds)
    for name, value in found.items():
        print(f"{name:<55}{value:12,.0f} us")
    ratio = found["attached, summed and answered by another process"] / found["sum of 80 MB, shared memory, here"]
    print(f"{'another process against here, shared memory':<55}{ratio:12.2f} (at most 1.3)")


if __name__ == "__main__":
    main()
