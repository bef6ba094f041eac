"""What the installed plugin costs a pytest run that does not use it.

    python benchmarks/startup.py [--pairs 20]

Runs pytest on one empty test file, in turns without any plugin, with ours, and without any again. The two runs without
differ by noise alone: ours costs nothing measurable when its difference is within that. Times are CPU seconds of the
child process (user and system), which another program on the machine disturbs least; wall time is shown beside them.
The last line is one JSON object of ratios.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from goals import conclude
from tabulate import tabulate

HEAVY = ("mcp", "hypothesis", "anyio", "jsonschema_rs", "orjson", "psutil", "tabulate", "httpx")
TARGETS = {"difference_vs_noise": ("<=", 1.0), "heavy_packages_imported_of_all": ("<=", 0.0)}
PLUGIN = ("-p", "mcp_assay.plugin")
LIST_MODULES = """
import sys, pytest
pytest.main(sys.argv[1:])
print("modules:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of pytest: CPU and wall seconds."""

    cpu_s: float
    wall_s: float


def environment() -> dict[str, str]:
    """Return an environment in which pytest loads only what it is told to."""
    return {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def pytest_run(folder: Path, *flags: str) -> Run:
    """Run pytest on the folder and return what it cost."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *flags, "test_empty.py"]
    subprocess.run(command, cwd=folder, env=environment(), check=True, stdout=subprocess.DEVNULL, timeout=120)
    wall, after = perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall_s=wall)


def heavy_modules(folder: Path) -> list[str]:
    """Return which expensive packages a run with the plugin has imported."""
    command = [sys.executable, "-c", LIST_MODULES, "-q", "-p", "no:cacheprovider", *PLUGIN, "test_empty.py"]
    done = subprocess.run(
        command, cwd=folder, env=environment(), check=True, capture_output=True, text=True, timeout=120
    )
    imported = done.stdout.rpartition("modules:")[2].split()
    return [name for name in HEAVY if name in imported]


def main() -> None:
    """Measure, print the table, and as the last line one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    pairs = parser.parse_args().pairs
    runs: dict[str, list[Run]] = {"without": [], "with the plugin": [], "without, again": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text("def test_empty():\n    pass\n", encoding="utf-8")
        heavy = heavy_modules(folder)
        pytest_run(folder, *PLUGIN)
        for _ in range(pairs):
            runs["without"].append(pytest_run(folder))
            runs["with the plugin"].append(pytest_run(folder, *PLUGIN))
            runs["without, again"].append(pytest_run(folder))
    cpu = {label: statistics.median(run.cpu_s for run in many) for label, many in runs.items()}
    wall = {label: statistics.median(run.wall_s for run in many) for label, many in runs.items()}
    table = [[label, cpu[label], cpu[label] / cpu["without"], wall[label]] for label in runs]
    print(tabulate(table, headers=["pytest", "CPU s (median)", "ratio", "wall s (median)"], floatfmt=".4f"))
    print(f"\nheavy packages imported with the plugin: {', '.join(heavy) or 'none'}")
    noise = statistics.stdev(
        again.cpu_s - first.cpu_s for first, again in zip(runs["without"], runs["without, again"], strict=True)
    )
    more = cpu["with the plugin"] - cpu["without"]
    print(f"it costs {more * 1e3:.1f} ms of CPU, two runs without it differ by {noise * 1e3:.1f} ms\n")
    ratios = {
        "cpu_vs_without": cpu["with the plugin"] / cpu["without"],
        "difference_vs_noise": more / noise,
        "heavy_packages_imported_of_all": len(heavy) / len(HEAVY),
    }
    conclude(ratios, TARGETS)


if __name__ == "__main__":
    main()
