"""The wheel: what is in it, and that a fresh environment can run the main job with nothing else (`tox -e pkg`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.package

ROOT = Path(__file__).resolve().parent.parent
TOP_LEVEL = ("mcp_assay", "mcp_assay_suites", "mcp_assay_reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The two archives of one build."""

    wheel: Path
    sdist: Path

    def files(self) -> set[str]:
        """Return the names in the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())


def run(*command: str | Path, folder: Path, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    """Run a program with a small environment; its output is in the failure when it does not end with 0."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PIP_CONFIG_FILE") if name in os.environ}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**kept, "NO_COLOR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout[-8000:]}"
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, folder=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel=wheel, sdist=sdist)


@pytest.fixture(scope="module")
def fresh(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a virtual environment that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", built.wheel, folder=folder)
    return folder / "bin"


def test_the_wheel_holds_our_three_packages_and_nothing_else(built: Built) -> None:
    checker = Path(sys.executable).with_name("check-wheel-contents")
    run(checker, "--no-config", "--toplevel", ",".join(TOP_LEVEL), built.wheel, folder=built.wheel.parent)


def test_the_wheel_holds_every_file_of_the_source_roots(built: Built) -> None:
    tracked = run("git", "ls-files", "harness", "suites", "reports", folder=ROOT).stdout.split()
    assert {path.split("/", 1)[1] for path in tracked} <= built.files()


@pytest.mark.parametrize("package", TOP_LEVEL)
def test_each_package_is_marked_as_typed(built: Built, package: str) -> None:
    assert f"{package}/py.typed" in built.files()


def test_what_was_installed_fits_together(fresh: Path) -> None:
    run(fresh / "python", "-m", "pip", "check", folder=fresh)


def summary_of(fresh: Path, folder: Path, *options: str) -> dict[str, Any]:
    """Return the summary of a run over the demo servers in an empty folder; it must end with 0."""
    run(fresh / "pytest", "--mcp-config", "demo", "--mcp-report", "json=report.json", *options, folder=folder)
    summary: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))["summary"]
    return summary


def test_every_demo_server_starts_in_a_fresh_environment(fresh: Path, tmp_path: Path) -> None:
    summary = summary_of(fresh, tmp_path, "-k", "CONN-001 or CONN-002")
    assert summary["connected"] == summary["servers"] == 4
    assert summary["checks"]["pass"] == 8


def test_two_demo_servers_are_judged_by_every_check_in_an_empty_folder(fresh: Path, tmp_path: Path) -> None:
    # Two are enough for the checks between servers; the others are judged from the sources, in tests/suites.
    only = ("--mcp-server", "notes", "--mcp-server", "units", "--mcp-bench-budget", "1s")
    summary = summary_of(fresh, tmp_path, *only)
    assert summary["connected"] == summary["servers"] == 2
    assert summary["verdict"] == "READY"


def test_the_plugin_is_silent_without_a_config(fresh: Path, tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    assert True\n")
    output = run(fresh / "pytest", folder=tmp_path).stdout
    assert "1 passed" in output
    assert "readiness" not in output.lower()
