"""Streamable HTTP and HTTP+SSE against servers in this process."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import FaultKind
from mcp_assay.wire.http_headers import header_value
from mcp_assay.wire.messages import AnomalyKind
from mcp_assay.wire.sse import EventParser
from mcp_assay.wire.versions import spoken_versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from mcp_assay.wire.connect import Connector

pytestmark = pytest.mark.asyncio


class Site:
    """An endpoint whose answers the test decides; the handshake is answered unless the test does."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[tuple[str, dict, dict | None]] = []
        self.answers: dict[str, Callable] = {}
        self.sessions = 0
        self.base = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        message = json.loads(body) if body else None
        self.seen.append((request.method, dict(request.headers), message))
        key = message.get("method", "answer") if isinstance(message, dict) else request.method
        if key in self.answers:
            return await self.answers[key](request, message)
        return self.default(request, message)

    def default(self, request: web.Request, message: dict | None) -> web.StreamResponse:
        if request.method == "GET":
            return web.Response(status=405)
        if request.method == "DELETE" or "id" not in message or "method" not in message:
            return web.Response(status=202)
        if message["method"] == "initialize":
            self.sessions += 1
            result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}}}
            return reply(message, result, headers={"Mcp-Session-Id": f"session-{self.sessions}"})
        return reply(message, {"tools": []})

    def headers_of(self, method: str) -> dict:
        """Return the headers of the last message of that method."""
        return next(h for m, h, body in reversed(self.seen) if (body or {}).get("method", m) == method)

    def methods(self) -> list[str]:
        return [(body or {}).get("method", method) for method, _, body in self.seen]


def reply(message: dict, result: object, **options: object) -> web.Response:
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result}, **options)


async def stream(request: web.Request, *chunks: bytes, **headers: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **headers})
    await response.prepare(request)
    for chunk in chunks:
        await response.write(chunk)
    return response


def event(message: dict, result: object, prefix: bytes = b"") -> bytes:
    return prefix + b"data: " + json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode() + b"\n\n"


@pytest_asyncio.fixture
async def site(nothing_left: None) -> AsyncIterator[Site]:
    site = Site()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", site.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    site.url = f"{site.base}/mcp"
    yield site
    await runner.cleanup()


def launch_of(url: str, transport: TransportKind = TransportKind.HTTP, **headers: str) -> Launch:
    return Launch(name="site", transport=transport, url=url, headers=headers)


async def refused(connector: Connector, launch: Launch):
    with pytest.raises(ConnectError) as caught:
        await connector.open_session(launch)
    return caught.value.fault


async def test_a_session_is_kept_shown_and_ended(connector: Connector, site: Site) -> None:
    session = await connector.open_session(launch_of(site.url, Authorization="Bearer t"))
    listing = await session.list_all("tools")
    report = await session.close()
    assert listing.problem is None
    assert listing.pages[0].http.status == 200
    assert listing.pages[0].http.stream == "json"
    assert report.needed == "http"
    headers = site.headers_of("tools/list")
    assert headers["Mcp-Session-Id"] == "session-1"
    assert headers["MCP-Protocol-Version"] == "2025-11-25"
    assert headers["Accept-Encoding"] == "identity"
    assert "MCP-Protocol-Version" not in site.headers_of("initialize")
    assert all(seen["Authorization"] == "Bearer t" for _, seen, _ in site.seen)
    assert site.methods()[-1] == "DELETE"
    assert site.methods().index("notifications/initialized") < site.methods().index("tools/list")


async def test_what_http_says_to_a_notification_is_recorded(connector: Connector, site: Site) -> None:
    session = await connector.open_session(launch_of(site.url))
    await session.request("tools/list")
    told = [kept for kept in session.log.exchanges if kept.method == "notifications/initialized"]
    await session.close()
    assert [kept.http.status for kept in told] == [202]


