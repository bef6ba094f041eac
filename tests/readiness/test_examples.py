"""Kept examples are bounded, hold no secret and never cost a run its verdicts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mcp_assay.core.redaction import Redactor
from mcp_assay.readiness.examples import LONGEST, MOST_PER_TOOL, ExampleFolder, ExamplesPlace

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "sk-canary-0123456789abcdef"


def folder(tmp_path: Path) -> ExampleFolder:
    place = ExamplesPlace(folder=tmp_path / "examples", seen_from=tmp_path)
    return ExampleFolder(place=place, redactor=Redactor({"env KEY": SECRET}))


def test_examples_come_back_newest_first_and_the_oldest_go(tmp_path: Path) -> None:
    examples = folder(tmp_path)
    for number in range(MOST_PER_TOOL + 5):
        examples.keep("server", "tool", "TOOL-022", {"n": number})
        for path in (tmp_path / "examples").rglob("*.json"):
            os.utime(path, (path.stat().st_mtime - 10,) * 2)
    kept = examples.of_tool("server", "tool")
    assert [arguments["n"] for arguments in kept] == list(range(MOST_PER_TOOL + 4, 4, -1))


def test_the_same_arguments_are_kept_once(tmp_path: Path) -> None:
    for _ in range(2):
        folder(tmp_path).keep("server", "tool", "TOOL-022", {"text": "\udcff\0"})
    assert folder(tmp_path).of_tool("server", "tool") == [{"text": "\udcff\0"}]


def test_a_secret_is_kept_neither_in_a_file_nor_in_its_name(tmp_path: Path) -> None:
    examples = folder(tmp_path)
    examples.keep("server", "tool", "TOOL-022", {"token": SECRET})
    examples.keep(SECRET, SECRET, "TOOL-022", {"harmless": 1})
    assert examples.of_tool("server", "tool") == []
    assert examples.of_tool(SECRET, SECRET) == [{"harmless": 1}]
    assert not any(SECRET in str(path) for path in tmp_path.rglob("*"))


def test_huge_arguments_are_not_kept(tmp_path: Path) -> None:
    folder(tmp_path).keep("server", "tool", "EXEC-003", {"text": "x" * LONGEST})
    assert not list(tmp_path.rglob("*.json"))


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "examples").write_text("a file, no folder")
    examples = folder(tmp_path)
    examples.keep("server", "tool", "TOOL-022", {"n": 1})
    assert examples.of_tool("server", "tool") == []


def test_names_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder(tmp_path).keep("../..", "../../etc", "TOOL-022", {"n": 1})
    assert all(path.is_relative_to(tmp_path / "examples") for path in tmp_path.rglob("*.json"))
    assert len(list((tmp_path / "examples").rglob("*.json"))) == 1
