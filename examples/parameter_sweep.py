"""A parameter sweep with progress, random numbers that can be repeated, and points that may fail.

    python examples/parameter_sweep.py [points]

Estimates, for several rates, how long a queue gets; some rates are too high and raise.
"""

import sys

import numpy as np

import allcores as ac


def longest_queue(rate, *, rng, steps=20_000):
    """Simulate a queue that serves one customer a step and gets `rate` on average."""
    if rate >= 1:
        raise ValueError(f"a queue that gets {rate:.2f} customers a step grows for ever")
    arrivals = rng.poisson(rate, steps)
    length = longest = 0
    for count in arrivals.tolist():
        length = max(0, length + count - 1)
        longest = max(longest, length)
    return longest


def main(points=40):
    rates = np.linspace(0.1, 1.1, points)
    try:
        import tqdm  # noqa: F401
    except ImportError:
        progress = False
    else:
        progress = True
    results = ac.map(longest_queue, rates, seed=1, errors="return", progress=progress)
    for rate, result in zip(rates, results, strict=True):
        print(f"{rate:.3f}", result if isinstance(result, int) else f"failed: {result}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
