"""The house: which module imports which, what generated or foreign thing is kept out, how long files are."""

import ast
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import allcores as ac

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "allcores"
EXT = ROOT / "ext"

pytestmark = pytest.mark.skipif(not PACKAGE.is_dir() or not EXT.is_dir(), reason="needs a checkout")

COMPILED = {path.stem for path in EXT.glob("allcores/*.pyx")}

# Layer -> what it may import of ours. A compiled module is "compiled".
ARROWS = {
    "__init__": None,  # gathers names from everywhere
    "__main__": None,
    "_version": set(),
    "functions": {"functions", "kernels", "limits", "plan", "compiled"},
    "install": {"functions", "limits", "plan", "compiled"},
    "information": {"_version", "calibration", "install", "limits", "plan", "compiled"},
    "limits": {"plan", "compiled"},
    "kernels": set(),
    "plan": {"plan"},
    "pool": {"pool", "plan", "shared", "compiled"},
    "calls": {"calls", "pool", "plan", "limits", "shared"},
    "aio": {"calls"},
    "samples": {"kernels"},
    "measuring": {"kernels", "limits", "plan", "samples", "compiled"},
    "calibration": {"_version", "kernels", "measuring", "plan", "samples", "compiled"},
    "engines": {"engines", "calibration", "calls", "limits", "plan", "pool", "shared", "compiled"},
    "explaining": {"calibration", "install", "kernels", "limits", "calls", "plan", "shared", "compiled"},
    "shared": {"plan", "shared", "compiled"},
    "benchmark": None,  # uses the package as its users do
}


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def cython_sources():
    """Yield those of ext, and what is installed for other projects."""
    found = [*sorted(EXT.rglob("*")), *sorted(PACKAGE.rglob("*.pxd"))]
    return [path for path in found if path.suffix in {".pyx", ".pxd", ".pxi"}]


def layer(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """Yield (line, name) of each module of ours that a source imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "allcores" and name != "allcores":
                yield node.lineno, name.split(".")[1]


def test_imports_point_one_way():
    wrong = []
    for path in sources():
        assert layer(path) in ARROWS, f"{path.relative_to(ROOT)}: say in ARROWS what it may import"
        allowed = ARROWS[layer(path)]
        if allowed is None:
            continue
        for line, name in imported(path):
            target = "compiled" if name in COMPILED else name
            if target not in allowed:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not wrong


def test_plan_imports_nothing_else_of_ours():
    for path in (PACKAGE / "plan").glob("*.py"):
        assert all(name == "plan" for _, name in imported(path)), path


def test_compiled_modules_import_no_python_of_ours():
    wrong = []
    for path in cython_sources():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            statement = re.match(r"\s*(?:from|import)\s+allcores(?:\.(\w+))?", line)
            # cimports are of compiled modules: Cython would fail otherwise
            if statement and " cimport " not in line and statement.group(1) not in COMPILED:
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not wrong


def test_inner_loops_know_no_python():
    for path in (EXT / "simd").iterdir():
        text = path.read_text()
        assert "Python.h" not in text, path
        assert "numpy/" not in text or not re.search(r'#\s*include\s*[<"]numpy/', text), path


def test_one_file_names_openmp():
    """But allcores.h, which is for the OpenMP of other projects."""
    for path in [*cython_sources(), *EXT.rglob("*.h"), *(EXT / "simd").glob("*.c")]:
        if path.name != "openmp.pxd":
            assert "omp.h" not in path.read_text(), path


def test_files_are_short():
    names = [*sources(), *cython_sources(), *EXT.rglob("*.h"), *PACKAGE.rglob("*.h"), *(EXT / "simd").glob("*.c"),
             *(ROOT / "tests").glob("*.py"), ROOT / "setup.py"]  # fmt: skip
    names = [path for path in names if not path.name.endswith("_coefficients.h")]  # generated
    long = {str(path.relative_to(ROOT)): n for path in names if (n := len(path.read_text().splitlines())) > 600}
    assert not long


def test_texts_are_merged():
    texts = [*sources(), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "bench").glob("*.md")]
    marks = ("<" * 7 + " ", ">" * 7 + " ")
    assert not [path.name for path in texts if any(line.startswith(marks) for line in path.read_text().splitlines())]


def test_nothing_public_is_missing_from_all():
    import types

    public = {
        name for name, value in vars(ac).items() if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public | set(ac._HOMES) == set(ac.__all__)
    assert len(ac.__all__) == len(set(ac.__all__))
    assert set(ac.__all__) <= set(dir(ac))


def test_what_has_numpys_name_is_numpys_kind():
    for name in ac.__all__:
        numpys = getattr(np, name, None)
        if isinstance(numpys, np.ufunc):
            assert isinstance(getattr(ac, name), np.ufunc)


def test_everything_public_has_a_docstring():
    for name in ac.__all__:
        assert (getattr(ac, name).__doc__ or "").strip(), name


def test_the_sdist_has_all_that_a_build_needs():
    """MANIFEST.in names every source file; what a build writes is left out."""
    manifest = (ROOT / "MANIFEST.in").read_text()
    grafted = re.findall(r"^graft (\S+)", manifest, re.MULTILINE)
    included = re.findall(r"^include (.+)$", manifest, re.MULTILINE)
    patterns = [pattern for line in included for pattern in line.split()]
    needed = [
        *(path for path in cython_sources() if EXT in path.parents),
        *EXT.rglob("*.h"),
        *(EXT / "simd").glob("*.c"),
        *(ROOT / "tests").glob("*.py"),
    ]
    for path in needed:
        assert path.relative_to(ROOT).parts[0] in grafted, path
    assert "exclude ext/allcores/*.c" in manifest
    assert "recursive-include src/allcores *.pyi *.pxd *.h" in manifest
    for name in ("LICENSE", "README.md"):
        assert name in patterns
        assert (ROOT / name).exists()


MODULES = [name for _, name, _ in pkgutil.walk_packages(ac.__path__, "allcores.") if not name.endswith("__main__")]


@pytest.mark.parametrize("module", ["allcores", *MODULES])
def test_examples_in_docstrings(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if module.endswith("numba_loops"):
        pytest.importorskip("numba")
    found = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    ac.shutdown()
    assert found.failed == 0


def test_import_is_light():
    """Importing takes in nothing but NumPy and the standard library."""
    script = (
        "import sys, allcores; print([m for m in ('scipy', 'sklearn', 'threadpoolctl', 'pandas', 'cloudpickle', "
        "'allcores.pool', 'allcores.calls') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
