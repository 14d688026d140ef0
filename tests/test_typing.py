"""The stub names what the package exports, and nothing else."""

import ast
from pathlib import Path

import numpy as np

import allcores as ac

STUB = Path(ac.__file__).with_suffix(".pyi")


def stub_names():
    names = set()
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.asname}
    return {name for name in names if not name.startswith("_")}


def test_every_public_name_has_a_type():
    assert set(ac.__all__) - stub_names() == set()


def test_no_type_without_a_public_name():
    # NumPy's newer versions have more ufuncs than its older ones.
    assert {name for name in stub_names() - set(ac.__all__) if hasattr(np, name)} <= {"linalg"}  # a module


def test_every_compiled_module_has_a_stub():
    compiled = [path for pattern in ("*.so", "*.pyd") for path in STUB.parent.glob(pattern)]
    assert compiled
    assert [path.name for path in compiled if not Path(STUB.parent, path.name.split(".")[0] + ".pyi").exists()] == []


def test_the_marker_is_there():
    assert STUB.with_name("py.typed").exists()
