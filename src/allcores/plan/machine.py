"""What this machine leaves to this process: cores from affinity and from every control group above it.

Called by allcores.limits once, at import; reads files, imports nothing of ours.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def affinity_cores() -> int:
    """Return how many cores the scheduler may put this process on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
    least = math.inf
    for line in _read(own).splitlines():
        parts = line.split(":", 2)
        if len(parts) != 3:
            continue
        _, controllers, path = parts
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = root / controllers if controllers else root
        if controllers and not mount.is_dir():
            mount = root / "cpu"
        group = mount / path.lstrip("/")
        # Inside a container the path may name folders of the host that are not mounted here; its own root always is.
        for folder in (group, *group.parents):
            least = min(least, _quota_of(folder))
            if folder == mount:
                break
    return least


def usable_cores() -> int:
    """Return how many threads this process can keep busy: affinity and quota, rounded up, at least 1."""
    return max(1, min(affinity_cores(), math.ceil(min(quota_cores(), 1e6))))