async def test_a_stateless_server_gets_its_headers_and_no_session(connector: Connector, site: Site) -> None:
    async def discovered(request: web.Request, message: dict) -> web.StreamResponse:
        return reply(message, {"supportedVersions": ["2026-07-28"], "capabilities": {}})

    async def unknown(request: web.Request, message: dict) -> web.StreamResponse:
        error = {"code": -32601, "message": "no"}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error}, status=404)

    site.answers = {"server/discover": discovered, "initialize": unknown}
    session = await connector.open_session(launch_of(site.url))
    await session.call_tool("grün ")
    await session.close()
    assert session.agreement.version == "2026-07-28"
    headers = site.headers_of("tools/call")
    assert headers["Mcp-Method"] == "tools/call"
    assert headers["Mcp-Name"] == header_value("grün ") == "=?base64?Z3LDvG4g?="
    assert headers["MCP-Protocol-Version"] == "2026-07-28"
    assert "Mcp-Session-Id" not in headers
    assert "DELETE" not in site.methods()


async def test_arguments_that_a_schema_wants_in_headers_are_mirrored(connector: Connector, site: Site) -> None:
    inner = {"type": "object", "properties": {"flag": {"type": "boolean", "x-mcp-header": "Flag"}}}
    properties = {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "absent": {"type": "string", "x-mcp-header": "Absent"},
        "bad": {"type": "string", "x-mcp-header": "not a token"},
        "deep": inner,
    }

    async def discovered(request: web.Request, message: dict) -> web.StreamResponse:
        return reply(message, {"supportedVersions": ["2026-07-28"], "capabilities": {}})

    async def listed(request: web.Request, message: dict) -> web.StreamResponse:
        return reply(message, {"tools": [{"name": "t", "inputSchema": {"type": "object", "properties": properties}}]})

    site.answers = {"server/discover": discovered, "tools/list": listed}
    session = await connector.open_session(launch_of(site.url), protocol="2026-07-28")
    await session.list_all("tools")
    await session.call_tool("t", {"region": "zürich", "count": 7, "bad": "x", "deep": {"flag": True}})
    await session.close()
    sent = {name: value for name, value in site.headers_of("tools/call").items() if name.startswith("Mcp-Param")}
    assert sent == {
        "Mcp-Param-Region": header_value("zürich"),
        "Mcp-Param-Count": "7",
        "Mcp-Param-Flag": "true",
    }


async def test_an_answer_in_an_event_stream_comes_with_what_was_said_before_it(
    connector: Connector, site: Site
) -> None:
    async def streamed(request: web.Request, message: dict) -> web.StreamResponse:
        note = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'
        return await stream(request, b": hello\n\nid: 1\ndata:\n\n", note, event(message, {"x": 1}, b"id: 7\n"))

    site.answers["tools/call"] = streamed
    session = await connector.open_session(launch_of(site.url))
    exchange = await session.call_tool("t")
    await session.close()
    assert exchange.result == {"x": 1}
    assert (exchange.http.stream, exchange.http.event_id) == ("sse", "7")
    assert [message["method"] for message in exchange.related] == ["notifications/progress"]


async def test_the_first_piece_of_a_stream_has_a_time_of_its_own(connector: Connector, site: Site) -> None:
    begun = asyncio.Event()

    async def in_two_pieces(request: web.Request, message: dict) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": here it comes\n\n")
        await begun.wait()
        await response.write(event(message, {"content": []}))
        return response

    site.answers["tools/call"] = in_two_pieces
    session = await connector.open_session(launch_of(site.url))
    call = asyncio.create_task(session.call_tool("t"))
    asyncio.get_running_loop().call_later(0.05, begun.set)
    streamed, plain = await call, await session.request("tools/list")
    await session.close()
    assert streamed.first_byte_s is not None
    assert 0 < streamed.first_byte_s < streamed.duration_s
    assert plain.first_byte_s is None


async def test_a_stream_that_drops_is_resumed_after_its_last_event(connector: Connector, site: Site) -> None:
    async def dropped(request: web.Request, message: dict) -> web.StreamResponse:
        site.message = message
        return await stream(request, b"id: 41\nretry: 1\ndata:\n\n")

    async def resumed(request: web.Request, message: None) -> web.StreamResponse:
        if "Last-Event-ID" not in request.headers:
            return web.Response(status=405)
        return await stream(request, event(site.message, {"resumed": True}, b"id: 42\n"))

    site.answers = {"tools/call": dropped, "GET": resumed}
    session = await connector.open_session(launch_of(site.url))
    exchange = await session.call_tool("t")
    await session.close()
    assert exchange.result == {"resumed": True}
    assert site.headers_of("GET")["Last-Event-ID"] == "41"


