"""Sessions that follow each other in one process find the process as the first one did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from projects import raw_server

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Project = Callable[..., pytest.Pytester]

TWICE = """
import json, logging, os, signal, sys, threading, warnings
import psutil, pytest

def seen():
    return {
        "children": len(psutil.Process().children(recursive=True)),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "descriptors": psutil.Process().num_fds(),
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)],
        "folder": os.getcwd(),
        "environment": sorted(os.environ),
        "filters": [str(entry) for entry in warnings.filters],
        "finders": [str(finder) for finder in sys.meta_path],
        "level": logging.getLogger().level,
    }

runs = []
for options in (("-k", "not ADV"), ("-x", "--mcp-history", "figures.db"), ("--benchmark-json", "b.json")):
    status = pytest.main(["--mcp-config", "servers.json", "--mcp-report", "json=run.json", *options])
    verdicts = [entry["verdict"] for entry in json.load(open("run.json"))["results"]]
    runs.append({"status": int(status), "verdicts": len(verdicts), "seen": seen()})
json.dump(runs, open("runs.json", "w"))
"""


def test_sessions_in_one_process_leave_nothing_to_each_other(project: Project) -> None:
    pytester = project({"memory": raw_server(), "time": raw_server()}, ("reachable", "listed", "timed"))
    pytester.makepyfile(twice=TWICE)
    result = pytester.runpython(pytester.path / "twice.py")
    assert result.ret == 0, result.stderr.str()
    first, second, third = json.loads((pytester.path / "runs.json").read_text())
    assert [run["status"] for run in (first, second, third)] == [0, 0, 0], result.stdout.str()
    assert [run["verdicts"] for run in (first, second, third)] == [4, 16, 16]
    assert first["seen"]["children"] == 0
    assert first["seen"] == second["seen"] == third["seen"]
