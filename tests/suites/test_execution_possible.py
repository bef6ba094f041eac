"""Schemas that nothing fits are findings, and none of them takes long."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from assay import assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay_suites.execution import CHECKS
from mcp_assay_suites.execution.possible import possible_to_call

LISTED = Path(__file__).with_name("listed.py")
REQUIRED = {"type": "object", "required": ["a"]}
SCHEMAS = {
    "good": {"type": "object", "properties": {"a": {"type": "string"}}},
    "contradiction": {**REQUIRED, "properties": {"a": {"type": "string", "minLength": 5, "maxLength": 2}}},
    "nothing": {**REQUIRED, "properties": {"a": False}},
    "no_end": {**REQUIRED, "properties": {"a": {"$ref": "#"}}},
    "crossed": {"allOf": [{"type": "object"}, {"type": "string"}]},
    "beyond_us": {**REQUIRED, "properties": {"a": {"type": "string", "pattern": "^.*(?<=foo)bar$"}}},
    "slow_pattern": {**REQUIRED, "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}},
}
UNACCUSED = {"good", "beyond_us", "slow_pattern"}


def test_schemas_that_nothing_fits_are_found_and_others_are_not() -> None:
    tools = [{"name": name, "inputSchema": schema} for name, schema in SCHEMAS.items()]
    found = assay([sys.executable, str(LISTED), json.dumps({"tools": tools})], [possible_to_call])
    assert set(found.findings) == {f"EXEC-005.{name}" for name in SCHEMAS if name not in UNACCUSED}
    assert found["EXEC-005.good"].outcome is Outcome.PASS
    assert found["EXEC-005.slow_pattern"].outcome is Outcome.PASS
    assert found["EXEC-005.beyond_us"].outcome is Outcome.SKIP


def test_it_is_one_of_the_execution_checks() -> None:
    assert possible_to_call in CHECKS
