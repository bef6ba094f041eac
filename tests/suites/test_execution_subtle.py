"""Faults that most calls do not show are found, and nothing is found where there is none."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from assay import Assayed, assay

from mcp_assay_suites.execution import CHECKS
from mcp_assay_suites.execution.texts import cut_at
from mcp_assay_suites.exercising.hinted import listed_in

SUBTLE = [sys.executable, "-S", "-E", str(Path(__file__).parent.parent / "servers" / "subtle.py")]
FOUND = {
    "read_page": ("TOOL-026", '{"offset": 100}: JSON-RPC error -32603'),
    "join_words": ("TOOL-026", '{"words": []}: JSON-RPC error -32603'),
    "fill_form": ("TOOL-026", '{"text": "%"}: JSON-RPC error -32603'),
    "count_settings": ("TOOL-026", '{"settings": {"'),
    "day_of_year": ("TOOL-026", '{"date": "'),
    "double": ("EXEC-001", '{"value": '),
    "sign": ("TOOL-016", '{"value": -0.0}: /negative'),
    "to_cents": (
        "TOOL-016",
        '{"text": "1"}: /cents: null is not of type "integer"; on a server just started, after',
    ),
    "greet": ("EXEC-002", '{"name": "example"}: the title of the call before it comes back although none is given'),
    "frame_text": ("EXEC-004", "of 193 KiB in text, 65536 characters come back, as many as a buffer holds"),
    "find_tags": ("TOOL-016", '{"text": ""}: /tags'),
    "count_pairs": ("EXEC-003", "65 537 characters in text: no answer"),
    "shout": ("TOOL-026", '{"text": "\\ud8'),
    "measure_tree": ("TOOL-022", '{"tree": {"branch": {"unexpectedProperty": ""}}} (/tree/branch:'),
    "area": ("TOOL-026", '{"shape": {"side": 0}}: JSON-RPC error -32603'),
    "spell": ("EXEC-003", "a NUL character in text: JSON-RPC error -32603"),
    "total": ("TOOL-026", '{"values": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}: JSON-RPC error -32603'),
    "per_metre": ("TOOL-026", '{"unit": "foot"}: JSON-RPC error -32603'),
    "find_city": (
        "TOOL-026",
        '{"city": ""}: a result without isError that consists of an error: There is no such city',
    ),
}
"""Check that finds a tool's fault, and how what it observed begins. The secret is found by the schema category."""


@pytest.fixture(scope="module")
def subtle() -> Assayed:
    return assay(SUBTLE, CHECKS)


@pytest.mark.parametrize("tool", FOUND)
def test_a_subtle_fault_is_found_and_shrunk(subtle: Assayed, tool: str) -> None:
    check, begins = FOUND[tool]
    assert (subtle[f"{check}.{tool}"].observed or "").startswith(begins)


def test_slow_is_told_from_hung(subtle: Assayed) -> None:
    observed = subtle["EXEC-003.count_pairs"].observed or ""
    assert re.search(r"; 4096 characters take [\d.]+ s; 8192 characters take [\d.]+ s$", observed)


def test_nothing_else_is_found(subtle: Assayed) -> None:
    accused = {f"{check}.{tool}" for tool, (check, _) in FOUND.items()}
    assert set(subtle.findings) == accused


def test_the_healthy_twin_has_no_finding() -> None:
    assert assay([*SUBTLE, "--healthy"], CHECKS).findings == {}


@pytest.mark.parametrize(
    ("told", "values"),
    [
        ("Unknown unit: x. Supported units: m, km, cm", ["m", "km", "cm"]),
        ("Invalid operation. Must be one of: mean, median or mode. See the manual", ["mean", "median", "mode"]),
        ("Allowed: ['one word', \"two\"]", ["one word", "two"]),
        ("format must be either (utf8|base64)", ["utf8", "base64"]),
        ("x is not one of the allowed values", []),
        ("there is no such file", []),
    ],
)
def test_values_are_read_out_of_errors(told: str, values: list[str]) -> None:
    assert listed_in(told) == values


@pytest.mark.parametrize(
    ("came", "cut"),
    [("ä" * 8_192, "16384 bytes"), ("a" * 65_536, "65536 characters"), ("a" * 65_000, None), ("b" * 65_536, None)],
)
def test_only_what_ends_at_the_size_of_a_buffer_is_cut(came: str, cut: str | None) -> None:
    told = cut_at(came[0].replace("b", "a") * 100_000, [came])
    assert (told or "").split()[:1] == (cut or "").split()[:1]
