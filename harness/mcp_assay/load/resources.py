"""What a server's processes hold on to: memory, descriptors, children."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a process and everything below it hold at one moment.

    Attributes:
        calls: Calls that had been made.
        rss_bytes: Resident memory, shared pages counted in each process.
        descriptors: Open file descriptors.
        children: Processes below the first one, those that ended but were not waited for included.
        cpu_s: Seconds of processor time used so far by the processes that live.
    """

    calls: int
    rss_bytes: int
    descriptors: int
    children: int
    cpu_s: float


def resources_of(pid: int, *, calls: int = 0) -> Resources | None:
    """Return what a process tree holds now, or None when its root is gone or not ours to look at."""
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
        root.memory_info()
    except psutil.Error:
        return None
    memory, descriptors, cpu_s = 0, 0, 0.0
    for process in tree:
        # One that ends or is a zombie has nothing left but its entry in the table.
        with contextlib.suppress(psutil.Error), process.oneshot():
            memory += process.memory_info().rss
            descriptors += process.num_fds()
            times = process.cpu_times()
            cpu_s += times.user + times.system
    return Resources(calls=calls, rss_bytes=memory, descriptors=descriptors, children=len(tree) - 1, cpu_s=cpu_s)
