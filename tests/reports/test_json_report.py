from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from mcp_assay_reports import json_report

if TYPE_CHECKING:
    from mcp_assay.core.contract import Document

SCHEMA = json.loads(files("mcp_assay_reports").joinpath("report.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("name", ["document", "hostile_document", "big_document"])
def test_every_report_conforms_to_the_published_schema(name: str, request: pytest.FixtureRequest) -> None:
    parsed = json.loads(json_report.render(request.getfixturevalue(name)))
    jsonschema_rs.validator_for(SCHEMA, validate_formats=True).validate(parsed)


def test_the_schema_itself_is_valid_json_schema_2020_12() -> None:
    jsonschema_rs.meta.validate(SCHEMA)
    assert SCHEMA["$schema"].endswith("/2020-12/schema")


def test_the_schema_notices_a_missing_field(document: Document) -> None:
    broken: Any = {**document, "summary": {**document["summary"]}}
    del broken["summary"]["verdict"]
    assert not jsonschema_rs.is_valid(SCHEMA, broken)


def test_a_report_says_what_was_put_into_it(document: Document) -> None:
    assert json.loads(json_report.render(document)) == document


def test_a_number_that_json_cannot_hold_becomes_a_string(document: Document) -> None:
    odd: Any = {**document, "extra": [float("nan"), {"deep": float("-inf")}]}
    assert json.loads(json_report.render(odd))["extra"] == ["nan", {"deep": "-inf"}]


def test_the_file_is_ascii_so_that_no_reader_can_stumble(hostile_document: Document) -> None:
    assert json_report.render(hostile_document).isascii()
