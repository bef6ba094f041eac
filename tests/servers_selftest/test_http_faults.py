"""The HTTP server is well-behaved by itself, and its faults are really there."""

from __future__ import annotations

import gzip
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Start = Callable[..., Any]

HELLO = {"text": "hello"}


@pytest.mark.parametrize("options", [(), ("--sse",)])
def test_healthy_server_answers_in_both_eras(web: Start, options: tuple[str, ...]) -> None:
    site = web(*options)
    assert site.call(text="hello", stateless=True).result["structuredContent"] == HELLO
    assert site.open().result["protocolVersion"] == "2025-11-25"
    assert site.call(text="hello").result["structuredContent"] == HELLO
    assert site.post("server/discover", stateless=True).result["supportedVersions"] == ["2026-07-28"]


def test_healthy_server_streams_progress_before_the_answer(web: Start) -> None:
    params = {"name": "wait", "arguments": {"steps": 2}, "_meta": {"progressToken": "p"}}
    said = web().post("tools/call", params, stateless=True)

    assert said.headers["Content-Type"] == "text/event-stream"
    assert [message.get("method", "answer") for message in said.messages] == ["notifications/progress"] * 2 + ["answer"]


def test_sessions_are_needed_known_and_ended(web: Start) -> None:
    site = web()
    assert site.post("tools/list").status == 400
    site.open()
    assert site.post("tools/list").status == 200
    assert site.send("DELETE", Mcp_Session_Id=site.session).status == 204
    assert site.post("tools/list").status == 404


def test_older_transport_answers_on_its_stream(web: Start) -> None:
    site = web()
    connection = http.client.HTTPConnection(site.place, timeout=20)
    connection.request("GET", "/sse", headers={"Accept": "text/event-stream"})
    stream = connection.getresponse()
    assert stream.readline() == b"event: endpoint\n"
    place = stream.readline().removeprefix(b"data: ").strip().decode()
    params = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()

    assert site.send("POST", place, body).status == 202
    assert [stream.readline() for _ in range(2)] == [b"\n", b"event: message\n"]
    assert json.loads(stream.readline()[6:])["result"]["protocolVersion"] == "2024-11-05"
    connection.close()


def test_token_is_needed_and_its_source_is_named(web: Start) -> None:
    site = web("--token", "t0ken")
    refused = site.post("tools/list", stateless=True)
    place = refused.headers["WWW-Authenticate"].split('"')[1]

    assert refused.status == 401
    assert site.post("tools/list", stateless=True, Authorization="Bearer t0ken").status == 200
    known = json.loads(site.send("GET", place.removeprefix(f"http://{site.place}")).body)
    assert known["resource"] == site.url


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_tls_certificate_is_not_trusted(web: Start, tmp_path: Path) -> None:
    pair = (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [*request, "-subj", "/CN=localhost", "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True
    )
    site = web("--tls", *pair)

    with pytest.raises(ssl.SSLCertVerificationError):
        http.client.HTTPSConnection(site.place, timeout=20).request("GET", "/mcp")


ANSWERS: dict[str, Callable[[Any], bool]] = {
    "status": lambda said: said.status == 500,
    "status=401": lambda said: said.status == 401 and "WWW-Authenticate" in said.headers,
    "status=403": lambda said: said.status == 403,
    "status=404": lambda said: said.status == 404,
    "status=429": lambda said: said.status == 429 and said.headers["Retry-After"] == "1",
    "status=503": lambda said: said.status == 503 and said.headers["Retry-After"] == "1",
    "busy": lambda said: said.status == 429,
    "redirect-loop": lambda said: said.status == 307 and said.headers["Location"] == "/mcp",
    "redirect-to=http://other.invalid/mcp": lambda said: said.headers["Location"] == "http://other.invalid/mcp",
    "content-type": lambda said: said.headers["Content-Type"] == "text/plain",
    "content-type=application/xml": lambda said: said.headers["Content-Type"] == "application/xml",
    "html-page": lambda said: said.status == 200 and b"<html>" in said.body,
    "html-page=502": lambda said: said.status == 502 and b"<html>" in said.body,
    "empty-body": lambda said: said.status == 200 and said.body == b"",
    "accepted-only": lambda said: said.status == 202,
    "bad-json": lambda said: said.body.startswith(b'{"jsonrpc"') and not said.body.endswith(b"}"),
    "array-body": lambda said: isinstance(json.loads(said.body), list),
    "slow-body=0": lambda said: said.messages[0]["result"]["structuredContent"] == HELLO,
    "huge-body=3000000": lambda said: len(said.body) > 3_000_000 and "result" in said.messages[0],
    "gzip-bomb=5000000": lambda said: len(said.body) < 50_000 and len(gzip.decompress(said.body)) > 5_000_000,
    "gzip-always": lambda said: b"hello" in gzip.decompress(said.body),
    "gzip-corrupt": lambda said: said.headers["Content-Encoding"] == "gzip" and b"hello" in said.body,
    "large-headers=50": lambda said: sum(map(len, said.headers.values())) > 50_000,
    "http-1-0": lambda said: said.headers["Connection"] == "close",
    "sse-without-answer": lambda said: "id" not in said.messages[0] and len(said.messages) == 1,
    "sse-variants": lambda said: said.body.startswith(b"\xef\xbb\xbf:") and b"id:7\r\n" in said.body,
    "sse-bad-json": lambda said: said.body.startswith(b"data: {oops\n\n"),
    "sse-huge-event=3000000": lambda said: len(said.body) > 3_000_000 and len(said.messages) == 1,
    "wrong-id": lambda said: said.messages[0]["id"] == "nobody-asked",
    "result-and-error": lambda said: {"result", "error"} <= set(said.messages[0]),
    "attack": lambda said: "::error" in said.result["content"][0]["text"],
}


@pytest.mark.parametrize("fault", ANSWERS)
def test_fault_spoils_the_answer_and_nothing_else(web: Start, fault: str) -> None:
    site = web("--fault", fault)

    assert ANSWERS[fault](site.call(text="hello", stateless=True))
    assert site.call("add", a=1, b=2, stateless=True).result["structuredContent"] == {"sum": 3}


def test_fault_can_be_moved_to_another_method(web: Start) -> None:
    site = web("--fault", "status=503@tools/list", "--fault", "status=404@initialize")

    assert site.open().status == 404
    assert site.post("tools/list", stateless=True).status == 503
    assert site.call(text="hello", stateless=True).status == 200


def test_busy_is_over_after_a_while(web: Start) -> None:
    site = web("--fault", "busy=2@*")

    assert [site.call(text="hello", stateless=True).status for _ in range(3)] == [429, 429, 200]


BROKEN = {
    "truncated-body": http.client.IncompleteRead,
    "bad-chunk": (http.client.IncompleteRead, ValueError),
    "no-http": http.client.BadStatusLine,
    "reset": ConnectionError,
    "close": (http.client.RemoteDisconnected, ConnectionError),
    "sse-drop": http.client.IncompleteRead,
    "exit-mid-call": (http.client.RemoteDisconnected, ConnectionError),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_fault_breaks_the_connection(web: Start, fault: str) -> None:
    site = web("--fault", fault)

    with pytest.raises(BROKEN[fault]):
        site.call(text="hello", stateless=True)


def _received(site: Any, method: str, body: bytes, seconds: float = 0.3, **headers: str) -> bytes:
    """Return what comes in some time on a connection that may stay open."""
    host, port = site.place.split(":")
    lines = [f"{method} /mcp HTTP/1.1", f"Host: {site.place}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    came, deadline = b"", time.monotonic() + seconds
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        while (left := deadline - time.monotonic()) > 0 and len(came) < 1_000_000:
            connection.settimeout(left)
            try:
                chunk = connection.recv(1 << 16)
            except TimeoutError:
                break
            came += chunk
            if not chunk:
                break
    return came


CALL = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "hello"}}}
).encode()


