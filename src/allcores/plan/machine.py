"""What this machine leaves to this process: cores and memory, from affinity and from every control group above it.

Called by allcores.limits once, at import; reads files, imports nothing of ours.
"""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_MEMINFO = Path("/proc/meminfo")
_CPUINFO = Path("/proc/cpuinfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_MOST_SHARED = 4 * 2**20  # bytes of a last-level cache that a core is counted for; virtual machines show the host's


def affinity_cores() -> int:
    """Return how many cores the scheduler may put this process on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """Return the processor's name as well as the system tells it."""
    try:
        with _CPUINFO.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.lower().startswith("model name"):
                    return " ".join(line.partition(":")[2].split())
    except OSError:
        pass  # no Linux
    return platform.processor() or platform.machine()


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""  # no such controller, or not ours to read: it sets no limit that we can know


def _quota_of(folder: Path) -> float:
    """Return the cores that one control group's quota amounts to, infinity without one."""
    limit, _, period = _read(folder / "cpu.max").partition(" ")  # version 2: "max 100000" or "150000 100000"
    if not limit:
        limit, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")  # version 1
    try:
        quota, length = float(limit), float(period or 100000)
    except ValueError:
        return math.inf
    return quota / length if quota > 0 and length > 0 else math.inf


def _groups(controller: str, own: Path, root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control groups that `controller` rules, and of all their ancestors."""
    for line in _read(own).splitlines():
        parts = line.split(":", 2)
        if len(parts) != 3:
            continue
        _, controllers, path = parts
        if controllers and controller not in controllers.split(","):
            continue
        mount = root / controllers if controllers else root
        if controllers and not mount.is_dir():
            mount = root / controller
        group = mount / path.lstrip("/")
        # Inside a container the path may name folders of the host that are not mounted here; its own root always is.
        for folder in (group, *group.parents):
            yield folder
            if folder == mount:
                break


def quota_cores(own: Path = _OWN, root: Path = _ROOT) -> float:
    """Return the smallest CPU quota of this process's control group and all its ancestors, in cores.

    Parameters
    ----------
    own : Path
        The list of the process's groups, a line "id:controllers:path" each.
    root : Path
        Where the hierarchies are mounted.

    Returns
    -------
    float
        Cores; infinity where nothing limits them.
    """
    return min((_quota_of(folder) for folder in _groups("cpu", own, root)), default=math.inf)


def _headroom_of(folder: Path) -> float:
    """Return the bytes that one control group's limit leaves, infinity without a limit."""
    limit, used = _read(folder / "memory.max"), _read(folder / "memory.current")  # version 2
    if not limit:  # version 1
        limit, used = _read(folder / "memory.limit_in_bytes"), _read(folder / "memory.usage_in_bytes")
    try:
        taken = float(used or 0)
        left = math.inf if limit == "max" else float(limit) - taken
    except ValueError:
        return math.inf
    for line in _read(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == "inactive_file" and value.isdigit():
            left += min(float(value), taken)  # cached files that the kernel drops before it refuses memory
    return max(0.0, left)


def memory_headroom(own: Path = _OWN, root: Path = _ROOT, meminfo: Path = _MEMINFO) -> float:
    """Return the bytes that this process may still take: what the machine has available, and every control group.

    Parameters
    ----------
    own, root : Path
        As of `quota_cores`.
    meminfo : Path
        The kernel's table, of which "MemAvailable" counts.

    Returns
    -------
    float
        Bytes; infinity where nothing says.
    """
    found = [_headroom_of(folder) for folder in _groups("memory", own, root)]
    for line in _read(meminfo).splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            found.append(float(rest.split()[0]) * 1024)
    return min(found, default=math.inf)


def worker_cores() -> int:
    """Return how many processes may share the cores: one each, or ALLCORES_NUM_THREADS, which a worker's share is."""
    cores = usable_cores()
    try:
        return max(1, min(cores, int(os.environ.get("ALLCORES_NUM_THREADS", ""))))
    except ValueError:
        return cores


def usable_cores() -> int:
    """Return how many threads this process can keep busy: affinity and quota, rounded up, at least 1."""
    return max(1, min(affinity_cores(), math.ceil(min(quota_cores(), 1e6))))


def _bytes(text: str) -> float:
    """Return what "2048K" or "32M" means, 0 where it is neither."""
    factor = {"K": 2**10, "M": 2**20, "G": 2**30}.get(text[-1:], 0)
    return float(text[:-1]) * factor if factor and text[:-1].isdigit() else 0.0


def cache_bytes(cores: int, folder: Path = _CACHES) -> float:
    """Return the bytes that the caches of `cores` cores hold: second level, and a share of the last.

    Parameters
    ----------
    cores : int
        Cores in use.
    folder : Path
        Where the system describes the caches of one core.

    Returns
    -------
    float
        Bytes; infinity where the system says nothing.
    """
    own = shared = 0.0
    for cache in sorted(folder.glob("index*")):
        size, level = _bytes(_read(cache / "size")), _read(cache / "level")
        if _read(cache / "type") == "Instruction":
            continue
        if level == "2":
            own = size
        elif level in ("3", "4"):
            shared = max(shared, size)
    total = cores * own + min(shared, cores * _MOST_SHARED)
    return total or math.inf
