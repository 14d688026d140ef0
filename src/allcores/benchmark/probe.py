"""A library tries its cases in a process of its own: whoever dies there dies alone.

Run as `python -m allcores.benchmark.probe LIBRARY THREADS SIZE CASE...`, by `probe`. It writes a JSON line when a case
begins and another with what came of it; a line that is missing is a death.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np

from allcores.benchmark.cases import CASES, allowed, difference, elements, operands
from allcores.benchmark.peers import LIBRARIES
from allcores.kernels import KERNELS

TIMEOUT = 60.0  # seconds for all cases of one library
MOST_DEATHS = 3
_MARK = "@allcores@"


def _say(**what: str) -> None:
    sys.stdout.write(f"\n{_MARK}{json.dumps(what)}\n")
    sys.stdout.flush()


def one_line(error: BaseException) -> str:
    """Return an error as one line of a readable length."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 160 else text[:157] + "..."


def main(arguments: Sequence[str]) -> None:
    """Try the cases named on the command line."""
    name, threads, size, *cases = arguments
    library = LIBRARIES[name]
    _say(begin="import")
    try:
        library.start(int(threads))
    except Exception as error:  # noqa: BLE001  whatever it is, it is what the caller wants to know
        _say(end="import", problem=one_line(error))
        return
    _say(end="import", problem="")
    arrays = operands(int(size))
    for case in map(CASES.__getitem__, cases):
        _say(begin=case.name)
        problem = has = ""
        try:
            call = library.prepare(case, arrays)
            if call is not None:
                has = "yes"
                want = LIBRARIES["numpy"].prepare(case, arrays)
                assert want is not None
                tolerance = allowed(case, KERNELS[case.kernel].rtol, elements(case, arrays))
                problem = difference(np.asarray(call()), want(), tolerance)
        except Exception as error:  # noqa: BLE001
            problem = one_line(error)
        _say(end=case.name, problem=problem, has=has)


class Probe:
    """The trial of one library; several run at a time.

    Attributes
    ----------
    works : list of str
        Cases that gave the right result.
    problems : list of (str, str)
        Case, or "import", and what went wrong.
    """

    def __init__(self, name: str, cases: Sequence[str], threads: int, size: int) -> None:
        self.name = name
        self.works: list[str] = []
        self.problems: list[tuple[str, str]] = []
        self._left = list(cases)
        self._threads = threads
        self._size = size
        self._deaths = 0
        self._deadline = time.monotonic() + TIMEOUT
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "allcores.benchmark.probe"]
        self._process = subprocess.Popen(
            [*command, self.name, str(self._threads), str(self._size), *self._left],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def wait(self) -> None:
        """Wait for the end; a library that dies in one case goes on with the next."""
        while True:
            late = False
            try:
                said, errors = self._process.communicate(timeout=max(0.1, self._deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._process.kill()
                said, errors = self._process.communicate()
                late = True
            at = self._read(said)
            if at == "":
                return
            if late:
                why = f"did not finish within {TIMEOUT:.0f} s; the rest of it is left out"
            else:
                why = f"the process {_death(self._process.returncode)}"
                last = [line for line in errors.splitlines() if line.strip()][-1:]
                if last:
                    why += f" ({last[0].strip()[:120]})"
            self.problems.append((at, why))
            self._deaths += 1
            if at in self._left:
                self._left.remove(at)
            if late or at in ("import", "start") or not self._left or self._deaths >= MOST_DEATHS:
                if self._deaths >= MOST_DEATHS and self._left:
                    self.problems.append((", ".join(self._left), f"not tried, it died {MOST_DEATHS} times"))
                return
            self._start()

    def _read(self, said: str) -> str:
        """Take in what the process said; return where it died, empty if it did not."""
        at = "start"
        for line in said.splitlines():
            if not line.startswith(_MARK):
                continue
            told = json.loads(line.removeprefix(_MARK))
            if "begin" in told:
                at = told["begin"]
                continue
            case, at = told["end"], ""
            if told["problem"]:
                self.problems.append((case, told["problem"]))
            elif told.get("has"):
                self.works.append(case)
            if case in self._left:
                self._left.remove(case)
            if case == "import" and told["problem"]:
                self._left.clear()
        return at or ("end" if self._left and self._process.returncode else "")

    def kill(self) -> None:
        """End it."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _death(code: int) -> str:
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:
        return f"died of signal {-code}"


if __name__ == "__main__":
    main(sys.argv[1:])
