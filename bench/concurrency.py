"""Calls from many threads at once, our own or another library's: against the best limit that can be set by hand.

Each row runs the same 64 calls through a scheduler of threads. "chosen" leaves the number of threads of a call to
allcores; the others run each call under `ac.limit(threads=...)`. Libraries that are not installed are left out.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
from timing import duration, geometric_mean, machine, medians

import allcores as ac

CALLS = 64


def works(size):
    """Return calls on 16 blocks: one bound by memory, one by arithmetic, one that makes an output, a reduction."""
    blocks = [np.random.default_rng(i).uniform(0.1, 0.9, size) for i in range(16)]
    outs = [np.empty_like(block) for block in blocks]
    return {
        "add, out=": lambda i: ac.add(blocks[i % 16], 1.0, out=outs[i % 16]),
        "tan, out=": lambda i: ac.tan(blocks[i % 16], out=outs[i % 16]),
        "exp, new": lambda i: ac.exp(blocks[i % 16]),
        "sum": lambda i: ac.sum(blocks[i % 16]),
    }


def held(work, threads):
    """Return the work, each call of it with at most so many threads; None: as allcores chooses."""
    if threads is None:
        return work

    def call(i):
        with ac.limit(threads=threads):
            return work(i)

    return call


def by_loop(work):
    return lambda: [work(i) for i in range(CALLS)]


def by_threads(work, pool, count=16):
    """Give `count` threads, which are there already, a share of the calls each."""

    def share(first):
        for i in range(first, CALLS, count):
            work(i)

    return lambda: list(pool.map(share, range(count)))


def by_executor(work, pool):
    return lambda: list(pool.map(work, range(CALLS)))


def by_joblib(work):
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=8, backend="threading", batch_size=1)
    return lambda: parallel(delayed(work)(i) for i in range(CALLS))


def by_dask(work):
    import dask

    tasks = [dask.delayed(work, pure=False)(i) for i in range(CALLS)]
    return lambda: dask.compute(*tasks, scheduler="threads", num_workers=8)


def by_sklearn(work):
    """Follow every eighth call by steps of k-means, which has an OpenMP runtime of its own."""
    from sklearn.cluster import KMeans

    points = np.random.default_rng(1).uniform(size=(20_000, 8)).astype("f4")
    model = KMeans(8, n_init=1, max_iter=5, init=points[:8].copy())

    def run():
        for i in range(CALLS):
            work(i)
            if i % 8 == 7:
                model.fit(points)

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e5, 1e6])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(machine())
    most = ac.info()["threads"]
    settings = {"chosen": None} | {f"limit {k}": k for k in sorted({1, 2, most})}
    many, pool = ThreadPoolExecutor(16), ThreadPoolExecutor(8)
    ways = {
        "one caller": by_loop,
        "16 threads": lambda work: by_threads(work, many),
        "ThreadPoolExecutor(8)": lambda work: by_executor(work, pool),
    }
    for name, way in (("joblib", by_joblib), ("dask", by_dask), ("sklearn", by_sklearn)):
        if find_spec(name):
            ways[{"joblib": "joblib, 8 threads", "dask": "dask, 8 threads", "sklearn": "scikit-learn"}[name]] = way
        else:
            print(f"not installed: {name}")
    for size in map(int, options.sizes):
        print(f"\n{CALLS} calls of {size:,} elements; chosen / best set by hand, and / one caller doing all")
        print(f"{'':<36} " + " ".join(f"{name:>9}" for name in settings) + "  / best  / one caller")
        ratios, alone = [], {}
        for kind, work in works(size).items():
            for name, way in ways.items():
                found = medians({key: way(held(work, k)) for key, k in settings.items()}, options.rounds)
                best = min(seconds for key, seconds in found.items() if key != "chosen")
                ratios.append(found["chosen"] / best)
                if name == "one caller":
                    alone[kind] = found["chosen"]
                print(
                    f"{kind + ', ' + name:<36} " + " ".join(f"{duration(found[key]):>9}" for key in settings)
                    + f"  {ratios[-1]:6.2f}  {found['chosen'] / alone[kind]:6.2f}"
                )  # fmt: skip
        print(f"chosen / best: geometric mean {geometric_mean(ratios):.2f}, most {max(ratios):.2f}")
    many.shutdown()
    pool.shutdown()


if __name__ == "__main__":
    main()
