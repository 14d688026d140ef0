"""Writes the headers; `python -m coefficients --check` says whether they are what would be written."""

import importlib
import pkgutil
import sys
from pathlib import Path

import coefficients

FOLDER = Path(__file__).resolve().parent.parent / "simd"
HEAD = "/* Written by ext/coefficients; not by hand. */\n"


def text(family):
    """Return a family's header."""
    guard = f"ALLCORES_MATH_{family.upper()}_COEFFICIENTS_H"
    lines = importlib.import_module(f"coefficients.{family}").lines()
    return "\n".join([HEAD + f"#ifndef {guard}", f"#define {guard}", "", *lines, "", "#endif", ""])


def main():
    """Write the headers, or return how many differ."""
    families = sorted(m.name for m in pkgutil.iter_modules(coefficients.__path__) if m.name not in ("__main__", "fit"))
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")] or families
    differ = 0
    for family in wanted:
        path = FOLDER / f"math_{family}_coefficients.h"
        made = text(family)
        if "--check" in sys.argv:
            same = path.exists() and path.read_text() == made
            print(f"{path.name}: {'as generated' if same else 'DIFFERS'}")
            differ += not same
        else:
            path.write_text(made)
            print(path)
    return differ


if __name__ == "__main__":
    sys.exit(main())
