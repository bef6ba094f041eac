"""Each violation over HTTP changes what it names, and nothing else that can be seen from outside.

The same requests go to the well-behaved server and to each violating one; the steps whose answers differ must be
exactly those listed in ``http_violations.json``. What stdio shows as well is left to ``test_violations.py``.
"""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

EXPECTED: dict[str, list[str]] = json.loads((Path(__file__).parent / "http_violations.json").read_text())
SPOILT = "resources/templates/list"
WAIT = {"name": "wait", "arguments": {"ms": 1, "steps": 1}, "_meta": {"progressToken": "p"}}
READ = {"uri": "raw://readme"}
EVENTS = "text/event-stream"


def shown(answer: Any) -> str:
    """Return what a client sees of an answer, without what differs from run to run."""
    kind, session = answer.headers.get("Content-Type"), answer.headers.get("Mcp-Session-Id")
    kept = None if session is None else re.sub("[0-9a-f]{32}", "<32 digits>", session)
    body = re.sub(r"127\.0\.0\.1:\d+", "<place>", answer.body.decode("latin-1"))
    names = sorted(name for name in answer.headers if name not in {"Content-Length", "Cache-Control"})
    wanted = re.sub(r"127\.0\.0\.1:\d+", "<place>", answer.headers.get("WWW-Authenticate", ""))
    return repr((answer.status, kind, kept, names, wanted, body))


