"""One run of the benchmark: what was asked is looked at first, then libraries are tried, then timed."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import allcores as ac
from allcores.benchmark import report as reports
from allcores.benchmark.cases import CASES, Arrays, Case, allowed, difference, elements, operands
from allcores.benchmark.peers import LIBRARIES, OPTIONAL, PYTHON_ELEMENTS, installed
from allcores.benchmark.probe import Probe, one_line
from allcores.benchmark.report import Report, Row
from allcores.benchmark.timing import interleaved
from allcores.kernels import KERNELS

PYTHON_ROUNDS = 3
PROBE_ELEMENTS = 100_000
BYTES_AN_ELEMENT = 200  # operands, outputs and copies of all libraries together


class RefusedError(Exception):
    """What was asked cannot be done; the message is for the user."""


def available_cases() -> dict[str, Case]:
    """Return the cases whose function this build has."""
    return {name: case for name, case in CASES.items() if case.kernel in KERNELS}


def chosen_cases(names: Sequence[str] | None) -> list[Case]:
    """Return the cases asked for, in the table's order."""
    cases = available_cases()
    unknown = [name for name in names or () if name not in cases]
    if unknown:
        raise RefusedError(f"--functions must be among {', '.join(cases)}, got {', '.join(unknown)}")
    return [case for name, case in cases.items() if not names or name in names]


def check(options: Namespace) -> list[Case]:
    """Return the cases to time, or refuse before anything runs."""
    cases = chosen_cases(options.functions)
    if options.size * BYTES_AN_ELEMENT > available_memory():
        raise RefusedError(f"--size {options.size:,} needs more memory than is free")
    for option, path in (("--json", options.json), ("--plot", options.plot)):
        why = reports.unwritable(path) if path else ""
        if why:
            raise RefusedError(f"{option}: {path} cannot be written: {why}")
    why = reports.no_plot(options.plot) if options.plot else ""
    if why:
        raise RefusedError(f"--plot {why}")
    return cases


def available_memory() -> float:
    """Return the bytes that are free, infinity where the system does not tell."""
    with suppress(OSError, ValueError, IndexError), Path("/proc/meminfo").open(encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable"):
                return float(line.split()[1]) * 1024
    return float("inf")


def progress(cases: Sequence[Case]) -> Iterator[Case]:
    """Yield the cases and show on stderr how far it is: a bar on a terminal with tqdm, else a line a function."""
    if sys.stderr.isatty():
        with suppress(ImportError):
            with import_module("tqdm").tqdm(cases, unit="function", leave=False, file=sys.stderr) as bar:
                for case in bar:
                    bar.set_description(case.name)
                    yield case
            return
    for number, case in enumerate(cases, 1):
        say(f"[{number}/{len(cases)}] {case.name}")
        yield case


def say(text: str) -> None:
    """Tell the user something that is no result."""
    print(text, file=sys.stderr, flush=True)


def try_libraries(cases: Sequence[Case], threads: int, size: int, problems: list[str]) -> dict[str, set[str]]:
    """Return, for each optional library that works, the cases it does; what does not work goes into `problems`."""
    names = installed()
    missing = [name for name in OPTIONAL if name not in names]
    if missing:
        say(f"not installed: {', '.join(missing)}")
    if names:
        say(f"trying {', '.join(names)} ...")
    works: dict[str, set[str]] = {}
    probes = [Probe(name, [case.name for case in cases], threads, min(size, PROBE_ELEMENTS)) for name in names]
    try:
        for probe in probes:
            probe.wait()
            for case, why in probe.problems:
                note(problems, f"{probe.name}: {case}: {why}")
            if probe.works:
                works[probe.name] = set(probe.works)
    finally:
        for probe in probes:
            probe.kill()
    return works


def note(problems: list[str], text: str) -> None:
    """Keep a problem for the report, and tell it now."""
    problems.append(text)
    say(f"left out: {text}")


def time_case(case: Case, arrays: Arrays, names: Sequence[str], rounds: int, problems: list[str]) -> Row:
    """Time one case with the libraries named; one whose result is wrong or that raises is left out."""
    count = elements(case, arrays)
    numpy_call = LIBRARIES["numpy"].prepare(case, arrays)
    assert numpy_call is not None
    want = np.array(numpy_call())
    kernel = KERNELS[case.kernel]
    tolerance = allowed(case, kernel.rtol, count)
    calls: dict[str, Any] = {}
    for name in names:
        try:
            call = LIBRARIES[name].prepare(case, arrays)
            if call is None:
                continue
            if name != "python":  # its operands may be shorter
                ours = 0.0 if kernel.exact else tolerance
                problem = difference(np.asarray(call()), want, ours if name == "allcores" else tolerance)
                if problem:
                    note(problems, f"{name}: {case.name}: {problem}")
                    continue
            calls[name] = call
        except Exception as error:  # noqa: BLE001  a library's failure is its own
            note(problems, f"{name}: {case.name}: {one_line(error)}")
    seconds = interleaved(
        calls,
        rounds,
        fewer={"python": min(rounds, PYTHON_ROUNDS)},
        failed=lambda name, error: note(problems, f"{name}: {case.name}: {one_line(error)}"),
    )
    if "python" in seconds and count > PYTHON_ELEMENTS:
        seconds["python"] = [figure * count / PYTHON_ELEMENTS for figure in seconds["python"]]
    return Row(case.name, count, seconds)


def run(options: Namespace) -> int:
    """Do what `python -m allcores bench` was asked; return the exit status."""
    cases = check(options)
    threads = options.threads or ac.info()["threads"]
    result = Report(threads, options.rounds, ["numpy"])
    try:
        works = try_libraries(cases, threads, options.size, result.problems)
        for name in list(works):
            try:
                LIBRARIES[name].start(threads)
            except Exception as error:  # noqa: BLE001  it worked alone but not beside the others
                note(result.problems, f"{name}: import beside the others: {one_line(error)}")
                del works[name]
        result.libraries = ["python", "numpy", *works, "allcores"]
        arrays = operands(options.size)
        with ac.limit(threads=threads):
            for case in progress(cases):
                names = [name for name in result.libraries if case.name in works.get(name, {case.name})]
                result.rows.append(time_case(case, arrays, names, options.rounds, result.problems))
    except KeyboardInterrupt:
        result.interrupted = True
    return write(result, options)


def write(result: Report, options: Namespace) -> int:
    """Print the table, write the files, return the exit status."""
    status = 130 if result.interrupted else 0
    if result.rows:
        print(reports.table(result), flush=True)
    elif result.interrupted:
        say("interrupted before the first function was timed")
    for option, path, writer in (
        ("--json", options.json, reports.write_json),
        ("--plot", options.plot, reports.write_plot),
    ):
        if path is None or not result.rows:
            continue
        try:
            writer(result, path)
        except OSError as error:
            say(f"{option}: {path} cannot be written: {error.strerror or error}")
            status = status or 1
    return status
