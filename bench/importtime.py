"""What `import allcores` adds to `import numpy`: pairs of fresh processes, median of the differences."""

import argparse
import subprocess
import sys
from statistics import median

PROGRAM = "from time import perf_counter as t; s = t(); import {}; print(t() - s)"


def seconds(module):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(module)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=21)
    pairs = parser.parse_args().pairs
    seconds("numpy"), seconds("allcores")  # the files are read once
    found = []
    for turn in range(pairs):
        order = ("numpy", "allcores") if turn % 2 else ("allcores", "numpy")
        times = {module: seconds(module) for module in order}
        found.append((times["numpy"], times["allcores"], times["allcores"] - times["numpy"]))
    numpys, ours, added = (median(column) * 1e3 for column in zip(*found, strict=True))
    print(
        f"import numpy {numpys:.1f} ms, import allcores {ours:.1f} ms, added {added:.1f} ms (medians of {pairs} pairs)"
    )


if __name__ == "__main__":
    main()
