"""What allcores.install() adds to np.add on 10 elements, in ns: alternating in one process, over several processes.

The last figure is the same measurement with nothing installed on either side: what noise makes of zero.
"""

import argparse
import subprocess
import sys
from statistics import median

import numpy as np
from timing import machine, per_call

import allcores as ac

CALLS = 5_000


def one_process(rounds):
    """Median ns of a plain call, of what install() adds, and of what nothing adds."""
    a, b = np.arange(10.0), np.arange(10.0)
    plain, added, nothing = [], [], []
    for turn in range(rounds):
        times = {}
        for mode in ("plain", "installed", "again") if turn % 2 else ("installed", "plain", "again"):
            if mode == "installed":
                with ac.accelerate():
                    times[mode] = per_call(np.add, (a, b), CALLS)
            else:
                times[mode] = per_call(np.add, (a, b), CALLS)
        plain.append(times["plain"] * 1e9)
        added.append((times["installed"] - times["plain"]) * 1e9)
        nothing.append((times["again"] - times["plain"]) * 1e9)
    return median(plain), median(added), median(nothing)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(*one_process(options.rounds))
        return
    print(machine())
    found = []
    for _ in range(options.processes):
        command = [sys.executable, __file__, "--one", "--rounds", str(options.rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append([float(text) for text in done.stdout.split()])
    plain, added, nothing = (median(column) for column in zip(*found, strict=True))
    print(f"np.add, 10 elements: {plain:.0f} ns; install() adds {added:+.1f} ns; nothing adds {nothing:+.1f} ns")
    print("by process: " + ", ".join(f"{line[1]:+.1f}" for line in found))


if __name__ == "__main__":
    main()
