"""The command line: `python -m allcores info` and `python -m allcores bench`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import allcores as ac


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
    commands = parser.add_subparsers(dest="command", required=True, metavar="{info,bench}")
    info = commands.add_parser("info", help="what runs here: versions, cores, threads, instruction set")
    info.add_argument("--kernels", action="store_true", help="list also the inner loops that are ours, not NumPy's")
    info.add_argument("--json", action="store_true", help="for programs")
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


def _show(found: dict[str, Any]) -> None:
    kernels = found.pop("kernels", None)
    mathematics = found.pop("mathematics", None)
    width = max(map(len, found))
    for key, value in found.items():
        text = ", ".join(value) if isinstance(value, list) else {None: "-", True: "yes", False: "no"}.get(value, value)
        print(f"{key:<{width}}  {text if not isinstance(value, int) or isinstance(value, bool) else value}")
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
