"""What eight slow servers cost a run, compared with one of them.

    python benchmarks/lanes.py [--rounds 3] [--servers 8]

Every server answers each tool call after 200 ms. One after another, eight servers would take eight times as long as
one; in lanes they wait side by side. The performance category is left out: it measures one server at a time on purpose.
Runs of one and of eight take turns; medians. The last line is one JSON object with the ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from goals import conclude
from tabulate import tabulate

HERE = Path(__file__).resolve().parent
TARGETS = {"many_vs_one": ("<=", 1.5)}


def write_config(path: Path, servers: int) -> None:
    """Write a configuration with as many slow servers."""
    entry = {"command": sys.executable, "args": [str(HERE / "slow_server.py")]}
    document = {"mcpServers": {f"slow-{number}": entry for number in range(1, servers + 1)}}
    path.write_text(json.dumps(document), encoding="utf-8")


def timed_run(config: Path) -> dict[str, float]:
    """Run the suites over a configuration and return the seconds of the run and of its phases."""
    report = config.with_suffix(".report.json")
    flags = ["-q", "-p", "no:cacheprovider", "-m", "not mcp_performance", "--mcp-config", config.name]
    started = perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *flags, "--mcp-report", f"json={report.name}"],
        cwd=config.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    wall = perf_counter() - started
    if done.returncode not in {0, 1}:
        sys.exit(f"pytest ended with {done.returncode}:\n{done.stdout}")
    document = json.loads(report.read_text(encoding="utf-8"))
    return {"wall_s": wall, "servers": document["summary"]["connected"], **document["run"]["phases"]}


def main() -> None:
    """Measure, print the table, and as the last line one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        configs = {1: Path(name) / "one.json", given.servers: Path(name) / "many.json"}
        for servers, path in configs.items():
            write_config(path, servers)
        runs = {servers: [] for servers in configs}
        for _ in range(given.rounds):
            for servers, path in configs.items():
                runs[servers].append(timed_run(path))
    columns = ("wall_s", "discovery_s", "checks_s")
    found = {n: {key: statistics.median(run[key] for run in many) for key in columns} for n, many in runs.items()}
    print(
        tabulate([[n, *values.values()] for n, values in found.items()], headers=["servers", *columns], floatfmt=".2f")
    )
    one, many = found[1]["wall_s"], found[given.servers]["wall_s"]
    print()
    conclude({"many_vs_one": many / one}, TARGETS)


if __name__ == "__main__":
    main()
