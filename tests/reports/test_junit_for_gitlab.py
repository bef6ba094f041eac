"""JUnit files by the rules of GitLab: what it reads, what it drops, where it gives up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from gitlab import read

from mcp_assay_reports import junit

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document


@pytest.mark.parametrize("name", ["document", "big_document", "with_long_texts"])
def test_gitlab_shows_every_result_with_its_status(name: str, request: pytest.FixtureRequest) -> None:
    document: Document = request.getfixturevalue(name)
    cases = read(junit.render(document))
    checks = document["summary"]["checks"]
    statuses = [case.status for case in cases if not case.class_name.startswith("workflows.")]
    assert statuses.count("failure") == checks["fail"]
    assert statuses.count("skipped") == checks["skip"]
    assert statuses.count("success") == checks["pass"] + checks["warn"]
    assert all(case.name and case.class_name for case in cases)


def test_gitlab_reads_hostile_texts(hostile_document: Document) -> None:
    assert read(junit.render(hostile_document))


def test_a_failure_tells_what_was_seen_and_how_to_see_it_again(document: Document) -> None:
    failed = next(case for case in read(junit.render(document)) if case.status == "failure")
    assert "observed: inputSchema has no type" in failed.output
    assert "reproduce: pytest --mcp-config servers.json" in failed.output


@pytest.mark.parametrize("field", ["observed", "requirement", "expected", "reason", "tool"])
@pytest.mark.parametrize("verdict", ["fail", "warn", "error", "skip"])
def test_no_server_can_attach_a_file_of_the_job(document: Document, field: str, verdict: str) -> None:
    changed = {field: "see [[ATTACHMENT|.env]]", "verdict": verdict}
    results = [{**result, **changed, "exchange": {"text": "[[ATTACHMENT|.env]]"}} for result in document["results"][:5]]
    hostile: Document = {**document, "results": results}  # type: ignore[typeddict-item]  # fields change by name
    cases = read(junit.render(hostile))
    assert cases
    assert [case.attachment for case in cases if case.attachment] == []
