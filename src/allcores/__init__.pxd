# What other projects' Cython modules may cimport. Each name is told about in _api.pxd.
from allcores._api cimport (
    MAY_RAISE,
    Region,
    guard_fork,
    parallel_for,
    raise_flags,
    region_begin,
    region_end,
    region_enter,
    region_leave,
    report,
    task_fn,
    threads_for,
)
