"""The reaper: a small process that outlives a crash of the run and kills the servers it left behind.

It reads ``add MARK PGID``, ``add MARK 0`` (the group is gone, its number may be a stranger's) and ``del MARK`` lines
from stdin. End of file means that the run is over or dead: whatever is still registered is terminated, then killed,
and processes that carry a registered mark in their environment are killed as well, because a daemonised child leaves
its process group. Standard library only; run as a script.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

GRACE_S = 0.5
_SWEEPS = 5
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


def kill_tree(leader: int, mark: str, *, group: bool) -> int:
    """Kill a server and everything it started.

    Args:
        leader: Its process id, which is its group's number too.
        mark: Value of the mark variable in the environment of everything it started.
        group: Whether the group's number is still its own.

    Returns:
        How many processes besides the leader were there.
    """
    fresh, found = set(marked_processes(mark)), set[int]()
    in_group = group and signal_group(leader, signal.SIGKILL)
    for _ in range(_SWEEPS):
        for pid in fresh:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        found |= fresh
        fresh = set(marked_processes(mark)) - found if fresh else fresh
    others = len(found - {leader})
    return others if Path("/proc/self/environ").exists() or not in_group else max(others, 1)


def main() -> None:
    """Register groups until stdin ends, then leave none behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[str, int] = {}
    for line in sys.stdin:
        match line.split():
            case ["add", mark, group]:
                groups[mark] = int(group)
            case ["del", mark]:
                groups.pop(mark, None)
            case _:
                continue
    alive = [group for group in groups.values() if group and signal_group(group, signal.SIGTERM)]
    if alive:
        time.sleep(GRACE_S)
    for mark, group in groups.items():
        kill_tree(group, mark, group=group > 0)


if __name__ == "__main__":
    main()
