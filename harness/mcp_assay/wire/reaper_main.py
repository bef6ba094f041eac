"""The reaper: a small process that outlives a crash of the run and kills the servers it left behind.

It reads ``add PGID MARK`` and ``del PGID`` lines from stdin. End of file means that the run is over or dead: whatever
is still registered is terminated, then killed, and processes that carry a registered mark in their environment are
killed as well, because a daemonised child leaves its process group. Standard library only; run as a script.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

GRACE_S = 0.5
MARK_VARIABLE = "MCP_ASSAY_LAUNCH"


def marked_processes(mark: str) -> list[int]:
    """Return the ids of processes whose environment carries ``mark``; empty where there is no /proc."""
    wanted = f"{MARK_VARIABLE}={mark}".encode()
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; return whether anybody was there."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def kill_marked(mark: str) -> int:
    """Kill every process that carries ``mark``; return how many there were."""
    killed = 0
    for pid in marked_processes(mark):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


def main() -> None:
    """Register groups until stdin ends, then leave none behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, str] = {}
    for line in sys.stdin:
        match line.split():
            case ["add", group, mark]:
                groups[int(group)] = mark
            case ["del", group]:
                groups.pop(int(group), None)
            case _:
                continue
    alive = [group for group in groups if signal_group(group, signal.SIGTERM)]
    if alive:
        time.sleep(GRACE_S)
    for group, mark in groups.items():
        signal_group(group, signal.SIGKILL)
        kill_marked(mark)


if __name__ == "__main__":
    main()
