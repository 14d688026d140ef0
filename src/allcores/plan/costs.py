"""The costs that plans are made from: guesses that fit most machines, and the file of those measured on this one.

The file is one of JSON a machine, version and NumPy, in the user's cache folder; `allcores.calibrate` writes it.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from allcores.plan.model import Costs

FORMAT = 1
_MOST_BYTES = 4_000_000  # of a file that is read


def seeds(caches: float = math.inf, isa: str = "") -> Costs:
    """Return costs that fit most machines.

    Threads that are awake add some 5 us to a share of the work, their start and the caches' traffic, and each doubling
    of the team 4 us more; one that sleeps is worth 30 us of work. Bandwidths are not guessed, as they differ tenfold.

    Parameters
    ----------
    caches : float
        As `Costs.cache_bytes`.
    isa : str
        Instruction-set level of which the functions' costs are, those of AVX2 if not "v4"; empty: none.
    """
    kernels = {}
    if isa:
        import json

        name = f"seed_costs_{'v4' if isa == 'v4' else 'v3'}.json"  # by bench/seed_costs.py
        kernels = json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return Costs(
        kernels=kernels,
        start=(0.0, 5e3, 9e3, 13e3),
        start_asleep=(0.0, 5e3, 35e3, 65e3),
        wake=(60e3, 150e3),
        cache_bytes=caches,
        bandwidth=(),
        round_trip=150e3,
    )


class BadFileError(Exception):
    """A calibration file that cannot be used, and why."""


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where calibrations are kept: ALLCORES_CACHE_DIR, else "allcores" in the system's folder for caches."""
    if environ.get("ALLCORES_CACHE_DIR", "").strip():
        return Path(environ["ALLCORES_CACHE_DIR"].strip())
    try:
        if sys.platform == "win32":
            base = environ.get("LOCALAPPDATA", "").strip() or Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            base = environ.get("XDG_CACHE_HOME", "").strip() or Path.home() / ".cache"
    except RuntimeError:  # nobody's home: a container's user without a name
        base = os.devnull  # no folder, so nothing is read, and writing says why it cannot
    return Path(base) / "allcores"


def file_of(key: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file for `key`, which says what machine and versions its figures are of."""
    words = "-".join(str(value) for value in key.values())
    name = "".join(char if char.isascii() and (char.isalnum() or char in ".-") else "_" for char in words)
    return folder(environ) / f"calibration-{name[:150]}.json"


def _figures(value: Any, name: str, least: int, *, positive: bool = True) -> tuple[float, ...]:
    if not isinstance(value, list) or not least <= len(value) <= 64:
        raise BadFileError(f"{name} is no list of {least} or more numbers")
    return tuple(_figure(one, name, positive=positive) for one in value)


def _figure(value: Any, name: str, *, positive: bool = True) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadFileError(f"{name} is no number: {value!r:.40}")
    if not (0 < value < 1e15 or (value == 0 and not positive)):
        raise BadFileError(f"{name} is out of range: {value!r}")
    return float(value)


def from_json(text: str, key: Mapping[str, Any]) -> Costs:
    """Return the costs in a file's text.

    Raises
    ------
    BadFileError
        If it is not a calibration, is damaged, or is of another machine or version.
    """
    import json  # read by those alone who have a file

    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadFileError(f"it is no JSON: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("costs"), dict):
        raise BadFileError("it is no calibration of this version")
    if found.get("key") != dict(key):
        raise BadFileError("it is of another machine or version")
    given = found["costs"]
    kernels = given.get("kernels")
    if not isinstance(kernels, dict) or not all(isinstance(lines, dict) for lines in kernels.values()):
        raise BadFileError("it has no costs of functions")
    start = _figures(given.get("start"), "start", 2, positive=False)
    asleep = _figures(given.get("start_asleep"), "start_asleep", 2, positive=False)
    wake = _figures(given.get("wake"), "wake", 2)
    caches = given.get("cache_bytes", 0)
    return Costs(
        start=start,
        start_asleep=asleep,
        wake=(wake[0], wake[1]),
        cache_bytes=math.inf if caches is None else _figure(caches, "cache_bytes"),
        bandwidth=_figures(given.get("bandwidth"), "bandwidth", 0),
        round_trip=_figure(given.get("round_trip"), "round_trip"),
        kernels={
            name: {line: _figure(cost, f"{name} {line}") for line, cost in lines.items()}
            for name, lines in kernels.items()
        },
        measured=True,
    )


def to_json(costs: Costs, key: Mapping[str, Any]) -> str:
    """Return the text of a file, figures to four digits."""
    import json

    def rounded(value: Any) -> Any:
        if isinstance(value, float):
            return float(f"{value:.4g}")
        if isinstance(value, Mapping):
            return {name: rounded(one) for name, one in value.items()}
        return [rounded(one) for one in value] if isinstance(value, tuple) else value

    figures = rounded({name: value for name, value in asdict(costs).items() if name != "measured"})
    if costs.cache_bytes == math.inf:
        figures["cache_bytes"] = None  # JSON has no infinity
    return json.dumps({"format": FORMAT, "key": dict(key), "costs": figures}, indent=1) + "\n"


def read(path: Path, key: Mapping[str, Any]) -> Costs | None:
    """Return the costs in a file, None where there is none that we may read.

    Raises
    ------
    BadFileError
        If the file cannot be used.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None  # not there for us
    except OSError as error:
        raise BadFileError(f"it cannot be read: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise BadFileError("it is too large")
    return from_json(data.decode("utf-8", "replace"), key)


def write(path: Path, costs: Costs, key: Mapping[str, Any]) -> None:
    """Write the file, all of it or none: a reader, and who writes at the same time, never meets half a file.

    Raises
    ------
    OSError
        If the folder cannot be made or written.
    """
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob("calibration-*.part"):  # by a process that was killed
        if time.time() - left.stat().st_mtime > 3600:
            left.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{path.stem}-", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(to_json(costs, key))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
