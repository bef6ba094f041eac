"""Texts and answers that must not be mixed up, against processes of a few lines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from assay import Assayed, assay

from mcp_assay.core.verdicts import Outcome
from mcp_assay.readiness.settings import Settings
from mcp_assay_suites.execution.texts import CHECKS, FOREIGN, harm_done

RAW = Path(__file__).parent.parent / "servers" / "raw.py"
FEW = Settings(examples=1)

INLINE = """
import json, sys
HINTS = {"readOnlyHint": True, "openWorldHint": False}
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
def answer(text):
    return BODY
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    result = {}
    if message["method"] == "initialize":
        result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "inline", "version": "1"}}
    if message["method"] == "tools/list":
        result = {"tools": [{"name": "say", "inputSchema": SCHEMA, "annotations": HINTS}]}
    if message["method"] == "tools/call":
        result = {"content": [{"type": "text", "text": answer(message["params"]["arguments"]["text"])}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def said(body: str) -> Assayed:
    return assay([sys.executable, "-c", INLINE.replace("BODY", body)], CHECKS, settings=FEW)


def raw(*options: str) -> Assayed:
    return assay([sys.executable, "-S", "-E", str(RAW), *options], CHECKS, settings=FEW, tools=("echo",))


def test_a_tool_that_returns_what_it_was_given_passes_every_check() -> None:
    found = said("text")
    assert {name: verdict.outcome for name, verdict in found.verdicts.items()} == {
        "EXEC-002.say": Outcome.PASS,
        "EXEC-003.say": Outcome.PASS,
        "EXEC-004.say": Outcome.PASS,
    }


IN_PIECES = (
    "(lambda raw: ''.join(raw[at:at + 65_536].decode('utf-8', 'replace') for at in range(0, len(raw), 65_536)))"
    "(text.encode('utf-8', 'surrogatepass'))"
)


def test_a_tool_that_decodes_long_text_piece_by_piece_is_found() -> None:
    found = said(IN_PIECES)
    assert found.findings == {"EXEC-004.say": "warn"}
    assert "come back as U+FFFD, the first at" in (found["EXEC-004.say"].observed or "")


def test_a_tool_that_cuts_long_text_is_not_accused() -> None:
    assert said("text[:2_000]").findings == {}


def test_a_tool_that_returns_nothing_of_its_arguments_is_not_accused() -> None:
    found = said("str(len(text))")
    assert found.findings == {}
    assert not found["EXEC-002.say"].applicable
    assert not found["EXEC-004.say"].applicable


@pytest.mark.parametrize(
    "body", ["text.upper()", "text[:10]", "''.join(c for c in text if c.isascii())", "text.title()"]
)
def test_a_tool_that_changes_text_on_purpose_is_not_accused(body: str) -> None:
    assert said(body).findings == {}


@pytest.mark.parametrize(("fault", "words"), [("mixed-up", "the call before it"), ("swapped-answers", "6 calls open")])
def test_an_answer_that_belongs_to_another_call_is_found(fault: str, words: str) -> None:
    found = raw("--fault", fault)
    assert found["EXEC-002.echo"].outcome is Outcome.FAIL
    assert words in (found["EXEC-002.echo"].observed or "")


@pytest.mark.parametrize(
    "body",
    [
        "text.encode().decode('latin-1')",
        "text.encode('ascii', 'replace').decode()",
        "text.encode('latin-1', 'replace').decode('latin-1')",
        "text.encode().decode('ascii', 'replace')",
    ],
)
def test_a_wrong_encoding_is_found_by_the_form_it_gives_the_text(body: str) -> None:
    assert set(said(body).findings) == {"EXEC-004.say"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("text if '\\0' not in text else sys.exit(4)", "a NUL character"),
        ("text if len(text) < 100_000 else sys.exit(4)", "256 KiB"),
        ("text if all(ord(c) < 65536 for c in text) else sys.exit(4)", "characters beyond the basic plane"),
    ],
)
def test_a_text_that_ends_the_server_is_named(body: str, kind: str) -> None:
    verdict = said(body)["EXEC-003.say"]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.observed == f"{kind} in text: the server exited with status 4"


def test_text_that_merely_lacks_characters_is_no_harm() -> None:
    assert harm_done(["grue", "", "something else"]) is None
    assert harm_done([f"it said {FOREIGN}!"]) is None
