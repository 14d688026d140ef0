"""How many threads: limit(), environment variables, affinity, control groups."""

import math
import os
import sys

import numpy as np
import pytest
from support import run_script

import allcores as ac
from allcores import _driver, _ufuncs
from allcores.limits import parallel_from_environment, threads_from_environment
from allcores.plan.machine import affinity_cores, quota_cores, usable_cores

# --- limit ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [0, -1, True, False])
def test_limit_must_be_positive(threads):
    with pytest.raises(ValueError, match=f"^threads must be a positive integer, got {threads}$"):
        ac.limit(threads=threads)


@pytest.mark.parametrize("threads", [1.5, "2", [2], np.float64(2)])
def test_limit_must_be_an_integer(threads):
    with pytest.raises(TypeError) as caught:
        ac.limit(threads=threads)
    assert str(caught.value) == f"threads must be a positive integer, got {threads!r}"


def test_limit_takes_keywords_only():
    with pytest.raises(TypeError):
        ac.limit(2)
    with pytest.raises(TypeError, match=r"^limit\(\) needs one of threads, blas and recycle_bytes$"):
        ac.limit()


def test_limits_nest_and_end(with_openmp):
    before = ac.info()["threads"]
    with ac.limit(threads=5):
        assert ac.info()["threads"] == 5
        with ac.limit(threads=np.int8(1)):
            assert ac.info()["threads"] == 1
        with pytest.raises(LookupError), ac.limit(threads=9):
            raise LookupError
        assert ac.info()["threads"] == 5
    assert ac.info()["threads"] == before
    again = ac.limit(threads=2)
    for _ in range(2):
        with again, again:
            assert ac.info()["threads"] == 2
    assert ac.info()["threads"] == before
    with ac.limit(threads=2**70):
        assert ac.info()["threads"] >= 2**20


def test_a_limit_of_one_starts_no_region(force):
    with force(4):
        before = _driver.settings()["regions"]
        with ac.limit(threads=1):
            ac.exp(np.ones(100_000))
        assert _driver.settings()["regions"] == before


def test_a_limit_is_kept(force, with_openmp):
    for threads in (2, 3, 5, 8):
        with force(8), ac.limit(threads=threads):
            ac.add(np.ones(10_000), 1)
            granted, _, ran = _driver.last_region_of_this_thread()
            assert granted == threads
            assert ran == threads


def test_small_calls_stay_on_one_thread(force):
    with force(4, parallel_from=-1):
        before = _driver.settings()["regions"]
        for n in (1, 2, 10, 100, 1000):
            ac.add(np.ones(n), 1.0)
        assert _driver.settings()["regions"] == before
        assert _ufuncs.from_size(ac.add) > _ufuncs.from_size(ac.sin) >= 64


# --- environment ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "threads"),
    [
        ({}, 6),
        ({"ALLCORES_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"ALLCORES_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, 3),
        ({"ALLCORES_NUM_THREADS": " 5 "}, 5),
        ({"ALLCORES_NUM_THREADS": ""}, 6),
        ({"ALLCORES_NUM_THREADS": "12"}, 12),
    ],
)
def test_threads_from_environment(environ, threads):
    assert threads_from_environment(environ, 6) == threads


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "1 2"])
@pytest.mark.parametrize("name", ["ALLCORES_NUM_THREADS", "OMP_NUM_THREADS"])
def test_a_bad_number_of_threads_warns_and_is_ignored(name, text):
    with pytest.warns(RuntimeWarning) as caught:
        assert threads_from_environment({name: text}, 6) == 6
    assert str(caught[0].message) == f"{name} must be a positive integer, got {text!r}; it is ignored"


def test_a_bad_number_gives_way_to_the_next():
    with pytest.warns(RuntimeWarning, match="ALLCORES_NUM_THREADS"):
        assert threads_from_environment({"ALLCORES_NUM_THREADS": "x", "OMP_NUM_THREADS": "2"}, 6) == 2


def test_parallel_from_environment():
    assert parallel_from_environment({}) == -1
    assert parallel_from_environment({"ALLCORES_PARALLEL_FROM": "17"}) == 17
    with pytest.warns(
        RuntimeWarning, match="ALLCORES_PARALLEL_FROM must be a positive integer, got 'x'; it is ignored"
    ):
        assert parallel_from_environment({"ALLCORES_PARALLEL_FROM": "x"}) == -1


SHOW = "import allcores as ac; i = ac.info(); print(i['threads'], i['parallel_from'], i['isa'])"


def test_environment_of_a_process(with_openmp):
    done = run_script(SHOW, ALLCORES_NUM_THREADS="3", ALLCORES_PARALLEL_FROM="17", ALLCORES_ISA="base")
    assert done.stdout == "3 17 base\n"


def test_bad_number_of_threads_in_a_process():
    done = run_script(SHOW, ALLCORES_NUM_THREADS="many", OMP_NUM_THREADS=None)
    assert "RuntimeWarning: ALLCORES_NUM_THREADS must be a positive integer, got 'many'; it is ignored" in done.stderr


def test_unknown_isa():
    done = run_script(SHOW, check=False, ALLCORES_ISA="sse9")
    assert done.returncode == 1
    levels = ", ".join(ac.info()["isa_compiled"])
    assert f"ValueError: ALLCORES_ISA=sse9 is no instruction-set level; this build has: {levels}" in done.stderr


