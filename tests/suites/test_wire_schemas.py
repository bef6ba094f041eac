"""The stored wire schemas are those of the published types."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from mcp_assay.wire.eras import KNOWN_VERSIONS
from mcp_assay.wire.exchange import Exchange
from mcp_assay_suites.observing.traffic import Received
from mcp_assay_suites.schema import CHECKS as SCHEMA
from mcp_assay_suites.schema.wire import schema_problems, validators

GENERATOR = runpy.run_path(str(Path(__file__).parent / "regenerate_wire_schemas.py"))


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_a_stored_schema_is_what_the_types_say_today(version):
    stored = (GENERATOR["TARGET"] / f"{version}.json").read_text("utf-8")
    assert stored == GENERATOR["text_of"](GENERATOR["generate"]()[version])


@pytest.mark.parametrize("version", KNOWN_VERSIONS)
def test_every_schema_compiles(version):
    assert {"tools/list", "tools/call", "resources/read"} <= set(validators(version)["results"])


def notification(**params: object) -> Received:
    return Received(message={"jsonrpc": "2.0", "method": "notifications/progress", "params": params}, raw=b"")


def test_a_right_message_has_no_problem():
    assert list(schema_problems(notification(progressToken=1, progress=0.5), "2025-11-25")) == []


def test_a_missing_member_is_named_by_where_it_should_be():
    found = list(schema_problems(notification(progressToken=1), "2025-11-25"))
    assert [place for place, _ in found] == ["/params/progress"]


def test_an_optional_member_may_be_absent_but_not_null():
    found = list(schema_problems(notification(progressToken=1, progress=1, message=None), "2025-11-25"))
    assert [place for place, _ in found] == ["/params/message"]


def test_an_unknown_method_is_not_judged():
    item = Received(message={"jsonrpc": "2.0", "method": "notifications/x", "params": 1}, raw=b"")
    assert list(schema_problems(item, "2025-11-25")) == []


def test_what_a_revision_does_not_know_yet_is_not_judged_by_it():
    titled = {"tools": [{"name": "x", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": "yes"}}]}
    exchange = Exchange(method="tools/list", id=1, sent=b"", sent_at=0, ended_at=0)
    item = Received(message={"jsonrpc": "2.0", "id": 1, "result": titled}, raw=b"", exchange=exchange)
    info = {"name": "x", "version": "1", "title": 5}
    opened = {"protocolVersion": "2025-03-26", "capabilities": {}, "serverInfo": info}
    opening = Exchange(method="initialize", id=1, sent=b"", sent_at=0, ended_at=0)
    started = Received(message={"jsonrpc": "2.0", "id": 1, "result": opened}, raw=b"", exchange=opening)
    assert [list(schema_problems(item, "2024-11-05")), list(schema_problems(started, "2025-03-26"))] == [[], []]
    assert [place for place, _ in schema_problems(started, "2025-06-18")] == ["/serverInfo/title"]


def test_a_cancellation_names_its_request_until_tasks_came():
    item = Received(message={"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {}}, raw=b"")
    found = {version: [place for place, _ in schema_problems(item, version)] for version in KNOWN_VERSIONS[:4]}
    assert found == {**{version: ["/params/requestId"] for version in KNOWN_VERSIONS[:3]}, "2025-11-25": []}


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26"])
def test_a_healthy_server_of_an_old_revision_fits_its_schema(bench, version):
    chosen = [check for check in SCHEMA if check.id == "BASE-025"]
    judged = bench.judge({"old": bench.raw()}, chosen, protocol=version)["old"]
    assert judged.of("BASE-025")[0].outcome == "pass", judged.of("BASE-025")[0].observed
