"""The command line: what each command prints, and how wrong arguments end."""

import json
import subprocess
import sys

import numpy as np
import pytest


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "allcores", *arguments], capture_output=True, text=True, check=False, timeout=300
    )


def test_info():
    found = run("info")
    assert found.returncode == 0, found.stderr
    lines = dict(line.split(None, 1) for line in found.stdout.splitlines())
    assert lines["numpy"] == np.__version__
    assert lines["installed"] == "no"
    assert "kept 0" in lines["recycled"]
    assert not found.stderr


def test_info_kernels():
    found = run("info", "--kernels")
    assert found.returncode == 0, found.stderr
    assert "mathematics of ours" in found.stdout


def test_info_for_programs():
    found = json.loads(run("info", "--json").stdout)
    assert found["numpy"] == np.__version__
    assert isinstance(found["libraries"], list)


def test_bench(tmp_path):
    path = tmp_path / "figures.json"
    found = run("bench", "--size", "1000", "--rounds", "1", "--functions", "add,sum", "--json", str(path))
    assert found.returncode == 0, found.stderr
    assert "geometric mean" in found.stdout
    assert json.loads(path.read_text())


@pytest.mark.parametrize(
    "arguments",
    [(), ("nothing",), ("info", "--jsn"), ("bench", "--size", "0"), ("bench", "--size", "many"),
     ("bench", "--functions", "nothing"), ("bench", "--threads", "-1"), ("calibrate", "now")],
)  # fmt: skip
def test_wrong_arguments(arguments):
    found = run(*arguments)
    assert found.returncode == 2
    assert found.stdout == ""
    assert "Traceback" not in found.stderr
    assert found.stderr.startswith("python -m allcores")