def test_silent_and_endless_streams_stay_open(web: Start) -> None:
    assert _received(web("--fault", "silent"), "POST", CALL) == b""
    assert b": wait\n" in _received(web("--fault", "sse-silent"), "POST", CALL)
    endless = _received(web("--fault", "sse-never-ends"), "POST", CALL)
    assert b"hello" in endless
    assert not endless.endswith(b"0\r\n\r\n")
    assert _received(web("--fault", "delete-silent"), "DELETE", b"") == b""


def test_get_streams_end_at_once_or_flood(web: Start) -> None:
    ending = web("--fault", "get-ends")
    assert ending.send("GET", Accept="text/event-stream").body == b"retry: 0\n\n"
    assert web("--fault", "get-refused").send("GET").status == 405
    assert web("--fault", "delete-refused").send("DELETE").status == 405
    flood = web("--fault", "get-flood")
    flood.open()
    came = _received(flood, "GET", b"", 2.0, Accept="text/event-stream", Mcp_Session_Id=flood.session)
    assert came.count(b"list_changed") > 100


def test_broken_stream_can_be_resumed(web: Start) -> None:
    site = web("--fault", "sse-resume")
    site.open()
    broken = _received(site, "POST", CALL, Mcp_Session_Id=site.session)
    event = broken.split(b"id: ")[1].split(b"\n")[0].decode()
    named = {"Accept": "text/event-stream", "Mcp_Session_Id": site.session, "Last_Event_ID": event}

    assert b"hello" not in broken
    assert b"hello" in _received(site, "GET", b"", **named)


def test_session_is_lost_once_and_can_be_begun_again(web: Start) -> None:
    site = web("--fault", "lost-session=2")
    site.open()
    statuses = [site.call(text="hello").status for _ in range(3)]
    site.open()

    assert statuses == [200, 404, 404]
    assert site.call(text="hello").status == 200


def test_session_names_can_be_none_or_bad(web: Start) -> None:
    assert "Mcp-Session-Id" not in web("--fault", "no-session").open().headers
    assert " " in web("--fault", "session-with-space").open().headers["Mcp-Session-Id"]


def test_older_transport_alone_and_its_foreign_endpoint(web: Start) -> None:
    assert web("--fault", "legacy-only").post("tools/list", stateless=True).status == 404
    site = web("--fault", "other-endpoint")
    host, port = site.place.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"GET /sse HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n")
        stream = connection.makefile("rb")
        lines = iter(stream.readline, b"")
        assert b"data: http://attacker.invalid/messages\n" in lines


def test_credentials_that_arrive_are_noted(web: Start) -> None:
    site = web()
    site.post("tools/list", stateless=True, Authorization="Bearer canary-7531")

    assert site.peer.pump(lambda: b"canary-7531" in site.peer.errors)
