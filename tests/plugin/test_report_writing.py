"""A report that cannot be written is told; the run still ends with its verdict, and no file is ever half of one."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from projects import raw_server

from mcp_assay_reports.reading import parse_document

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Project = Callable[..., pytest.Pytester]

PATIENCE_S = 120.0


def start(folder: Path, *words: str, most_bytes: int | None = None) -> subprocess.Popen[str]:
    """Start pytest, able to write files of ``most_bytes`` at most."""

    def limit() -> None:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--mcp-config", "servers.json", *words]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=limit,  # noqa: PLW1509  (the child runs nothing else before it starts)
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for pytest and return its status and output."""
    output, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, output


@pytest.fixture
def folder(project: Project) -> Path:
    return project({"raw": raw_server()}, checks=("reachable", "listed")).path


def reports(*places: str) -> list[str]:
    return [word for place in places for word in ("--mcp-report", place)]


def test_a_full_disk_costs_one_report_and_the_exit_status(folder: Path) -> None:
    (folder / "r.html").symlink_to("/dev/full")
    status, output = ended(start(folder, *reports("html=r.html", "json=r.json", "junit=r.xml")))
    assert status == 1
    assert f"the html report {folder}/r.html is missing: No space left on device" in output
    assert "readiness: READY" in output
    assert json.loads((folder / "r.json").read_text())["summary"]["verdict"] == "READY"
    assert (folder / "r.xml").exists()


def test_a_disk_that_fills_up_under_a_recording_costs_the_recording_and_no_verdict(folder: Path) -> None:
    status, output = ended(start(folder, "--mcp-record", "tape", most_bytes=4_096))
    assert status == 1
    assert "2 passed" in output
    assert "the recording in " in output
    assert "tape is incomplete: File too large" in output


def test_a_disk_that_fills_up_within_a_file_leaves_the_old_one(folder: Path) -> None:
    (folder / "r.json").write_text("the report of yesterday")
    status, output = ended(start(folder, *reports("json=r.json"), most_bytes=3_000))
    assert status == 1
    assert f"the json report {folder}/r.json is missing: File too large" in output
    assert "readiness: READY" in output
    assert (folder / "r.json").read_text() == "the report of yesterday"
    assert list(folder.glob(".mcp-assay-*")) == []


def test_a_folder_that_cannot_be_made_costs_its_report(folder: Path) -> None:
    place = "/proc/mcp-assay/r.json"
    status, output = ended(start(folder, *reports(f"json={place}", "markdown=r.md")))
    if os.access("/proc", os.W_OK):
        assert status == 1
        assert f"the json report {place} is missing: " in output
        assert (folder / "r.md").read_text().startswith("## MCP readiness: READY")
    else:
        assert status == pytest.ExitCode.USAGE_ERROR
        assert "/proc cannot be written to" in output


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_a_usage_error_before_anything_starts(folder: Path) -> None:
    (folder / "locked").mkdir(mode=0o555)
    status, output = ended(start(folder, *reports("json=locked/r.json")))
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "cannot be written to" in output


def test_two_runs_at_once_leave_one_whole_report(folder: Path) -> None:
    places = reports("json=r.json", "html=r.html", "junit=r.xml")
    results: Sequence[tuple[int, str]] = [ended(process) for process in [start(folder, *places) for _ in range(2)]]
    assert [status for status, _ in results] == [0, 0], results
    document = parse_document((folder / "r.json").read_text())
    assert document["summary"]["verdict"] == "READY"
    assert (folder / "r.html").read_text().rstrip().endswith("</html>")
    assert list(folder.glob(".mcp-assay-*")) == []


BROKEN_WRITER = """


class Broken:
    name = "broken"
    suffix = ".txt"

    def render(self, document):
        return {"not": "a text"} if document["results"] else 1 / 0


def pytest_mcp_report_writers(config):
    return [Broken()]
"""


def test_a_writer_of_a_third_party_that_fails_costs_its_own_report_only(folder: Path) -> None:
    conftest = folder / "conftest.py"
    conftest.write_text(conftest.read_text() + BROKEN_WRITER)
    status, output = ended(start(folder, *reports("broken=r.txt", "json=r.json")))
    assert status == 1
    assert f"the broken report {folder}/r.txt is missing: its writer failed with AttributeError" in output
    assert "Traceback" not in output
    assert "readiness: READY" in output
    assert (folder / "r.json").exists()
    assert not (folder / "r.txt").exists()
