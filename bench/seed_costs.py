"""Measure the costs that allcores ships with: src/allcores/plan/seed_costs_v3.json and seed_costs_v4.json.

Run on a quiet machine with AVX-512. Each figure is the median of three measurements of `allcores.measuring`; "v3" holds
NumPy and allcores to AVX2.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

TARGET = Path(__file__).resolve().parents[1] / "src" / "allcores" / "plan"
LEVELS = {
    "v4": {},
    "v3": {"ALLCORES_ISA": "v3", "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"},
}
MEASURE = """
import json, warnings
warnings.simplefilter("ignore")
from allcores.measuring import measure
print(json.dumps([measure().kernels for _ in range(3)]))
"""


def main():
    for level, environment in LEVELS.items():
        printed = subprocess.run(
            [sys.executable, "-c", MEASURE], env=os.environ | environment, stdout=subprocess.PIPE, check=True
        ).stdout
        runs = json.loads(printed)
        lines = []
        for name, costs in sorted(runs[0].items()):
            figures = {line: float(f"{median(run[name][line] for run in runs):.2g}") for line in costs}
            lines.append(f"{json.dumps(name)}: {json.dumps(figures)}")
        path = TARGET / f"seed_costs_{level}.json"
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        print(f"{path}: {len(lines)} functions")


if __name__ == "__main__":
    main()
