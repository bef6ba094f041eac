"""What a process and all that it started take together, held against the limits of its sandbox.

The kernel limits each process (`mcp_assay.wire.confine_main`), and does not count the processes of root at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from mcp_assay.config.spec import Confinement

_MIB = 1024 * 1024


def excess_of(pid: int, confinement: Confinement) -> str | None:
    """Return what the processes below ``pid`` take too much of, in one clause, or None."""
    try:
        processes = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return None
    if len(processes) > confinement.processes:
        return f"{len(processes)} processes, {confinement.processes} may be"
    resident = sum(_resident(process) for process in processes)
    if resident > confinement.memory_bytes:
        return f"{resident // _MIB} MiB of memory, {confinement.memory_bytes // _MIB} may be"
    return None


def _resident(process: psutil.Process) -> int:
    """Return the resident bytes of a process, 0 when it has ended."""
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0