async def test_a_stream_that_ends_without_the_answer_is_named(connector: Connector, site: Site) -> None:
    async def dropped(request: web.Request, message: dict) -> web.StreamResponse:
        return await stream(request, b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n')

    site.answers["tools/call"] = dropped
    session = await connector.open_session(launch_of(site.url))
    exchange = await session.call_tool("t")
    await session.close()
    assert exchange.fault.message == "the event stream ended without the answer"


async def test_a_stream_left_open_after_the_answer_is_noted_and_the_answer_not_delayed(
    connector: Connector, site: Site
) -> None:
    over = asyncio.Event()

    async def endless(request: web.Request, message: dict) -> web.StreamResponse:
        response = await stream(request, event(message, {}))
        await over.wait()
        return response

    site.answers["tools/call"] = endless
    session = await connector.open_session(launch_of(site.url))
    exchange = await session.call_tool("t")
    assert exchange.result == {}
    await asyncio.wait({*session.channel.transport._tasks}, timeout=5)
    assert session.log.anomaly_counts[AnomalyKind.STREAM_OPEN] == 1
    over.set()
    await session.close()


async def test_the_server_may_speak_on_the_get_stream_and_is_answered(connector: Connector, site: Site) -> None:
    over = asyncio.Event()
    pinged = asyncio.Event()

    async def speak(request: web.Request, message: None) -> web.StreamResponse:
        response = await stream(request, b'data: {"jsonrpc":"2.0","id":"s","method":"ping"}\n\n')
        await over.wait()
        return response

    async def answered(request: web.Request, message: dict) -> web.StreamResponse:
        pinged.set()
        return web.Response(status=202)

    site.answers = {"GET": speak, "answer": answered}
    session = await connector.open_session(launch_of(site.url))
    await asyncio.wait_for(pinged.wait(), 5)
    over.set()
    await session.close()
    assert site.seen[-1][2] is None or {"id": "s", "result": {}, "jsonrpc": "2.0"} in [body for _, _, body in site.seen]
    assert session.log.server_messages[0].method == "ping"


async def test_a_lost_session_is_opened_again_once_and_the_call_is_not_repeated(
    connector: Connector, site: Site
) -> None:
    async def call(request: web.Request, message: dict) -> web.StreamResponse:
        if request.headers["Mcp-Session-Id"] == "session-1":
            return web.Response(status=404)
        return reply(message, {"in": request.headers["Mcp-Session-Id"]})

    site.answers["tools/call"] = call
    session = await connector.open_session(launch_of(site.url))
    lost = await session.call_tool("t")
    again = await session.call_tool("t")
    await session.close()
    assert lost.fault.message == "HTTP 404 Not Found: the server no longer knows the session it gave"
    assert lost.http.status == 404
    assert again.result == {"in": "session-2"}
    assert site.methods().count("initialize") == 2
    assert site.methods().count("notifications/initialized") == 2
    assert site.methods().count("tools/call") == 2
    assert session.log.anomaly_counts[AnomalyKind.LOST_SESSION] == 1


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "message"),
    [
        (
            401,
            {"WWW-Authenticate": 'Bearer realm="x"'},
            "",
            "missing-credentials",
            'WWW-Authenticate: Bearer realm="x"',
        ),
        (401, {}, "", "missing-credentials", "HTTP 401 Unauthorized without WWW-Authenticate"),
        (403, {}, "no", "http", "HTTP 403 Forbidden; body starts 'no'"),
        (404, {}, "nothing here", "http", "HTTP 404 Not Found; body starts 'nothing here'"),
        (429, {"Retry-After": "7"}, "", "http", "HTTP 429 Too Many Requests; Retry-After: 7"),
        (500, {}, '{"error":"boom"}', "http", "HTTP 500 Internal Server Error"),
        (
            503,
            {"Content-Type": "text/html"},
            "<html><h1>Bad gateway",
            "http",
            "an HTML page that starts '<html><h1>Bad gateway'",
        ),
    ],
)
async def test_an_error_status_is_named_with_what_it_says(
    connector: Connector, site: Site, status: int, headers: dict, body: str, kind: str, message: str
) -> None:
    async def refuse(request: web.Request, message: dict) -> web.StreamResponse:
        return web.Response(
            status=status,
            headers=headers,
            text=None if headers.get("Content-Type") else body,
            body=body.encode() if headers.get("Content-Type") else None,
        )

    site.answers = {"initialize": refuse, "server/discover": refuse}
    fault = await refused(connector, launch_of(site.url))
    assert fault.kind.value == kind
    assert message in fault.message


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (
            lambda message: web.Response(text="<!doctype html><title>Sign in", content_type="text/html"),
            FaultKind.SPEAKS_NO_MCP,
            "the answer is an HTML page (text/html",
        ),
        (
            lambda message: web.Response(text="ok", content_type="text/plain"),
            FaultKind.SPEAKS_NO_MCP,
            "content type text/plain; charset=utf-8 instead of JSON or an event stream",
        ),
        (lambda message: web.Response(status=202), FaultKind.HTTP, "answered by HTTP 202"),
        (lambda message: web.json_response(text=""), FaultKind.HTTP, "HTTP 200 with an empty body"),
        (lambda message: web.json_response(text="{oops"), FaultKind.UNREADABLE, "not valid JSON"),
        (
            lambda message: web.json_response({"jsonrpc": "2.0", "id": 99, "result": {}}),
            FaultKind.UNREADABLE,
            "the answer carries id 99 instead of 2",
        ),
        (
            lambda message: web.Response(
                body=gzip.compress(bytes(50_000_000)),  # what it unpacks to
                headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
            ),
            FaultKind.HTTP,
            "compressed with gzip although identity was asked for",
        ),
        (
            lambda message: web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": "x" * 2_000_000}),
            FaultKind.OVERSIZED,
            "the limit is 1,048,576",
        ),
    ],
)
async def test_a_success_without_a_usable_answer_is_named(
    connector: Connector, site: Site, make: Callable, kind: FaultKind, message: str
) -> None:
    async def answer(request: web.Request, asked: dict) -> web.StreamResponse:
        return make(asked)

    site.answers["tools/call"] = answer
    session = await connector.open_session(launch_of(site.url))
    exchange = await session.call_tool("t")
    fine = await session.request("tools/list")
    await session.close()
    assert exchange.fault.kind is kind
    assert message in exchange.fault.message
    assert fine.succeeded


