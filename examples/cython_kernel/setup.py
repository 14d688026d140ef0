"""Builds the extension module `horner`.

OPENMP_FLAGS are the compiler's flags for the prange in it; empty, it is compiled without OpenMP. What runs through
parallel_for needs none.
"""

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

import allcores

flags = os.environ.get("OPENMP_FLAGS", "/openmp:llvm" if sys.platform == "win32" else "-fopenmp").split()

horner = Extension(
    "horner",
    ["horner.pyx"],
    include_dirs=[allcores.get_include()],
    extra_compile_args=flags,
    extra_link_args=[] if sys.platform == "win32" else flags,
)
setup(ext_modules=cythonize([horner]))