def opened(site: Any, method: str, body: bytes, enough: bytes, **headers: str) -> str:
    """Return what comes on a connection until it ends, or until a moment after ``enough`` came."""
    host, port = site.place.split(":")
    lines = [f"{method} /mcp HTTP/1.1", f"Host: {site.place}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    came, ended = b"", False
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        while not ended:
            try:
                chunk = connection.recv(1 << 16)
            except TimeoutError:
                break
            came, ended = came + chunk, not chunk
            connection.settimeout(0.3 if enough in came else 20)
    head, _, rest = came.partition(b"\r\n\r\n")
    return repr((re.findall(rb"Content-Type: .*", head), rest, "ended" if ended else "open"))


def _stateless(site: Any, said: dict[str, str]) -> None:
    def post(label: str, method: str, params: Any = None, **headers: str) -> None:
        site.number = 0
        said[label] = shown(site.post(method, params, stateless=True, **headers))

    post("S tools", "tools/list")
    post("S foreign origin", "tools/list", Origin="http://evil.example")
    post("S foreign host", "tools/list", Host="evil.example:80")
    post("S other version header", "tools/list", MCP_Protocol_Version="2025-11-25")
    post("S no version header", "tools/list", MCP_Protocol_Version="")
    post("S unknown version", "tools/list", MCP_Protocol_Version="1900-01-01")
    post("S no method header", "tools/list", Mcp_Method="")
    post("S other method header", "tools/list", Mcp_Method="prompts/list")
    post("S upper method header", "tools/list", Mcp_Method="TOOLS/LIST")
    post("S no name header", "resources/read", READ, Mcp_Name="")
    post("S other name header", "resources/read", READ, Mcp_Name="raw://today")
    post("S encoded name header", "resources/read", READ, Mcp_Name="=?base64?cmF3Oi8vcmVhZG1l?=")
    post("S wait", "tools/call", WAIT, **{"Mcp_Param_Wait-Ms": "1"})
    post("S no parameter", "tools/call", {**WAIT, "arguments": {"steps": 1}})
    post("S no parameter header", "tools/call", WAIT)
    post("S other parameter header", "tools/call", WAIT, **{"Mcp_Param_Wait-Ms": "2"})
    post("S number in parameter header", "tools/call", WAIT, **{"Mcp_Param_Wait-Ms": "1.0"})
    post("S unknown method", "x-probe/none")
    post("S session named", "tools/list", Mcp_Session_Id="made-up")
    post("S last event", "tools/list", Last_Event_ID="1-1")
    note = json.dumps({"jsonrpc": "2.0", "method": "notifications/x-probe"}).encode()
    said["S notification"] = shown(site.send("POST", body=note, MCP_Protocol_Version="2026-07-28"))
    for label, body in (("no JSON", b'{"jsonrpc":'), ("no jsonrpc", b'{"id":1,"method":"ping"}'), ("batch", b"[]")):
        said[label] = shown(site.send("POST", body=body))


def _session(site: Any, said: dict[str, str]) -> None:
    said["H initialize"] = shown(site.open())
    named = {"Mcp_Session_Id": site.session, "MCP_Protocol_Version": "2025-11-25"}
    note = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
    said["H initialized"] = shown(site.send("POST", body=note, **named))

    def post(label: str, method: str, params: Any = None, **headers: str) -> None:
        said[label] = shown(site.post(method, params, **headers))

    post("H tools", "tools/list")
    post("H bad version header", "tools/list", MCP_Protocol_Version="1900-01-01")
    post("H no version header", "tools/list", MCP_Protocol_Version="")
    post("H no session", "tools/list", Mcp_Session_Id="")
    post("H unknown session", "tools/list", Mcp_Session_Id="made-up")
    post("H wait", "tools/call", WAIT)
    post("H wait again", "tools/call", WAIT)
    said["H event ids differ"] = repr(said["H wait"].split("id: ")[1][:3] != said["H wait again"].split("id: ")[1][:3])
    said["H wait"] = said["H wait again"] = re.sub("id: [0-9]+-", "id: <n>-", said["H wait"])
    body = json.dumps({"jsonrpc": "2.0", "id": "t", "method": SPOILT, "params": {}}).encode()
    said["H templates"] = opened(site, "POST", body, b'"t"', **named)
    said["H get"] = _listened(site, body, named)
    said["H delete"] = shown(site.send("DELETE", **named))
    post("H after delete", "tools/list")
    other = site.session
    site.session = None
    site.open()
    alike = other[:8] == site.session[:8]
    said["H session names alike"] = repr(alike)


def _listened(site: Any, body: bytes, named: dict[str, str]) -> str:
    """Return what a GET stream says while a request is answered."""
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(opened, site, "GET", b"", b"HTTP/1.1 200", Accept=EVENTS, **named)
        site.peer.pump(lambda: b"GET /mcp" in site.peer.errors)
        opened(site, "POST", body, b'"t"', **named)
        return listening.result()


def converse(site: Any) -> dict[str, str]:
    """Return what a server answered, by step."""
    said: dict[str, str] = {}
    _stateless(site, said)
    _session(site, said)
    return said


def guarded(site: Any) -> dict[str, str]:
    """Return what a server that wants a token, and one revision only, answered by step."""
    tools = {"none": "", "wrong": "Bearer wrong", "right": "Bearer t0ken"}
    said: dict[str, str] = {}
    for label, value in tools.items():
        said[f"A {label} token"] = shown(site.post("tools/list", stateless=True, Authorization=value))
    said["A metadata"] = shown(site.send("GET", "/.well-known/oauth-protected-resource/mcp"))
    said["A get"] = shown(site.send("GET", Authorization=tools["right"], Accept=EVENTS))
    said["A no version header"] = shown(
        site.post("tools/list", stateless=True, MCP_Protocol_Version="", Authorization=tools["right"])
    )
    return said


@pytest.fixture(scope="module")
def conversations(run_web: Callable[..., dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return what the well-behaved server (twice) and each violating one said."""
    options: dict[str, tuple[str, ...]] = {"": (), "again": (), **{check: ("--violate", check) for check in EXPECTED}}

    def both(chosen: tuple[str, ...]) -> dict[str, str]:
        said = run_web(converse, *chosen)
        return {**said, **run_web(guarded, "--token", "t0ken", "--era", "stateless", *chosen)}

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(options, pool.map(both, options.values()), strict=True))


def differences(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return the steps at which two servers said different things."""
    return sorted(label for label in {*one, *other} if one.get(label) != other.get(label))


def test_the_well_behaved_server_says_the_same_twice(conversations: dict[str, dict[str, str]]) -> None:
    assert differences(conversations[""], conversations["again"]) == []


@pytest.mark.parametrize("check", EXPECTED)
def test_violation_shows_where_it_must_and_nowhere_else(check: str, conversations: dict[str, dict[str, str]]) -> None:
    assert differences(conversations[""], conversations[check]) == EXPECTED[check]