async def test_an_error_without_an_id_answers_the_post_it_came_with(connector: Connector, site: Site) -> None:
    async def refuse(request: web.Request, message: dict) -> web.StreamResponse:
        error = {"code": -32600, "message": "bad"}
        return web.json_response({"jsonrpc": "2.0", "id": None, "error": error}, status=400)

    site.answers["tools/call"] = refuse
    session = await connector.open_session(launch_of(site.url))
    exchanges = await asyncio.gather(*(session.call_tool("t") for _ in range(3)))
    await session.close()
    assert [exchange.error_code for exchange in exchanges] == [-32600] * 3
    assert exchanges[0].http.status == 400


async def test_credentials_do_not_follow_a_redirect_to_another_host(connector: Connector, site: Site) -> None:
    async def elsewhere(request: web.Request, message: dict) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": site.url.replace("127.0.0.1", "localhost") + "?k=s3cret"})

    site.answers["initialize"] = elsewhere
    fault = await refused(connector, launch_of(site.url, Authorization="Bearer t"))
    assert "it redirects to http://localhost:" in fault.message
    assert "which is another origin" in fault.message
    assert "s3cret" not in fault.message
    assert len(site.seen) == 1


@pytest.mark.parametrize(("status", "works"), [(307, True), (308, True), (301, False), (303, False)])
async def test_a_redirect_at_home_is_followed_when_it_keeps_the_method(
    connector: Connector, site: Site, status: int, works: bool
) -> None:
    async def onward(request: web.Request, message: dict) -> web.StreamResponse:
        if request.path == "/mcp":
            return web.Response(status=status, headers={"Location": "/mcp/"})
        return site.default(request, message)

    site.answers["initialize"] = onward
    if works:
        await (await connector.open_session(launch_of(site.url))).close()
    else:
        assert "turns POST into GET" in (await refused(connector, launch_of(site.url))).message


