"""Never run: what mypy --strict must accept of a user's program."""

from typing import Any

import numpy as np
import numpy.typing as npt

import allcores as ac


def elementwise(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    out = np.empty_like(a)
    ac.add(a, b, out=out)
    ac.multiply(a, 2.0, out, where=a > 0)
    total: Any = ac.add.reduce(a, axis=0)
    made: npt.NDArray[np.float64] = ac.sqrt(a) + total
    return made


def any_ufunc(own: np.ufunc) -> np.ufunc:
    return ac.parallel(own, may_raise=False, cost=3.0)


def reductions(a: npt.NDArray[np.float64]) -> float:
    rows: npt.NDArray[np.float64] = ac.sum(a, axis=1, keepdims=True)
    ac.mean(a, axis=(0, 1), dtype=np.float64, out=np.empty(()))
    ac.var(a, ddof=1)
    ac.std(a, None, "f8", where=a > 0)
    ac.max(a, axis=0, initial=0.0)
    ac.argmax(a, 0)
    ac.any(a, axis=0)
    count: int = ac.count_nonzero(a)
    return float(ac.prod(rows)) + count


def settings() -> dict[str, Any]:
    ac.install()
    ac.uninstall()
    with ac.accelerate(), ac.limit(threads=4):
        np.add(1, 2)
    threads: int = ac.info()["threads"]
    version: str = ac.__version__
    return {"threads": threads, "version": version, "loops": ac.info(kernels=True)["kernels"]}