def test_isa_that_is_not_in_the_build():
    missing = "neon" if "neon" not in ac.info()["isa_compiled"] else "v4"
    done = run_script(SHOW, check=False, ALLCORES_ISA=missing)
    assert done.returncode == 1
    assert f"ValueError: ALLCORES_ISA={missing} is not in this build, which has: " in done.stderr


def test_every_level_of_the_build_runs_or_is_not_on_this_cpu():
    for level in ac.info()["isa_compiled"]:
        done = run_script(SHOW, check=False, ALLCORES_ISA=level)
        if done.returncode:
            assert f"ValueError: ALLCORES_ISA={level} is not what this CPU has" in done.stderr
        else:
            assert done.stdout.split()[-1] == level


# --- affinity and control groups ------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_affinity():
    assert affinity_cores() == len(os.sched_getaffinity(0))
    done = run_script(
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n" + SHOW.replace("threads", "cores"),
        ALLCORES_NUM_THREADS=None,
        OMP_NUM_THREADS=None,
    )
    assert done.stdout.split()[0] == "1"


def tree(tmp_path, own, files):
    root = tmp_path / "cgroup"
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "own").write_text(own)
    return tmp_path / "own", root


GROUPS = {
    "none": ("0::/\n", {}, math.inf),
    "v2_max": ("0::/a\n", {"a/cpu.max": "max 100000\n"}, math.inf),
    "v2": ("0::/a\n", {"a/cpu.max": "150000 100000\n"}, 1.5),
    "v2_root": ("0::/\n", {"cpu.max": "300000 100000"}, 3),
    "v2_parent": ("0::/a/b\n", {"a/cpu.max": "200000 100000\n", "a/b/cpu.max": "max 100000\n"}, 2),
    "v2_parent_looser": ("0::/a/b\n", {"a/cpu.max": "800000 100000\n", "a/b/cpu.max": "50000 100000\n"}, 0.5),
    "v2_sibling": ("0::/a/b\n", {"a/c/cpu.max": "100000 100000\n"}, math.inf),
    "v2_short_period": ("0::/a\n", {"a/cpu.max": "5000 1000\n"}, 5),
    "v2_garbage": ("0::/a\n", {"a/cpu.max": "lots\n"}, math.inf),
    "v2_empty": ("0::/a\n", {"a/cpu.max": ""}, math.inf),
    "v2_not_mounted": ("0::/host/path/a\n", {"cpu.max": "100000 100000\n"}, 1),
    "v2_outside": ("0::/../other\n", {"cpu.max": "100000 100000\n"}, 1),
    "v1": ("4:cpu,cpuacct:/j\n", {"cpu,cpuacct/j/cpu.cfs_quota_us": "250000",
                                  "cpu,cpuacct/j/cpu.cfs_period_us": "100000"}, 2.5),
    "v1_cpu_link": ("4:cpu,cpuacct:/j\n", {"cpu/j/cpu.cfs_quota_us": "250000", "cpu/j/cpu.cfs_period_us": "50000"}, 5),
    "v1_none": ("4:cpu:/j\n", {"cpu/j/cpu.cfs_quota_us": "-1", "cpu/j/cpu.cfs_period_us": "100000"}, math.inf),
    "v1_parent": ("4:cpu:/j/k\n", {"cpu/j/cpu.cfs_quota_us": "100000", "cpu/j/cpu.cfs_period_us": "100000",
                                   "cpu/j/k/cpu.cfs_quota_us": "-1"}, 1),
    "v1_other_controller": ("5:memory:/j\n", {"memory/j/cpu.cfs_quota_us": "100000"}, math.inf),
    "hybrid": ("0::/s\n4:cpu:/j\n", {"s/cpu.max": "max 100000", "cpu/j/cpu.cfs_quota_us": "300000"}, 3),
    "colons_in_path": ("0::/a:b:c\n", {"a:b:c/cpu.max": "100000 100000"}, 1),
    "broken_list": ("nonsense\n\n0::/a\n", {"a/cpu.max": "100000 100000"}, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_quota_of_control_groups(name, tmp_path):
    own, files, cores = GROUPS[name]
    assert quota_cores(*tree(tmp_path, own, files)) == cores


def test_no_control_groups_at_all(tmp_path):
    assert quota_cores(tmp_path / "nothing", tmp_path / "nowhere") == math.inf


def test_unreadable_quota(tmp_path):
    own, root = tree(tmp_path, "0::/a\n", {"a/cpu.max": "100000 100000"})
    (root / "a" / "cpu.max").write_bytes(b"\xff\xfe")
    assert quota_cores(own, root) == math.inf
    (root / "a" / "cpu.max").unlink()
    (root / "a" / "cpu.max").mkdir()
    assert quota_cores(own, root) == math.inf


def test_usable_cores():
    assert 1 <= usable_cores() <= affinity_cores()


# --- info -----------------------------------------------------------------------------------------------------------


def test_info():
    found = ac.info(kernels=True)
    assert found["numpy"] == np.__version__
    assert found["allcores"] == ac.__version__
    assert found["python"] == sys.version.split()[0].rstrip("+")
    assert found["cores"] >= 1
    assert found["threads"] >= 1
    assert found["isa"] in found["isa_compiled"]
    assert found["installed"] is False
    assert found["serial_child"] is False
    for name, types in found["kernels"]:
        assert types in getattr(np, name).types
    assert "kernels" not in ac.info()