async def test_a_redirect_of_a_later_call_is_followed_as_well(connector: Connector, site: Site) -> None:
    async def onward(request: web.Request, message: dict) -> web.StreamResponse:
        if request.path == "/mcp":
            return web.Response(status=308, headers={"Location": "/elsewhere"})
        return reply(message, {"path": request.path})

    site.answers["tools/call"] = onward
    session = await connector.open_session(launch_of(site.url))
    exchanges = [await session.call_tool("t") for _ in range(3)]
    await session.close()
    assert [exchange.result for exchange in exchanges] == [{"path": "/elsewhere"}] * 3


async def test_a_kept_connection_that_breaks_is_named_and_the_next_call_works(connector: Connector, site: Site) -> None:
    async def cut(request: web.Request, message: dict) -> web.StreamResponse:
        request.transport.abort()
        return web.Response()

    site.answers["tools/call"] = cut
    session = await connector.open_session(launch_of(site.url))
    exchanges = await asyncio.gather(*(session.call_tool("t") for _ in range(3)))
    fine = await session.request("tools/list")
    await session.close()
    assert {exchange.fault.kind for exchange in exchanges} == {FaultKind.HTTP}
    assert fine.succeeded


async def test_a_call_that_is_given_up_leaves_no_connection_behind(connector: Connector, site: Site) -> None:
    over = asyncio.Event()

    async def hang(request: web.Request, message: dict) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    site.answers["tools/call"] = hang
    session = await connector.open_session(launch_of(site.url))
    task = asyncio.ensure_future(session.call_tool("t"))
    await session.request("tools/list")
    task.cancel()
    await asyncio.wait({task})
    over.set()
    assert (await session.request("tools/list")).succeeded
    await session.close()
    assert not session.channel.transport.client._open


async def test_bytes_that_nobody_asked_for_end_a_connection(connector: Connector) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
        message = json.loads(await reader.readexactly(length)) if length else {}
        body = line_of(message)
        status = b"200 OK" if "id" in message else b"405 No"
        answer = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        writer.write(answer + body + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nodd")
        await reader.read()
        writer.close()

    def line_of(message: dict) -> bytes:
        result = {"protocolVersion": "2025-11-25", "capabilities": {}, "tools": []}
        return json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result}).encode()

    async with await listening(talk) as server:
        port = server.sockets[0].getsockname()[1]
        session = await connector.open_session(launch_of(f"http://127.0.0.1:{port}/mcp"))
        assert (await session.list_all("tools")).problem is None
        await session.close()


async def test_a_circle_of_redirects_ends(connector: Connector, site: Site) -> None:
    async def circle(request: web.Request, message: dict) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/mcp"})

    site.answers["initialize"] = circle
    assert "redirects in a circle" in (await refused(connector, launch_of(site.url))).message


async def test_a_slow_body_ends_with_the_requests_own_time(connector: Connector, site: Site) -> None:
    over = asyncio.Event()

    async def slow(request: web.Request, message: dict) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b"{")
        await over.wait()
        return response

    site.answers["tools/call"] = slow
    session = await connector.open_session(launch_of(site.url))
    exchange = await session.call_tool("t", timeout_s=0.2)
    await session.request("tools/list")
    over.set()
    await session.close()
    assert exchange.fault.kind is FaultKind.TIMEOUT
    assert "notifications/cancelled" in site.methods()


async def test_a_delete_that_hangs_does_not_hold_the_close_up(connector: Connector, site: Site) -> None:
    over = asyncio.Event()

    async def hang(request: web.Request, message: None) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    site.answers["DELETE"] = hang
    session = await connector.open_session(launch_of(site.url))
    await asyncio.wait_for(session.close(), 5)
    over.set()


