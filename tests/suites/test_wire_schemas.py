"""The stored wire schemas are those of the published types."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from mcp_assay_suites.observing.traffic import Received
from mcp_assay_suites.schema.wire import schema_problems, validators

GENERATOR = runpy.run_path(str(Path(__file__).parent / "regenerate_wire_schemas.py"))


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25", "2026-07-28"])
def test_a_stored_schema_is_what_the_types_say_today(version):
    stored = (GENERATOR["TARGET"] / f"{version}.json").read_text("utf-8")
    assert stored == GENERATOR["text_of"](GENERATOR["generate"]()[version])


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25", "2026-07-28"])
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
