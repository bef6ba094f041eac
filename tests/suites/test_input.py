"""A server that breaks one rule about asking its client is found out by the check of that rule, and by no other."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from mcp_assay.readiness.settings import Settings
from mcp_assay.wire.callbacks import Callbacks
from mcp_assay.wire.exchange import Exchange
from mcp_assay_suites.connectivity import CHECKS as CONNECTIVITY
from mcp_assay_suites.execution import CHECKS as EXECUTION
from mcp_assay_suites.execution.form_fields import field_problem
from mcp_assay_suites.execution.input_rounds import is_readable, makes_a_difference
from mcp_assay_suites.exercising.input_rounds import Reply, Rounds, asked_meanwhile
from mcp_assay_suites.exercising.wrong_input import tampered
from mcp_assay_suites.observing.secrecy import wants_secret
from mcp_assay_suites.schema import CHECKS as SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
ASKED_OF = {"EXEC-001", "DISC-011", "TASK-003"}
CHECKS = [
    *(check for check in (*CONNECTIVITY, *SCHEMA) if check.id not in {"CONN-002", "ADV-020", "DEP-002"}),
    *(check for check in EXECUTION if check.id in ASKED_OF or check.id.startswith(("MRTR-", "ELIC-"))),
]
IN_HANDSHAKE = ("MRTR-010", "ELIC-001", "ELIC-002", "ELIC-003")
IN_STATELESS = (
    *IN_HANDSHAKE, "MRTR-002", "MRTR-003", "MRTR-004", "MRTR-005", "MRTR-006", "MRTR-007", "MRTR-008", "MRTR-009",
    "ELIC-004", "CACHE-005", "DISC-010", "DISC-011", "TASK-003",
)  # fmt: skip
SETTINGS = Settings(check_s=60.0, allow_writes=True, examples=2)
SECRECY = json.loads(files("mcp_assay_suites").joinpath("observing", "secrecy.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def handshake(bench) -> Mapping[str, object]:
    servers = {name: bench.raw("--era", "handshake", "--violate", name) for name in IN_HANDSHAKE}
    servers["healthy"] = bench.raw("--era", "handshake")
    return bench.judge(servers, CHECKS, settings=SETTINGS, callbacks=Callbacks.declining())


@pytest.fixture(scope="module")
def stateless(bench) -> Mapping[str, object]:
    servers = {name: bench.raw("--era", "stateless", "--violate", name) for name in IN_STATELESS}
    servers["healthy"] = bench.raw("--era", "stateless")
    return bench.judge(servers, CHECKS, protocol=STATELESS, settings=SETTINGS, callbacks=Callbacks.declining())


@pytest.mark.parametrize(
    ("era", "check"),
    [*(("handshake", check) for check in IN_HANDSHAKE), *(("stateless", check) for check in IN_STATELESS)],
)
def test_a_server_that_asks_wrongly_is_found_by_its_own_check_alone(request, also_violated, era, check):
    judged = request.getfixturevalue(era)[check]
    assert check in judged.findings, [(verdict.outcome, verdict.reason) for verdict in judged.of(check)]
    assert judged.findings[check].outcome in {"fail", "warn"}
    assert judged.findings[check].exchange, "a finding shows the exchange that proves it"
    allowed = {check, *also_violated[check]}
    assert {name: verdict.observed for name, verdict in judged.findings.items() if name not in allowed} == {}


@pytest.mark.parametrize(("era", "checks"), [("handshake", IN_HANDSHAKE), ("stateless", IN_STATELESS)])
def test_a_server_that_asks_properly_passes_them_all(request, era, checks):
    judged = request.getfixturevalue(era)["healthy"]
    assert {name: verdict.observed for name, verdict in judged.findings.items()} == {}
    assert {check: judged.of(check)[0].outcome for check in checks} == dict.fromkeys(checks, "pass")


def test_a_tool_that_may_not_be_called_again_is_spared(bench):
    chosen = [check for check in CHECKS if check.id in {"MRTR-004", "EXEC-001"}]
    code = (
        f"import sys;sys.path.insert(0,{str(bench.servers)!r});from rawserver import tools;"
        "tools._READ_ONLY['readOnlyHint']=tools._READ_ONLY['idempotentHint']=False;"
        "from rawserver.main import main;main()"
    )
    server = {"command": bench.python, "args": ["-S", "-c", code]}
    judged = bench.judge(
        {"writes": server}, chosen, protocol=STATELESS, settings=SETTINGS, callbacks=Callbacks.declining()
    )["writes"]
    assert "'ask' asks for input, but may not be called again" in judged.of("MRTR-004")[0].reason


@pytest.mark.parametrize("text", SECRECY["for"])
def test_a_name_of_a_secret_is_known(text):
    assert wants_secret(text)


@pytest.mark.parametrize("text", SECRECY["against"])
def test_a_name_of_something_harmless_is_spared(text):
    assert not wants_secret(text)


FIELDS = {
    "2025-06-18": {"type": "string", "enum": ["a"], "enumNames": ["A"]},
    "2025-11-25": {"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}},
    "2026-07-28": {"type": "string", "oneOf": [{"const": "a", "title": "A"}]},
}


@pytest.mark.parametrize("version", FIELDS)
def test_a_field_of_its_own_revision_is_right(version):
    assert field_problem(FIELDS[version], version) is None


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_a_field_of_a_later_revision_is_wrong_in_an_earlier_one(version):
    assert field_problem(FIELDS[version], "2025-06-18")


@pytest.mark.parametrize(
    "field",
    [
        {"type": "object", "properties": {}},
        {"type": "string", "format": "password"},
        {"type": "string", "enum": [1, 2]},
        {"type": "array", "items": {"type": "object"}},
        {"$ref": "#/$defs/x"},
        "text",
    ],
)
def test_what_is_no_field_is_wrong_in_every_revision(field):
    assert all(field_problem(field, version) for version in FIELDS)


@pytest.mark.parametrize(("method", "asked"), [("elicitation/create", True), ("roots/list", False), ("ping", False)])
def test_only_a_form_during_a_call_counts_as_a_question_of_its_tool(method, asked):
    exchange = Exchange(
        method="tools/call", id=1, sent=b"", sent_at=0, ended_at=0, related=({"id": 1, "method": method},)
    )
    assert asked_meanwhile(exchange) is asked


def test_a_changed_state_is_another_of_the_same_length():
    assert tampered("AAAA") == "AABA"
    assert tampered("") is tampered(5) is None


@pytest.mark.parametrize(("state", "plain"), [('{"a": 1}', True), ("eyJhIjogMX0=", True), ("3f9a", False), ("", False)])
def test_state_that_anybody_can_read_is_told_from_the_rest(state, plain):
    assert is_readable(state) is plain


@pytest.mark.parametrize(
    ("plain", "again", "tampered_with", "matters"),
    [("a", "a", "b", True), ("a", "a", "a", False), ("a", "b", "c", False), ("a", None, "b", False)],
    ids=["another result", "the same result", "a result that is always another", "a result that was seen once"],
)
def test_a_changed_state_counts_when_nothing_else_changes_the_result(plain, again, tampered_with, matters):
    said = {Reply.DECLINED: plain, Reply.DECLINED_AGAIN: again, Reply.TAMPERED: tampered_with}
    replies = {
        reply: Exchange(
            method="tools/call", id=1, sent=b"", sent_at=0, ended_at=0,
            message={"result": {"content": [{"type": "text", "text": text}], "_meta": {"at": str(reply)}}},
        )
        for reply, text in said.items()
        if text is not None
    }  # fmt: skip
    rounds = Rounds(tool="ask", arguments={}, question=replies[Reply.DECLINED], replies=replies)
    assert makes_a_difference(rounds) is matters