async def listening(talk: Callable) -> asyncio.Server:
    return await asyncio.start_server(talk, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", r"did not answer in HTTP: it says 'SSH-2.0-OpenSSH_9.2\r\n\r\n'"),
        (b"\x15\x03\x03\x00\x02\x02\x0a", "did not answer in HTTP: it speaks TLS"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "changes to another protocol: HTTP 101"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{", "broke off"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "did not answer in HTTP: Invalid character in chunk size",
        ),
    ],
)
async def test_a_broken_connection_is_named(
    connector: Connector, nothing_left: None, said: bytes, message: str
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with await listening(talk) as server:
        port = server.sockets[0].getsockname()[1]
        assert message in (await refused(connector, launch_of(f"http://127.0.0.1:{port}/mcp"))).message


async def test_interim_answers_are_passed_over(connector: Connector, nothing_left: None) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await listening(talk) as server:
        port = server.sockets[0].getsockname()[1]
        fault = await refused(connector, launch_of(f"http://127.0.0.1:{port}/mcp"))
    assert fault.message.startswith("HTTP 404 Not Found")


async def test_an_address_that_says_nothing_is_told_so_and_not_taken_for_a_slow_start(
    impatient: Connector, nothing_left: None
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await listening(talk) as server:
        port = server.sockets[0].getsockname()[1]
        fault = await refused(impatient, launch_of(f"http://127.0.0.1:{port}/mcp"))
    assert fault.kind is FaultKind.START_TIMEOUT
    assert fault.hint.startswith("its address says nothing: ")


async def test_a_cookie_finds_the_same_instance_again_and_goes_with_no_other_credentials(
    connector: Connector, site: Site
) -> None:
    async def initialize(request: web.Request, message: dict) -> web.StreamResponse:
        answer = site.default(request, message)
        answer.headers.add("Set-Cookie", "LB=one; Path=/mcp; HttpOnly")
        answer.headers.add("Set-Cookie", "other=x; Path=/elsewhere")
        answer.headers.add("Set-Cookie", "foreign=x; Domain=example.invalid")
        return answer

    async def listing(request: web.Request, message: dict) -> web.StreamResponse:
        answer = site.default(request, message)
        answer.headers["Set-Cookie"] = f"LB={int(request.cookies['LB'] != 'one')}; Path=/mcp"
        return answer

    site.answers["initialize"], site.answers["tools/list"] = initialize, listing
    session = await connector.open_session(launch_of(site.url, Authorization="Bearer t"))
    for _ in range(3):
        assert (await session.request("tools/list", {})).fault is None
    raw_http = session.channel.transport.raw_http
    await raw_http.raw("POST", {"Authorization": "", "Content-Type": "application/json"}, b"{}", timeout_s=5)
    await session.close()
    shown = [headers.get("Cookie") for method, headers, _ in site.seen if method == "POST"]
    assert shown == [None, "LB=one", "LB=one", "LB=0", "LB=1", None]


async def test_a_configured_cookie_stays_as_it_is(connector: Connector, site: Site) -> None:
    async def initialize(request: web.Request, message: dict) -> web.StreamResponse:
        answer = site.default(request, message)
        answer.headers["Set-Cookie"] = "LB=one"
        return answer

    site.answers["initialize"] = initialize
    session = await connector.open_session(launch_of(site.url, Cookie="mine=1"))
    await session.request("tools/list", {})
    await session.close()
    assert {headers.get("Cookie") for method, headers, _ in site.seen if method == "POST"} == {"mine=1"}


async def test_an_http_1_0_answer_that_ends_with_the_connection_is_taken(connector: Connector) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
        message = json.loads(await reader.readexactly(length)) if length else {}
        result = {"protocolVersion": "2025-11-25", "capabilities": {}, "tools": []}
        body = json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result}).encode()
        status = b"200 OK" if "id" in message else b"405 No"
        writer.write(b"HTTP/1.0 " + status + b"\r\nContent-Type: application/json\r\n\r\n" + body)
        writer.close()

    async with await listening(talk) as server:
        port = server.sockets[0].getsockname()[1]
        session = await connector.open_session(launch_of(f"http://127.0.0.1:{port}/mcp"))
        assert (await session.list_all("tools")).problem is None
        await session.close()


