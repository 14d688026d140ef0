"""Array functions on worker processes, against NumPy here and joblib with memory maps.

    python bench/blocks.py [--rounds N] [--megabytes N] [--joblib PYTHON]

Rounds are interleaved; each row is a median. joblib's row needs joblib, here or in the interpreter named, which then
runs its rounds between ours: it waits while ours run. "ideal" is NumPy's time / the number of workers, in one piece or
in the blocks that map_blocks makes, whichever is faster; without out= the new output is included. On a machine
that does something else, the row of threads, which NumPy lets compute at the same time, tells what is to be had.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROWS, COLUMNS = 100_000, 100
BLOCK = 4 * 2**20  # bytes, as map_blocks cuts


def wave(x):
    return np.sqrt(x) + np.sin(x)


def wave_into(x, out, start, stop):
    out[start:stop] = wave(x[start:stop])


def row_score(row):
    """Return a number, in some us of Python."""
    total = 0.0
    for value in row.tolist():
        total += value * value if value > 0.5 else value
    return total


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def joblib_rounds(folder, n, workers):
    """Answer each line of stdin with the seconds of one round; in joblib's own process."""
    import joblib

    x = np.load(Path(folder) / "x.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(Path(folder) / "out.npy", "w+", x.dtype, x.shape)
    edges = np.linspace(0, n, 4 * workers + 1).astype(int).tolist()

    def work():
        calls = [joblib.delayed(wave_into)(x, out, *edge) for edge in itertools.pairwise(edges)]
        joblib.Parallel(n_jobs=workers)(calls)

    for _ in sys.stdin:
        print(timed(work), flush=True)


class Joblib:
    """joblib in a process of its own."""

    def __init__(self, python, folder, n, workers):
        command = [python, __file__, "--serve", str(folder), str(n), str(workers)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self):
        """Return what one round takes; None when there is no joblib."""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            return float(self.process.stdout.readline())
        except (BrokenPipeError, ValueError):
            return None

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def rows(rounds, megabytes, python, folder):
    import allcores as ac
    from allcores.calls.blocks import map_blocks
    from allcores.calls.rows import apply_along_axis

    workers = ac.info()["threads"]
    n = megabytes * 1_000_000 // 8
    x = ac.shared.arange(n, dtype=float)
    same = np.asarray(x)  # NumPy's functions of x itself are ours
    out, plain = ac.shared.empty(n), np.empty(n)
    np.save(folder / "x.npy", x)
    table = np.random.default_rng(1).random((ROWS, COLUMNS))
    number = -(-x.nbytes // BLOCK)
    peer = Joblib(python, folder, n, workers)
    threads = ThreadPoolExecutor(workers)
    found = {}

    def on_thread(start, stop):
        wave_into(same, plain, start, stop)

    def note(name, seconds):
        if seconds is not None:
            found.setdefault(name, []).append(seconds)

    for i in range(rounds + 1):
        note("NumPy", timed(lambda: wave_into(same, plain, 0, n)))
        note("NumPy, in blocks", timed(lambda: in_blocks(same, plain, number)))
        note("NumPy, in blocks, new output", timed(lambda: in_blocks(same, np.empty(n), number)))
        note(
            "NumPy, in blocks on threads",
            timed(lambda: list(threads.map(on_thread, *zip(*edges(n, number), strict=True)))),
        )
        note("map_blocks, out=", timed(lambda: map_blocks(wave, x, out=out)))
        note("map_blocks", timed(lambda: map_blocks(wave, x)))
        note("joblib, memory maps", peer.seconds())
        note("NumPy's apply_along_axis", timed(lambda: np.apply_along_axis(row_score, 1, table)))
        note("apply_along_axis", timed(lambda: apply_along_axis(row_score, 1, table)))
        if i == 0:
            found.clear()  # warming up
    peer.close()
    return workers, {name: statistics.median(values) for name, values in found.items()}


def in_blocks(x, out, number):
    for edge in edges(len(x), number):
        wave_into(x, out, *edge)


def edges(n, number):
    cuts = np.linspace(0, n, number + 1).astype(int).tolist()
    return itertools.pairwise(cuts)


def main():
    import tempfile

    from timing import machine

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=800)
    parser.add_argument("--joblib", default=sys.executable, help="an interpreter that has joblib")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:  # joblib's files: memory, as ours
        workers, found = rows(given.rounds, given.megabytes, given.joblib, Path(folder))
    for name, value in found.items():
        print(f"{name:<40}{value:10.3f} s")
    ideal = min(found["NumPy"], found["NumPy, in blocks"]) / workers
    print(f"{'map_blocks, out= / ideal':<40}{found['map_blocks, out='] / ideal:10.2f} (at most 1.15)")
    new = found["NumPy, in blocks, new output"] / workers
    print(f"{'map_blocks / ideal':<40}{found['map_blocks'] / new:10.2f} (at most 1.15)")
    print(f"{'map_blocks, out= / threads':<40}{found['map_blocks, out='] / found['NumPy, in blocks on threads']:10.2f}")
    if "joblib, memory maps" in found:
        times = found["joblib, memory maps"] / found["map_blocks, out="]
        print(f"{'joblib / map_blocks, out=':<40}{times:10.2f} (at least 1.5)")
    times = found["NumPy's apply_along_axis"] / found["apply_along_axis"]
    print(f"{'apply_along_axis: NumPy / ours':<40}{times:10.2f} (at least 1.8)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        joblib_rounds(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.path[0:1] = [str(Path(__file__).parent)]
        from blocks import main as run  # functions of __main__ would go by value

        run()
