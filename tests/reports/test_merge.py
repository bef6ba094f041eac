from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mcp_assay.core.errors import UsageError
from mcp_assay_reports import WRITERS, json_report
from mcp_assay_reports.changes import compared, told
from mcp_assay_reports.merge import merge
from mcp_assay_reports.reading import parse_document

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document


def shards_of(document: Document) -> list[Document]:
    """One document for each server, as a job split by server writes them; the other servers are skipped there."""
    shards: list[Document] = []
    for at, server in enumerate(document["servers"]):
        results = [result for result in document["results"] if result["server"] == server["name"]]
        counts: Any = dict.fromkeys(document["summary"]["checks"], 0)
        for result in results:
            counts[result["verdict"]] += 1
        others: Any = [
            entry if entry is server else {**entry, "status": "skipped", "error": None} for entry in document["servers"]
        ]
        shards.append(
            {
                **document,
                "run": {**document["run"], "id": f"shard-{at}", "exit_status": int(counts["fail"] > 0)},
                "summary": {**document["summary"], "checks": counts},
                "servers": others,
                "results": results,
                "benchmarks": [entry for entry in document["benchmarks"] if entry["server"] == server["name"]],
                "workflows": [],
            }
        )
    return shards


def test_the_shards_of_a_run_make_the_run(document: Document) -> None:
    whole = merge(shards_of(document))
    assert whole["servers"] == document["servers"]
    assert whole["summary"] == document["summary"]
    assert sorted(map(json.dumps, whole["results"])) == sorted(map(json.dumps, document["results"]))
    assert len(whole["benchmarks"]) == len(document["benchmarks"])
    assert whole["run"]["exit_status"] == 1
    assert whole["run"]["id"] == "shard-0+shard-1+shard-2+shard-3+shard-4"


def compared_shards(now: Document, before: Document) -> list[Document]:
    """The shards of a run, each compared with the report of an earlier one, as ``--mcp-against`` does."""
    return [{**shard, "changes": compared(shard, before, since="main.json")} for shard in shards_of(now)]


def test_what_changed_in_the_shards_changed_in_the_run(document: Document) -> None:
    before: Any = {
        **document,
        "results": [{**r, "verdict": "pass" if r["check"] == "TOOL-003" else "fail"} for r in document["results"]],
        "servers": [{**server, "tools": server["tools"][1:]} for server in document["servers"]],
    }
    whole = merge(compared_shards(document, before))
    at_once = compared(document, before, since="main.json")
    for name in ("new", "gone", "scores"):
        assert sorted(map(json.dumps, whole["changes"][name])) == sorted(map(json.dumps, at_once[name]))
        assert at_once[name]
    assert {**whole["changes"], "new": 0, "gone": 0, "scores": 0} == {**at_once, "new": 0, "gone": 0, "scores": 0}
    assert len(whole["changes"]["tools_added"]) == 3


def test_tools_of_a_server_that_a_shard_skipped_are_not_removed(document: Document) -> None:
    changes = merge(compared_shards(document, document))["changes"]
    assert (changes["tools_removed"], changes["tools_added"], changes["new"], changes["gone"]) == ([], [], [], [])


def test_it_is_said_when_only_some_shards_were_compared(document: Document) -> None:
    first, *others = compared_shards(document, document)
    others[0].pop("changes")
    assert merge([first, *others])["changes"]["since"] == "main.json (4 of 5 reports)"


def test_an_accepted_finding_that_another_shard_has_is_not_gone(document: Document) -> None:
    first, second, *others = shards_of(document)
    found = next(result for result in second["results"] if result["verdict"] == "fail")
    entry: Any = {"since": "accepted.toml", "new": [], "gone": [told(found)], "known": 0}
    whole = merge([{**first, "changes": entry}, {**second, "changes": {**entry, "gone": []}}, *others])
    assert whole["changes"]["gone"] == []
    assert "scores" not in whole["changes"]


def test_a_merged_report_can_be_written_in_every_format(document: Document) -> None:
    whole = parse_document(json_report.render(merge(shards_of(document))))
    for writer in WRITERS:
        assert writer.render(whole)


def test_a_single_report_stays_as_it_is(document: Document) -> None:
    assert merge([document]) == document


def test_a_server_judged_twice_is_refused(document: Document) -> None:
    with pytest.raises(UsageError, match=r"memory of servers\.json") as caught:
        merge([document, document])
    assert caught.value.hint


def test_nothing_cannot_be_merged() -> None:
    with pytest.raises(UsageError, match="no report"):
        merge([])


def test_a_shard_that_went_wrong_is_never_covered_by_one_that_went_well(document: Document) -> None:
    first, *others = shards_of(document)
    for status in (1, 2, -9):
        broken: Any = {**first, "run": {**first["run"], "exit_status": status}}
        assert merge([*others[2:], broken])["run"]["exit_status"] == status


def test_a_report_reads_back_as_it_was_written(document: Document) -> None:
    assert parse_document(json_report.render(document)) == document


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.json is not JSON"),
        ("[" * 100_000, "a.json is not JSON"),
        ("[]", "a.json is not a report"),
        ('{"name": "x"}', "a.json is not a report"),
        ('{"schema_version": 2}', "a.json has schema version 2, this program reads version 1"),
        ('{"schema_version": 1}', "a.json does not conform to the report schema at its top level"),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=r"a\.json") as caught:
        parse_document(text, name="a.json")
    assert caught.value.message.startswith(message)


def test_a_damaged_report_is_refused_with_the_place(document: Document) -> None:
    damaged: Any = json.loads(json_report.render(document))
    damaged["servers"][1]["readiness"]["score"] = "high"
    with pytest.raises(UsageError, match=r"at servers/1/readiness/score"):
        parse_document(json.dumps(damaged))


def test_fields_of_a_later_version_do_not_disturb(document: Document) -> None:
    grown: Any = {**document, "history": [1, 2], "results": [{**r, "more": True} for r in document["results"]]}
    assert parse_document(json.dumps(grown))["results"][0]["check"] == "CONN-001"
