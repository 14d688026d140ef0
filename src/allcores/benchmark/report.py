"""What the benchmark found: an aligned table, raw figures as JSON, a plot."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import allcores as ac
from allcores.benchmark.peers import LIBRARIES
from allcores.benchmark.timing import geometric_mean
from allcores.plan.machine import cpu_name

NO_PEERS = ("python", "numpy", "allcores")  # the other columns compete for "best peer"


@dataclass(slots=True)
class Row:
    """One case: its elements, and seconds a call of each library, one figure a round."""

    name: str
    elements: int
    seconds: dict[str, list[float]]

    def median(self, library: str) -> float | None:
        """Return the median seconds of `library`."""
        found = self.seconds.get(library)
        return median(found) if found else None

    def speedup(self, over: str) -> float | None:
        """Return how many times faster than `over` we are."""
        ours, theirs = self.median("allcores"), self.median(over)
        return theirs / ours if ours and theirs else None

    def best_peer(self) -> str | None:
        """Return the fastest of the other libraries."""
        medians = {name: self.median(name) for name in self.seconds if name not in NO_PEERS}
        known = {name: seconds for name, seconds in medians.items() if seconds is not None}
        return min(known, key=lambda name: known[name]) if known else None


@dataclass(slots=True)
class Report:
    """All rows, what went wrong, and where it was measured."""

    threads: int
    rounds: int
    libraries: list[str]
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False

    def geometric_mean(self, over: str) -> float | None:
        """Return the geometric mean of the speed-ups over `over`, "peer" for the best peer of each row."""
        names = [row.best_peer() if over == "peer" else over for row in self.rows]
        ratios = [row.speedup(name) for row, name in zip(self.rows, names, strict=True) if name]
        known = [ratio for ratio in ratios if ratio]
        return geometric_mean(known) if known else None

    def columns(self) -> list[str]:
        """Return the libraries that have a figure, ours last."""
        return [name for name in self.libraries if any(name in row.seconds for row in self.rows)]

    def metadata(self) -> dict[str, Any]:
        """Return machine, versions and settings."""
        found = ac.info()
        return {
            "cpu": cpu_name(),
            **{key: found[key] for key in ("platform", "cores", "isa", "compiler", "openmp")},
            "threads": self.threads,
            "rounds": self.rounds,
            "versions": {"python": platform.python_version()}
            | {name: version_of(name) for name in self.libraries if name != "python"},
        }


def version_of(name: str) -> str:
    """Return the version of an installed library."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def duration(seconds: float | None) -> str:
    """Return a time with its unit, three digits."""
    if seconds is None:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            value = seconds / scale
            return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def counted(count: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def ratio(value: float | None) -> str:
    """Return a speed-up."""
    if value is None:
        return "-"
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}x"


def table(report: Report) -> str:
    """Return the report as text."""
    columns = report.columns()
    with_out = [name for name in columns if LIBRARIES[name].takes_out]
    facts = report.metadata()
    peers = any(row.best_peer() for row in report.rows)
    header = ["function", "elements", *columns, "vs numpy", *(["vs best peer"] if peers else [])]
    lines = [header]
    for row in report.rows:
        best = row.best_peer()
        lines.append(
            [
                row.name,
                f"{row.elements:,}",
                *(duration(row.median(name)) for name in columns),
                ratio(row.speedup("numpy")),
                *([f"{ratio(row.speedup(best))} {best}" if best else "-"] if peers else []),
            ]
        )
    means = ["geometric mean", "", *("" for _ in columns), ratio(report.geometric_mean("numpy"))]
    lines.append([*means, *([ratio(report.geometric_mean("peer"))] if peers else [])])
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    text = []
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        text.append("  ".join([line[0].ljust(widths[0]), *cells[1:]]).rstrip())
    rule = "-" * max(map(len, text))
    text = [text[0], rule, *text[1:-1], rule, text[-1]]
    shown = {*columns, "python"}
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items() if name in shown)
    machine = (
        f"{facts['cpu']}, {counted(facts['cores'], 'core')}, {counted(report.threads, 'thread')}, "
        f"instruction set {facts['isa']}"
    )
    return "\n".join(
        [
            f"Time of one call, median of {report.rounds} interleaved rounds (plain Python: at most 3).",
            "The same arrays, float64, for all; results checked against NumPy's.",
            f"Results are written to out= by {', '.join(with_out)}; the others return new arrays.",
            "",
            *text,
            "",
            f"{machine}; {versions}",
            *(f"left out: {problem}" for problem in report.problems),
            *(["interrupted: these are the functions timed so far"] if report.interrupted else []),
        ]
    )


def write_json(report: Report, path: Path) -> None:
    """Write every round's figure and the metadata."""
    content = {
        "metadata": report.metadata(),
        "interrupted": report.interrupted,
        "problems": report.problems,
        "geometric_mean": {"numpy": report.geometric_mean("numpy"), "best_peer": report.geometric_mean("peer")},
        "rows": [{"function": row.name, "elements": row.elements, "seconds": row.seconds} for row in report.rows],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def unwritable(path: Path) -> str:
    """Return why a file cannot be written, empty if it can; leaves nothing behind."""
    there = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        return error.strerror or str(error)
    if not there:
        path.unlink()
    return ""


def no_plot(path: Path) -> str:
    """Return why no plot of this name can be made, empty if one can."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib.figure import Figure
    except Exception as error:  # noqa: BLE001  missing or broken: the same to the user
        return f"needs matplotlib, which cannot be imported ({type(error).__name__}: {error})"
    known = sorted(Figure().canvas.get_supported_filetypes())
    if path.suffix.lstrip(".").lower() not in known:
        return f"must end in one of {', '.join('.' + name for name in known)}, got {str(path)!r}"
    return ""


def write_plot(report: Report, path: Path) -> None:
    """Draw the speed over NumPy's, a group of bars a function."""
    from matplotlib.figure import Figure

    columns = [name for name in report.columns() if name not in ("numpy", "python")]
    figure = Figure(figsize=(9, 1.5 + 0.11 * len(report.rows) * (len(columns) + 1)), layout="constrained")
    axes = figure.add_subplot()
    height = 0.85 / max(len(columns), 1)
    for at, name in enumerate(columns):
        ratios = []
        for row in report.rows:
            theirs, numpys = row.median(name), row.median("numpy")
            ratios.append(numpys / theirs if theirs and numpys else float("nan"))
        places = [place + at * height for place in range(len(report.rows))]
        axes.barh(places, ratios, height, label=name, color="black" if name == "allcores" else None)
    axes.axvline(1.0, color="grey", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks([place + 0.4 for place in range(len(report.rows))], [row.name for row in report.rows])
    axes.invert_yaxis()
    axes.set_xlabel("times as fast as NumPy")
    facts = report.metadata()
    axes.set_title(f"{facts['cpu']}, {counted(report.threads, 'thread')}", fontsize="medium")
    figure.legend(fontsize="small", loc="outside right upper")
    figure.savefig(os.fspath(path), dpi=120)
