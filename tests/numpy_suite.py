"""NumPy's own tests, plain and with allcores under NumPy's ufuncs: installing must fail nothing that passes without.

    python tests/numpy_suite.py               all of numpy._core, lib, linalg and ma
    python tests/numpy_suite.py --selection   what exercises ufuncs most, in a few minutes

Both runs write one line a test; the sets of failures are compared by test id. Exit status 1 where `install()` fails a
test, loses one, or ends the run early. This file is also the pytest plugin of both runs (see the hooks at the end).
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDERS = ["_core/tests", "lib/tests", "linalg/tests", "ma/tests"]
SELECTION = [
    "_core/tests/test_ufunc.py",
    "_core/tests/test_umath.py",
    "_core/tests/test_umath_complex.py",
    "_core/tests/test_umath_accuracy.py",
    "_core/tests/test_numeric.py",
    "_core/tests/test_scalarmath.py",
    "_core/tests/test_errstate.py",
    "_core/tests/test_half.py",
    "_core/tests/test_mem_overlap.py",
    "_core/tests/test_nep50_promotions.py",
    "_core/tests/test_multiarray.py",
    "lib/tests/test_mixins.py",
    "ma/tests/test_core.py",
]
# Files, and sorting, which calls no ufunc: a third of the time.
NOT_SELECTED = "not TestIO and not test_sort and not test_argsort and not TestPutmask and not TestStringCompare"
# Test -> why it may fail when installed.
EXPECTED = {
    "test_complex_other_value_based": "NumPy 2.0 and 2.1 have a private switch to NumPy 1's promotion",
}
INSTALLED = {"ALLCORES_PARALLEL_FROM": "1", "ALLCORES_NUM_THREADS": "3", "ALLCORES_SUITE_INSTALL": "1"}


def start(folder, targets, extra, environment):
    """Start one run; its results go to `folder`/results, what pytest prints to `folder`/output."""
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results"
    results.write_text("")
    env = {name: value for name, value in os.environ.items() if not name.startswith("ALLCORES_")}
    env |= environment | {
        "ALLCORES_SUITE_RESULTS": str(results),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), env.get("PYTHONPATH")])),
        "NPY_AVAILABLE_MEM": "2 GB",
    }
    command = [sys.executable, "-X", "faulthandler", "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider"]
    command += ["--rootdir", str(Path(targets[0]).parents[2])]
    command += ["-p", Path(__file__).stem, "--tb=short", "--disable-warnings", *extra, *targets]
    with folder.joinpath("output").open("w") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=env
        )


def outcomes(folder):
    """Return {test id: worst outcome} and the test that had begun but not ended, if any."""
    worst = {}
    running = None
    for line in folder.joinpath("results").read_text().splitlines():
        outcome, _, test = line.partition(" ")
        if outcome == "begins":
            running = test
        elif outcome == "ends":
            running = None
        elif worst.get(test) != "failed":
            worst[test] = outcome
    return worst, running


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--selection", action="store_true", help="a few minutes instead of all")
    parser.add_argument("--folder", type=Path, default=Path("numpy_suite_results"), help="where results are written")
    parser.add_argument("--one-by-one", action="store_true", help="run plain first, then installed, not side by side")
    parser.add_argument("arguments", nargs="*", help="further arguments of pytest, after --")
    options = parser.parse_args()

    import numpy as np

    package = Path(np.__file__).parent
    targets = [package / name for name in (SELECTION if options.selection else FOLDERS)]
    targets = [str(target) for target in targets if target.exists()]
    extra = [*(["-k", NOT_SELECTED] if options.selection else []), *options.arguments]
    folders = {"plain": options.folder.resolve() / "plain", "installed": options.folder.resolve() / "installed"}
    environments = {"plain": {}, "installed": INSTALLED}

    begun = time.monotonic()
    running = {}
    for name, folder in folders.items():
        running[name] = start(folder, targets, extra, environments[name])
        if options.one_by_one:
            running[name].wait()
    codes = {name: process.wait() for name, process in running.items()}

    print(f"NumPy {np.__version__}, {time.monotonic() - begun:.0f} s")
    bad = 0
    found = {}
    for name, folder in folders.items():
        found[name], unfinished = outcomes(folder)
        count = {kind: sum(o == kind for o in found[name].values()) for kind in ("passed", "failed", "skipped")}
        print(f"{name:>10}: {count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
        # 0 and 1: ran to the end, without and with failures
        if codes[name] not in (0, 1) or not found[name] or unfinished:
            print(f"{name:>10}: pytest ended with {codes[name]}, in {unfinished}; see {folder / 'output'}")
            print("\n".join(folder.joinpath("output").read_text(errors="replace").splitlines()[-40:]))
            bad = 1
    plain, installed = found["plain"], found["installed"]
    for test, outcome in installed.items():
        if outcome == "failed" and plain.get(test) != "failed" and not any(name in test for name in EXPECTED):
            print(f"fails only when installed: {test}")
            bad = 1
    for test in plain.keys() - installed.keys():
        print(f"not run when installed: {test}")
        bad = 1
    if bad:
        print(f"what pytest printed: {folders['installed'] / 'output'}")
    return bad


# --- the plugin -----------------------------------------------------------------------------------------------------


def _write(line):
    with open(os.environ["ALLCORES_SUITE_RESULTS"], "a", encoding="utf-8") as results:  # noqa: PTH123  kept short
        results.write(line + "\n")


def pytest_configure(config):
    for line in ("slow: slow", "leaks_references: leaks", "parametrize_array: parameters"):
        config.addinivalue_line("markers", line)
    if os.environ.get("ALLCORES_SUITE_INSTALL"):
        import allcores

        allcores.install()


def pytest_runtest_logstart(nodeid, location):
    _write(f"begins {nodeid}")


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        _write(f"{report.outcome} {report.nodeid}")


def pytest_runtest_logfinish(nodeid, location):
    _write(f"ends {nodeid}")


def pytest_sessionfinish(session, exitstatus):
    if os.environ.get("ALLCORES_SUITE_INSTALL"):
        import allcores

        # Without parallel calls the run would prove nothing.
        print(f"\nparallel calls: {allcores.info()['regions']}")


if __name__ == "__main__":
    sys.exit(main())
