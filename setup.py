"""The compiled parts of allcores; everything else about the package is in pyproject.toml.

`ext/simd` is compiled once per instruction-set level, each level into a static library of its own: the level's
`-march` flag reaches no other file. Every `ext/allcores/NAME.pyx` becomes the extension module `allcores.NAME`.

ALLCORES_OPENMP=0 builds without OpenMP, ALLCORES_OPENMP=1 fails where there is none; unset, it is used if found.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
from glob import glob
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext

# Processor -> levels, worst first: (name, flags of GCC and Clang, flags of MSVC).
LEVELS = {
    "x86_64": [
        ("base", [], []),
        ("v3", ["-march=x86-64-v3"], ["/arch:AVX2"]),
        ("v4", ["-march=x86-64-v4", "-mprefer-vector-width=512"], ["/arch:AVX512"]),
    ],
    "aarch64": [("base", [], []), ("neon", [], [])],
    "other": [("base", [], [])],
}
PROCESSORS = {"amd64": "x86_64", "arm64": "aarch64"}

# No fused multiply-add that the source does not write (results would differ between levels), and no errno (it keeps
# sqrt and rint from being vectorised). -ffast-math never: NaN, signed zeros and flags must be NumPy's, and linking
# with it makes the whole process flush denormals.
# -g0 because CPython's own flags have -g, which makes wheels twice as large.
FLAGS = {
    "unix": ["-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fvisibility=hidden"],
    "msvc": ["/O2", "/fp:precise", "/std:c11"],
}
# An archive of link-time-optimisation objects needs a plugin of ar; the levels gain nothing from it.
LEVEL_FLAGS = {"unix": ["-fno-lto"], "msvc": []}
# ext/simd/mathematics.h keeps account of floating-point flags itself; told so, compilers vectorise selections.
# And GCC, asked not to, makes no two branches of what follows two selections by one condition.
MATH_FLAGS = {"unix": ["-fno-trapping-math", "-fno-thread-jumps"], "msvc": []}

MACROS = [
    ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
    ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
]
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
}

LINUX_ONLY = {"_shared"}

HAS_OPENMP = """
#include <omp.h>
#ifndef _OPENMP
#error "omp.h is there, but OpenMP is off"
#endif
int main(void)
{
    int threads = 0;
    #pragma omp parallel num_threads(2) reduction(+:threads)
    threads += 1;
    return threads == 1 || threads == 2 ? 0 : 1;
}
"""
# OpenMP 5.0; what lets a forked child use threads again. It is not called here: that it links is enough.
HAS_OMP_PAUSE = """
#include <omp.h>
int main(int argc, char **argv)
{
    (void)argv;
    return argc > 100 ? omp_pause_resource_all(omp_pause_hard) : 0;
}
"""


def processor():
    """Return the key of LEVELS for the processor that is built for."""
    target = os.environ.get("ARCHFLAGS") or sysconfig.get_platform()
    if "universal2" in target or target.count("-arch") > 1:
        return "other"  # one object file for two processors: no flag fits both
    name = target.replace(" ", "-").rpartition("-")[2].lower()
    name = PROCESSORS.get(name, name)
    return name if name in LEVELS and sys.maxsize > 2**32 else "other"


def dialect(compiler):
    return "msvc" if compiler.compiler_type == "msvc" else "unix"


def openmp_candidates(compiler):
    """Yield (compile flags, link flags), the likeliest first."""
    if dialect(compiler) == "msvc":
        yield ["/openmp:llvm"], []  # the newer runtime: unsigned loop variables, OpenMP 3
        yield ["/openmp"], []
        return
    yield ["-fopenmp"], ["-fopenmp"]
    if sys.platform == "darwin":  # Apple's clang has the pragmas but ships no runtime; Homebrew does
        for prefix in (os.environ.get("HOMEBREW_PREFIX"), "/opt/homebrew", "/usr/local"):
            lib = Path(prefix or "/nonexistent", "opt", "libomp")
            if lib.is_dir():
                yield (
                    ["-Xpreprocessor", "-fopenmp", f"-I{lib}/include"],
                    [f"-L{lib}/lib", f"-Wl,-rpath,{lib}/lib", "-lomp"],
                )


def runs(compiler, program, compile_flags, link_flags):
    """Whether `program` compiles, links, and exits with 0."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text(program)
        try:
            objects = compiler.compile([str(source)], output_dir=folder, extra_postargs=compile_flags)
            compiler.link_executable(objects, "probe", output_dir=folder, extra_postargs=link_flags)
            executable = Path(folder, compiler.executable_filename("probe"))
            return subprocess.run([executable], timeout=60, check=False).returncode == 0
        except Exception:  # noqa: BLE001  every compiler class raises its own kind, and each means "no"
            return False


