"""The page of published servers says what was found, and all of it was confirmed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scripts import script_at

from mcp_assay_suites.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

REAL = Path(__file__).resolve().parents[1] / "real"
MATRIX = json.loads((REAL / "matrix.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def maker() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(REAL))
        patch.setenv("MCP_ASSAY_REAL", "/servers")
        yield script_at(REAL / "matrix.py")


def test_every_finding_has_what_a_bare_client_sent_and_what_came_back() -> None:
    rows = [row for each in MATRIX["findings"].values() for row in each.values()]
    assert rows
    assert all(row["sent"] and row["came"] for row in rows)
    assert set(MATRIX["findings"]) <= set(CATALOGUE)


def test_every_check_with_findings_has_a_question_of_its_own(maker: ModuleType) -> None:
    assert set(MATRIX["findings"]) <= {*maker.protocol.QUESTIONS, *maker.confirming.CONFIRMS}


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
        report("one", versions, **{**finding, "check": "CROSS-008", "verdict": "error", "observed": "took too long"}),
    ]
    paths = [tmp_path / f"{number}.json" for number in range(len(reports))]
    for path, one in zip(paths, reports, strict=True):
        path.write_text(json.dumps(one))
    made = maker.matrix(paths)
    assert made["findings"] == {"BASE-009": {"one": {"level": "MUST", "revisions": ["2024-11-05", "2025-11-25"]}}}
    assert made["advice"] == {"ADV-001": 1}
    assert maker.errors(paths) == ["CROSS-008 on one: took too long"]


def test_a_finding_that_one_revision_does_not_show_is_named_and_the_others_are_shown(maker: ModuleType) -> None:
    rows = {name: {"level": "MUST", "revisions": ["2024-11-05", "2025-11-25"]} for name in ("one", "two")}
    seen = maker.protocol.Seen('{"id": 7, "method": "x-probe-0123456789"}', "no answer", True)
    doubted = maker.protocol.Seen("x", "y", False)
    places = {("BASE-009", name, revision): seen for name in rows for revision in rows["one"]["revisions"]}
    open_ = maker.enter({"findings": {"BASE-009": rows}}, {**places, ("BASE-009", "two", "2025-11-25"): doubted})
    assert [line.partition(":")[0] for line in open_] == ["BASE-009 on two 2025-11-25"]
    assert (rows["one"]["sent"], rows["one"]["came"]) == ('{"method": "x-probe-…"}', "no answer")
    assert maker.enter({"findings": {"BASE-999": {"one": {"level": "MUST"}}}}, {})


def test_half_a_line_and_odd_requests_are_put_to_a_server_that_takes_them_as_it_should(maker: ModuleType) -> None:
    entry = {"command": sys.executable, "args": ["-S", "-E", str(REAL.parent / "servers" / "raw.py")]}
    finding = {"exchange": {"request": '{"jsonrpc":'}}
    found = {"BASE-011": [finding], "BASE-012": [finding]}
    assert [one.holds for one in maker.protocol.put_again(entry, "2025-11-25", found).values()] == [False, False]
    entry["args"] += ["--violate", "BASE-011"]
    assert maker.protocol.put_again(entry, "2025-11-25", {"BASE-011": [finding]})["BASE-011"].holds is True
