"""The ten places where the specification contradicts itself, or others contradict it, and how each is settled."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from mcp_assay.core.verdicts import Level
from mcp_assay.readiness.settings import Gate, Settings
from mcp_assay.wire.exchange import Exchange, HttpMeta
from mcp_assay_suites import all_checks
from mcp_assay_suites.catalogue import CATALOGUE, NOT_JUDGED
from mcp_assay_suites.connectivity.base import refused_by_http
from mcp_assay_suites.observing.traffic import Received
from mcp_assay_suites.schema.caching import CACHEABLE
from mcp_assay_suites.schema.wire import schema_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
IDS = {
    "BASE-002", "BASE-012", "BASE-025", "DISC-006", "DISC-015", "EXEC-001", "LIFE-003", "RES-008", "STDIO-006",
    "SUB-001", "TOOL-004", "TOOL-005", "TOOL-021", "TOOL-022", "TOOL-023",
}  # fmt: skip
CHOSEN = [check for check in all_checks() if check.id in IDS]
STRICT = Settings(check_s=60.0, examples=1, gate=Gate.ALL)

SUPPORTED_NAMED = """
def refuse(request):
    asked = request.params.get("protocolVersion") if request.method == "initialize" else "2025-11-25"
    if asked in server.handshake_revisions:
        return False
    data = {"supported": server.handshake_revisions, "requested": asked}
    request.fail(RpcError(-32602, "Unsupported protocol version", data))
    return True
server.on_request.append(refuse)
"""
CANCELS_LISTEN = """
def cancel(message, request):
    if message.get("method") == "notifications/subscriptions/acknowledged" and isinstance(request.id, str):
        later = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request.id}}
        request.connection.later(0, lambda: request.connection.send(later))
    return [message]
server.on_message.append(cancel)
"""
BACKEND_GONE = """
def fail(request):
    if request.method not in {"resources/list", "resources/read"}:
        return False
    request.fail(RpcError(-32603, "getaddrinfo ENOTFOUND"))
    return True
server.on_request.append(fail)
"""
LONG_NAME = "server.tool('echo').definition['name'] = 'n' * 128"
SLASHED_NAME = "server.tool('echo').definition['name'] = 'text/echo'"


@pytest.fixture(scope="module")
def changed(bench):
    """Return a raw server that is changed by some lines before it serves."""

    def make(lines: str, *eras: str) -> dict[str, object]:
        code = (
            f"import sys; sys.path.insert(0, {str(bench.servers)!r})\n"
            "from rawserver.protocol import RpcError\nfrom rawserver.server import Server\n"
            f"from rawserver.stdio import Stdio\nserver = Server(eras={eras!r})\n{lines}\nStdio(server).run()"
        )
        return {"command": sys.executable, "args": ["-S", "-c", code]}

    return make


@pytest.fixture(scope="module")
def handshake(bench, changed) -> Mapping[str, object]:
    servers = {
        "healthy": bench.raw(),
        "wrong arguments": bench.raw("--violate", "TOOL-023"),
        "unknown tool": bench.raw("--violate", "TOOL-021"),
        "long name": changed(LONG_NAME, "handshake"),
        "name with a slash": changed(SLASHED_NAME, "handshake"),
        "supported named": changed(SUPPORTED_NAMED, "handshake"),
        "backend gone": changed(BACKEND_GONE, "handshake"),
    }
    return bench.judge(servers, CHOSEN, settings=STRICT)


@pytest.fixture(scope="module")
def stateless(bench, changed) -> Mapping[str, object]:
    servers = {
        "dual era": bench.raw("--violate", "DISC-006"),
        "one era": bench.raw("--era", "stateless", "--violate", "DISC-006"),
        "cancels listen": changed(CANCELS_LISTEN, "stateless"),
    }
    return bench.judge(servers, CHOSEN, protocol=STATELESS, settings=STRICT)


def test_1_wrong_arguments_may_be_a_tool_error_and_a_protocol_error_is_only_a_warning(handshake):
    assert "TOOL-023" not in handshake["healthy"].findings
    assert handshake["wrong arguments"].findings["TOOL-023"].outcome == "warn"


def test_2_an_unknown_tool_as_a_tool_error_is_no_violation_of_a_must(handshake):
    assert set(CATALOGUE["TOOL-021"].levels.values()) == {Level.DESC}
    assert set(handshake["unknown tool"].findings) == {"TOOL-021"}


def test_3_an_error_without_a_readable_id_may_carry_null(handshake):
    assert handshake["healthy"].findings == {}
    nameless = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "Parse error"}}
    exchange = Exchange(method="<malformed JSON>", id=None, sent=b"", sent_at=0, ended_at=0, message=nameless)
    assert list(schema_problems(Received(message=nameless, raw=b"", exchange=exchange), HANDSHAKE)) == []


@pytest.mark.parametrize(("status", "refused"), [(400, True), (415, True), (500, False), (200, False)])
def test_a_client_error_of_http_refuses_a_message_without_a_json_rpc_error(status, refused):
    http = HttpMeta(status=status, headers=(), stream="none")
    assert refused_by_http(Exchange(method="<x>", id=None, sent=b"", sent_at=0, ended_at=0, http=http)) is refused


def test_4_names_follow_the_page_and_not_the_older_text(handshake):
    assert {"TOOL-004", "TOOL-005"} & set(handshake["long name"].findings) == set()
    assert "'/'" in handshake["name with a slash"].findings["TOOL-005"].observed


def test_5_a_subscription_may_be_ended_by_a_cancellation_or_a_result(stateless):
    assert stateless["cancels listen"].of("STDIO-006")[0].outcome == "pass"
    assert "SUB-008" in NOT_JUDGED


def test_6_six_methods_carry_caching_hints():
    assert len(CACHEABLE) == 6
    assert "server/discover" in CACHEABLE


def test_7_a_server_of_both_eras_may_read_a_request_without_envelope_as_the_older_one(stateless):
    assert stateless["dual era"].findings["DISC-006"].outcome == "warn"
    assert stateless["one era"].findings["DISC-006"].outcome == "fail"


def test_8_a_version_error_that_names_what_is_supported_is_only_a_warning(handshake):
    finding = handshake["supported named"].findings["LIFE-003"]
    assert finding.outcome == "warn"
    assert "as in the page's own example" in finding.observed


@pytest.mark.parametrize(("version", "allowed"), [("2025-06-18", False), (HANDSHAKE, False), (STATELESS, True)])
def test_9_a_property_may_be_described_by_true_since_the_latest_revision_only(version, allowed):
    tool = {"name": "x", "inputSchema": {"type": "object", "properties": {"a": True}}}
    result = {"tools": [tool], "resultType": "complete", "ttlMs": 0, "cacheScope": "public"}
    exchange = Exchange(method="tools/list", id=1, sent=b"", sent_at=0, ended_at=0)
    item = Received(message={"jsonrpc": "2.0", "id": 1, "result": result}, raw=b"", exchange=exchange)
    assert (list(schema_problems(item, version)) == []) is allowed


def test_10_servers_are_judged_over_pipes_whatever_their_tools_are_called(handshake):
    assert {verdict.tool for verdict in handshake["healthy"].of("EXEC-001")} >= {"echo", "media"}
    assert "pass" in {verdict.outcome for verdict in handshake["healthy"].of("EXEC-001")}


def test_an_internal_error_of_a_server_that_cannot_list_either_is_no_wrong_code_for_the_unknown(handshake):
    assert [verdict.outcome for verdict in handshake["backend gone"].of("RES-008")] == ["skip"]
    assert [verdict.outcome for verdict in handshake["healthy"].of("RES-008")] == ["pass"]