def remember(path, text):
    """Write `text` to `path` if it differs, so that what depends on `path` is rebuilt when flags change."""
    path = Path(path)
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(path)


class BuildLevels(build_clib):
    """Adds the flags, which are known once the compiler is."""

    def build_libraries(self, libraries):
        kind = dialect(self.compiler)
        common = FLAGS[kind] + LEVEL_FLAGS[kind]
        stamp = remember(Path(self.build_temp, "levels.flags"), repr((common, libraries)))
        for _, info in libraries:
            info["cflags"] = common + info[f"{kind}_flags"]
            info["obj_deps"] = {"": [*info["headers"], stamp]}
        super().build_libraries(libraries)


class BuildExtensions(build_ext):
    """Builds the levels first (`build_ext` alone would not), and finds OpenMP."""

    def run(self):
        self.run_command("build_clib")
        super().run()

    def build_extensions(self):
        compile_flags, link_flags, macros = self.openmp()
        common = FLAGS[dialect(self.compiler)] + compile_flags
        stamp = remember(Path(self.build_temp, "extensions.flags"), repr((common, link_flags, macros, MACROS)))
        # What an extension may include or link: without it a changed header would rebuild the level's library, and
        # the extension would keep the old one.
        depends = [stamp, *glob("ext/simd/*"), *glob("ext/**/*.h", recursive=True), *glob("src/allcores/include/*")]
        for extension in self.extensions:
            extension.extra_compile_args += common
            extension.extra_link_args += link_flags
            extension.define_macros += macros
            extension.depends += depends
        super().build_extensions()

    def openmp(self):
        """Return compile flags, link flags and macros."""
        wish = os.environ.get("ALLCORES_OPENMP", "")
        if wish not in ("", "0", "1"):
            raise SystemExit(f"ALLCORES_OPENMP must be 0, 1 or unset, got {wish!r}")
        if wish == "0":
            self.warn("ALLCORES_OPENMP=0: building WITHOUT OpenMP, every function will run on one core")
            return [], [], []
        for compile_flags, link_flags in openmp_candidates(self.compiler):
            if runs(self.compiler, HAS_OPENMP, compile_flags, link_flags):
                macros = [("ALLCORES_HAVE_OPENMP", "1")]
                if runs(self.compiler, HAS_OMP_PAUSE, compile_flags, link_flags):
                    macros.append(("ALLCORES_HAVE_OMP_PAUSE", "1"))
                return compile_flags, link_flags, macros
        if wish == "1":
            raise SystemExit("ALLCORES_OPENMP=1, but no program that uses OpenMP could be compiled, linked and run")
        self.warn(
            "no program that uses OpenMP could be compiled, linked and run: building WITHOUT OpenMP, every function "
            "will run on one core (on macOS: brew install libomp)"
        )
        return [], [], []


def libraries():
    """Return what `setup(libraries=...)` takes: select.c first, as it refers to the tables of all levels."""
    headers = sorted(glob("ext/simd/*.h"))
    levels = LEVELS[processor()]

    def library(source, unix_flags, msvc_flags, macros):
        return {
            "sources": [f"ext/simd/{source}.c"],
            "headers": headers,
            "include_dirs": ["ext/simd"],
            "macros": macros,
            "unix_flags": unix_flags,
            "msvc_flags": msvc_flags,
        }

    have = [(f"AC_HAVE_{name.upper()}", "1") for name, _, _ in levels]
    return [
        ("allcores_select", library("select", [], [], have)),
        *((f"allcores_isa_{name}", library(f"isa_{name}", unix, msvc, [])) for name, unix, msvc in levels),
        *(
            (
                f"allcores_math_{name}",
                library(f"math_{name}", unix + MATH_FLAGS["unix"], msvc + MATH_FLAGS["msvc"], []),
            )
            for name, unix, msvc in levels
        ),
    ]


def extensions():
    """Return one extension a .pyx."""
    return cythonize(
        [
            Extension(
                f"allcores.{Path(source).stem}",
                [source],
                include_dirs=[numpy.get_include(), "ext", "ext/simd", "ext/allcores", "src/allcores/include"],
                define_macros=list(MACROS),
            )
            for source in sorted(glob("ext/allcores/*.pyx"))
            if sys.platform == "linux" or Path(source).stem not in LINUX_ONLY
        ],
        include_path=["ext", "src"],  # src has _api.pxd, which is installed
        compiler_directives=DIRECTIVES,
    )


setup(
    ext_modules=extensions(),
    libraries=libraries(),
    cmdclass={"build_clib": BuildLevels, "build_ext": BuildExtensions},
)