async def test_an_accepted_notification_without_a_length_holds_nothing_up(connector: Connector) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
        message = json.loads(await reader.readexactly(length)) if length else {}
        if "id" in message:
            result = {"protocolVersion": "2025-11-25", "capabilities": {}, "tools": []}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + body)
        else:
            writer.write(b"HTTP/1.1 202 Accepted\r\n\r\n")
            await reader.read()
        writer.close()

    async with await listening(talk) as server:
        port = server.sockets[0].getsockname()[1]
        session = await connector.open_session(launch_of(f"http://127.0.0.1:{port}/mcp"))
        listing = await session.list_all("tools")
        assert listing.problem is None
        assert listing.pages[0].duration_s < connector.limits.exit_s
        await session.close()


@pytest.mark.parametrize("trusted", [False, True])
async def test_a_certificate_that_nobody_vouches_for_is_named(
    connector: Connector, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", site.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = f"https://localhost:{runner.addresses[0][1]}/mcp"
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        session = await connector.open_session(launch_of(url))
        assert (await session.list_all("tools")).problem is None
        await session.close()
    else:
        fault = await refused(connector, launch_of(url))
        assert "the TLS certificate of localhost:" in fault.message
        assert "is not valid: self-signed certificate" in fault.message
    await runner.cleanup()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate, private = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


async def test_a_refused_connection_is_named(connector: Connector) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        fault = await refused(connector, launch_of(f"http://127.0.0.1:{port}/mcp?key=s3cret"))
    assert fault.message == f"127.0.0.1:{port} refused the connection"


async def test_an_unknown_host_is_named(connector: Connector) -> None:
    fault = await refused(connector, launch_of("http://no-such-host.invalid/mcp"))
    assert fault.message.startswith("the host of no-such-host.invalid:80 cannot be found")


async def test_tls_to_a_plain_port_is_named(connector: Connector, site: Site) -> None:
    fault = await refused(connector, launch_of(site.url.replace("http:", "https:")))
    assert "no TLS connection to 127.0.0.1" in fault.message


@pytest.mark.parametrize("url", ["", "not a url", "ftp://x/", "http://", "http://[::1"])
async def test_a_url_that_is_none_is_named(connector: Connector, url: str) -> None:
    assert (await refused(connector, launch_of(url))).message == "the server's URL is not valid"


async def test_a_header_with_a_newline_is_our_users_mistake(connector: Connector, site: Site) -> None:
    fault = await refused(connector, launch_of(site.url, Authorization="a\r\nX: y"))
    assert fault.kind is FaultKind.WRONG_ARGUMENTS


class Legacy:
    """A server of the older transport."""

    def __init__(self, site: Site, endpoint: str = "/messages?s=1") -> None:
        self.queue: asyncio.Queue = asyncio.Queue()
        self.endpoint = endpoint
        site.answers = {
            "GET": self.speak,
            "initialize": self.take,
            "tools/list": self.take,
            "server/discover": self.take,
        }
        self.site = site

    async def speak(self, request: web.Request, message: None) -> web.StreamResponse:
        response = await stream(request, b"event: endpoint\ndata: %s\n\n" % self.endpoint.encode())
        while (said := await self.queue.get()) is not None:
            await response.write(said)
        return response

    async def take(self, request: web.Request, message: dict) -> web.StreamResponse:
        if request.path != "/messages":
            return web.Response(status=405)
        result = {"protocolVersion": "2024-11-05", "capabilities": {}, "tools": [{"name": "t"}]}
        await self.queue.put(event(message, result, b"event: message\n"))
        return web.Response(status=202, text="Accepted")


@pytest.mark.parametrize("transport", [TransportKind.SSE, TransportKind.HTTP])
async def test_an_older_server_is_spoken_to_over_its_stream(
    connector: Connector, site: Site, transport: TransportKind
) -> None:
    legacy = Legacy(site)
    session = await connector.open_session(launch_of(f"{site.base}/sse", transport))
    listing = await session.list_all("tools")
    assert session.channel.transport.kind == "sse"
    await legacy.queue.put(None)
    await session.close()
    assert listing.entries == ({"name": "t"},)
    assert listing.pages[0].http.stream == "sse"


async def test_an_endpoint_of_another_origin_is_not_used(connector: Connector, site: Site) -> None:
    legacy = Legacy(site, "http://evil.example/messages")
    fault = await refused(connector, launch_of(f"{site.base}/sse", TransportKind.SSE))
    await legacy.queue.put(None)
    assert "another origin" in fault.message


async def test_the_end_of_the_older_stream_ends_the_connection(connector: Connector, site: Site) -> None:
    legacy = Legacy(site)
    session = await connector.open_session(launch_of(f"{site.base}/sse", TransportKind.SSE))

    async def end(request: web.Request, message: dict) -> web.StreamResponse:
        await legacy.queue.put(None)
        return web.Response(status=202)

    site.answers["tools/list"] = end
    exchange = await session.request("tools/list")
    await session.close()
    assert exchange.fault.message == "the server ended the event stream"


async def test_the_spoken_revisions_are_asked_once(connector: Connector, site: Site) -> None:
    async def initialize(request: web.Request, message: dict) -> web.StreamResponse:
        asked = message["params"]["protocolVersion"]
        version = asked if asked in {"2025-03-26", "2025-06-18"} else "2025-06-18"
        return reply(message, {"protocolVersion": version, "capabilities": {}})

    site.answers["initialize"] = initialize
    launch = launch_of(site.url)
    assert await spoken_versions(connector, launch) == ("2025-03-26", "2025-06-18")
    asked = len(site.seen)
    assert await spoken_versions(connector, launch) == ("2025-03-26", "2025-06-18")
    assert len(site.seen) == asked


async def test_raw_requests_come_back_whole(connector: Connector, site: Site) -> None:
    channel = await connector.open_channel(launch_of(site.url))
    reply = await channel.transport.client.raw("GET", {"Accept": "text/event-stream"}, timeout_s=2)
    await channel.close()
    assert (reply.status, reply.complete, reply.fault) == (405, True, None)
    assert reply.header("CONTENT-LENGTH") == "0"


async def test_a_probe_is_posted_untouched_and_its_answer_taken(connector: Connector, site: Site) -> None:
    session = await connector.open_session(launch_of(site.url))
    headers = (("MCP-Protocol-Version", ""), ("X-Odd", "1"))
    data = b'{"jsonrpc":"2.0","id":"p","method":"odd"}\n'
    exchange = await session.channel.probe(data, label="odd", timeout_s=2, headers=headers)
    await session.close()
    assert exchange.result == {"tools": []}
    assert "MCP-Protocol-Version" not in site.headers_of("odd")
    assert site.headers_of("odd")["X-Odd"] == "1"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_events_are_the_same_whatever_ends_a_line_and_wherever_it_is_cut(end: bytes) -> None:
    text = b"\xef\xbb\xbf: c|id: 4|event: message|data: a|data:b|retry: 20||data||data: z||".replace(b"|", end) + b"\n"
    for size in (1, 2, 7, 1000):
        parser = EventParser(1000)
        events = [e for start in range(0, len(text), size) for e in parser.feed(text[start : start + size])]
        assert [(e.data, e.name, e.id) for e in events] == [
            (b"a\nb", "message", "4"), (b"", "message", "4"), (b"z", "message", "4"),
        ]  # fmt: skip
        assert parser.retry_s == 0.02


async def test_an_event_beyond_the_limit_is_dropped_and_the_next_one_taken() -> None:
    parser = EventParser(10)
    events = list(parser.feed(b"data: " + b"x" * 5_000 + b"\n\ndata: " + b"y\ndata: z" * 9 + b"\n\ndata: ok\n\n"))
    assert events[0].data.length > 10
    assert events[-1].data == b"ok"
    assert len(events) == 3
