"""The command line: `python -m allcores info`, `... calibrate` and `... bench`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import allcores as ac
from allcores.calibration import calibration_file


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def _whole(text: str, most: float) -> int:
    try:
        value = float(text.replace("_", "").replace(",", ""))
        if not (1 <= value <= most and value == int(value)):
            raise ValueError
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"must be a whole number between 1 and {most:,.0f}, got {text!r}") from None
    return int(value)


def _size(text: str) -> int:
    return _whole(text, 1e9)


def _rounds(text: str) -> int:
    return _whole(text, 10_000)


def _threads(text: str) -> int:
    return _whole(text, 1024)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m allcores", description="NumPy on all cores.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{info,calibrate,bench}")
    info = commands.add_parser("info", help="what runs here: versions, cores, threads, instruction set")
    info.add_argument("--kernels", action="store_true", help="list also the inner loops that are ours, not NumPy's")
    info.add_argument("--json", action="store_true", help="for programs")
    calibrate = commands.add_parser("calibrate", help="measure what calls take on this machine, once; some seconds")
    calibrate.add_argument("--refresh", action="store_true", help="measure even if that was done before")
    calibrate.add_argument("--quiet", action="store_true", help="show no progress")
    bench = commands.add_parser("bench", help="our speed against pure Python, NumPy and the libraries installed")
    bench.add_argument("--size", type=_size, default=1_000_000, help="elements of an operand (default: %(default)s)")
    bench.add_argument("--rounds", type=_rounds, default=11, help="interleaved rounds (default: %(default)s)")
    bench.add_argument("--threads", type=_threads, help="threads of one call (default: what allcores would use)")
    bench.add_argument(
        "--functions", nargs="+", action="extend", metavar="NAME", help="only these, by the names of the table's rows"
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="write every round's figure there")
    bench.add_argument("--plot", type=Path, metavar="FILE", help="write a plot there (needs matplotlib)")
    return parser


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _show(found: dict[str, Any]) -> None:
    kernels = found.pop("kernels", None)
    mathematics = found.pop("mathematics", None)
    libraries = found.pop("libraries")
    width = max(map(len, found))
    for key, value in found.items():
        print(f"{key:<{width}}  {_text(value)}")
    for one in libraries:
        print(f"{'library':<{width}}  {one.get('internal_api')} {one.get('version') or ''}, {one.get('filepath')}")
    if kernels is not None:
        loops: dict[str, list[str]] = {}
        for name, types in kernels:
            loops.setdefault(name, []).append(types)
        print(f"\ninner loops of ours, {len(kernels)}; all others are NumPy's")
        for name in sorted(loops):
            print(f"  {name}: {' '.join(loops[name])}")
    if mathematics is not None:
        print(f"\nmathematics of ours, {len(mathematics)}: function, types, nanoseconds an element")
        for name, types, cost, used in mathematics:
            print(f"  {name} {types} {cost:g}{'' if used else ' (not used: NumPy is as fast here)'}")


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, float], None] | None]:
    """Yield what shows progress on standard error: tqdm's bar where there is one."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    try:
        from tqdm import tqdm
    except ImportError:

        def show(what: str, done: float) -> None:
            print(f"\r{done:4.0%} {what:<20}", end="" if done < 1 else "\n", file=sys.stderr, flush=True)

        yield show
        return
    with tqdm(total=100, unit="%", bar_format="{percentage:3.0f}% {bar} {desc}") as bar:

        def move(what: str, done: float) -> None:
            bar.set_description_str(what, refresh=False)
            bar.update(100 * done - bar.n)

        yield move


def _calibrate(*, refresh: bool, quiet: bool) -> int:
    path = calibration_file()
    before = path.stat().st_mtime_ns if path.exists() else 0
    begun = time.perf_counter()
    with _progress(quiet) as progress:
        costs = ac.calibrate(refresh=refresh, progress=progress)
    took = time.perf_counter() - begun
    if not path.exists():
        print("not kept: the folder cannot be written")
    elif path.stat().st_mtime_ns == before:
        print(f"measured before, --refresh measures again: {path}")
    else:
        print(f"measured in {took:.1f} s: {path}")

    def listed(figures: Sequence[float], factor: float) -> str:
        return ", ".join(f"{one * factor:.3g}" for one in figures)

    teams = ", ".join(str(2**k) for k in range(1, len(costs.start)))
    print(f"start of {teams} threads   {listed(costs.start[1:], 1e-3)} us")
    print(f"waking them, busy, idle   {listed(costs.wake, 1e-3)} us")
    print(f"memory by 1, 2, 4 ...     {listed(costs.bandwidth, 1) or 'not measured: little memory'} GB/s")
    print(f"another process           {costs.round_trip * 1e-3:.3g} us there and back")
    print(f"functions                 {len(costs.kernels)}, {sum(map(len, costs.kernels.values()))} loops")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "info":
        found = ac.info(kernels=options.kernels)
        if options.json:
            print(json.dumps(found, indent=1))
        else:
            _show(found)
        return 0
    if options.command == "calibrate":
        return _calibrate(refresh=options.refresh, quiet=options.quiet)
    from allcores.benchmark.run import RefusedError, run

    if options.functions:
        options.functions = [name for text in options.functions for name in text.split(",") if name]
    try:
        return run(options)
    except RefusedError as refusal:
        print(f"python -m allcores bench: {refusal}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
