"""Memory bandwidth: ac.add(b, c, out=a) beyond the last-level cache against bare OpenMP loops in C, in GB/s.

The C loops are a[i] = b[i] + c[i], the same work as ours, and STREAM's triad a[i] = b[i] + s * c[i], which moves the
same bytes; NumPy's operations make no triad in one pass, so the add is what is compared. GB/s counts 24 bytes an
element: two reads and a write. A store that does not go past the caches moves 32, as the line is read before.
"""

import argparse
import ctypes
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from timing import machine, medians

import allcores as ac

SOURCE = """
#include <stddef.h>
void add(double *restrict a, const double *restrict b, const double *restrict c, double s, ptrdiff_t n, int threads)
{
    (void)s;
    #pragma omp parallel for num_threads(threads) schedule(static)
    for (ptrdiff_t i = 0; i < n; i++) a[i] = b[i] + c[i];
}
void triad(double *restrict a, const double *restrict b, const double *restrict c, double s, ptrdiff_t n, int threads)
{
    #pragma omp parallel for num_threads(threads) schedule(static)
    for (ptrdiff_t i = 0; i < n; i++) a[i] = b[i] + s * c[i];
}
"""
FLAGS = ["-O3", "-fopenmp", "-march=native", "-shared", "-fPIC"]


def last_level_cache() -> int:
    """Bytes; 32 MiB where the system does not tell."""
    sizes = [32 << 20]
    for file in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = file.read_text().strip()
        sizes.append(int(text[:-1]) << {"K": 10, "M": 20}[text[-1]])
    return max(sizes)


def compiled(folder: str) -> ctypes.CDLL:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        sys.exit("triad.py needs a C compiler (cc, gcc or clang)")
    source, library = Path(folder, "triad.c"), Path(folder, "triad.so")
    source.write_text(SOURCE)
    subprocess.run([compiler, *FLAGS, "-o", library, source], check=True)
    return ctypes.CDLL(str(library))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bytes", type=float, help="of one array (default: the last-level cache)")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    size = int(options.bytes or last_level_cache()) // 8
    a, b, c = (np.full(size, value) for value in (0.0, 1.0, 2.0))
    threads = ac.info()["threads"]
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(folder)

        def loop(name):
            function = getattr(library, name)
            function.restype = None
            pointers = [ctypes.c_void_p(array.ctypes.data) for array in (a, b, c)]
            rest = ctypes.c_double(3.0), ctypes.c_ssize_t(size), ctypes.c_int(threads)
            return lambda: function(*pointers, *rest)

        calls = {
            "C add": loop("add"),
            "C triad": loop("triad"),
            "np.add(b, c, out=a)": lambda: np.add(b, c, out=a),
            "ac": lambda: ac.add(b, c, out=a),
        }
        seconds = medians(calls, options.rounds)
    print(machine())
    print(f"3 arrays of {size * 8 / 1e6:,.0f} MB; C: cc {' '.join(FLAGS)}")
    rates = {name: 24 * size / value / 1e9 for name, value in seconds.items()}
    for name, rate in rates.items():
        print(f"{'ac.add(b, c, out=a)' if name == 'ac' else name:<22} {rate:7.1f} GB/s")
    for name in ("C add", "C triad", "np.add(b, c, out=a)"):
        print(f"ac.add / {name:<20} {rates['ac'] / rates[name]:5.2f}")


if __name__ == "__main__":
    main()
