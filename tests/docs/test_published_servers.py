"""The page of published servers says what was found, and all of it was confirmed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scripts import script_at

from mcp_assay_suites.catalogue import CATALOGUE

if TYPE_CHECKING:
    from types import ModuleType

REAL = Path(__file__).resolve().parents[1] / "real"
MATRIX = json.loads((REAL / "matrix.json").read_text("utf-8"))
CONFIRMED = json.loads((REAL / "confirmed.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return script_at(REAL / "matrix.py")


def test_every_finding_was_confirmed_and_nothing_else(maker: ModuleType) -> None:
    assert maker.unconfirmed(MATRIX, CONFIRMED) == []
    found = {check: sorted(rows) for check, rows in MATRIX["findings"].items()}
    assert {check: one["servers"] for check, one in CONFIRMED.items()} == found
    assert set(found) <= set(CATALOGUE)


def test_every_server_of_the_configurations_is_in_it(maker: ModuleType) -> None:
    configured = maker.configuration(dict.fromkeys(maker.TRANSPORTS, 0))["mcpServers"]
    assert set(MATRIX["servers"]) == set(configured)


def test_a_server_that_speaks_one_revision_only_is_in_no_group(maker: ModuleType) -> None:
    grouped = {name for group in maker.GROUPS for name in group}
    assert grouped <= set(MATRIX["servers"])
    alone = set(MATRIX["servers"]) - grouped
    assert {revision for name in alone for revision in MATRIX["servers"][name].get("revisions", [])} == {"2024-11-05"}


def report(name: str, versions: list[str], **result: object) -> dict[str, object]:
    server = {"name": name, "protocol_versions": versions, "server_info": {"name": name, "version": "1"}}
    return {"run": {"started_at": "2026-01-02T03:04:05Z"}, "servers": [server], "results": [{"server": name, **result}]}


def test_findings_of_several_revisions_come_together_and_advice_is_counted(maker: ModuleType, tmp_path: Path) -> None:
    versions = ["2024-11-05", "2025-11-25", "2026-07-28"]
    finding = {"check": "BASE-009", "level": "MUST", "verdict": "fail", "tool": None}
    reports = [
        report("one", versions, **finding),
        report("one-2024-11-05", versions, **finding),
        report("one", versions, **{**finding, "level": "ADV", "check": "ADV-001", "verdict": "warn"}),
        report("one", versions, **{**finding, "check": "BASE-001", "verdict": "pass"}),
    ]
    paths = [tmp_path / f"{number}.json" for number in range(len(reports))]
    for path, one in zip(paths, reports, strict=True):
        path.write_text(json.dumps(one))
    made = maker.matrix(paths)
    assert made["findings"] == {"BASE-009": {"one": {"level": "MUST", "revisions": ["2024-11-05", "2025-11-25"]}}}
    assert made["advice"] == {"ADV-001": 1}
    assert maker.unconfirmed(made, {"BASE-009": {"servers": ["two"]}}) == [("BASE-009", "one")]
