"""Signing in at an authorization server in this process."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import stat
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import pytest_asyncio
from aiohttp import ClientSession, web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mcp_assay.config.authorization import ClientCredentials, Interactive, PrivateKey
from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.errors import ConnectError, HarnessError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.oauth.flow import signed_in
from mcp_assay.wire.oauth.renewal import CredentialBook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from mcp_assay.wire.connect import Connector

pytestmark = pytest.mark.asyncio

TOKEN = "token-of-the-test"
MESSAGE = b'{"jsonrpc":"2.0","id":7,"method":"ping"}'


class Guarded:
    """An MCP server that wants a token, and the authorization server that gives it."""

    def __init__(self) -> None:
        self.base = ""
        self.asked: list[dict[str, str]] = []
        self.given = self.taken = TOKEN
        self.lifetime = 3600
        self.uses: int | None = None
        self.odd: web.Response | None = None
        self.rotates = False
        self.down = False
        self.good: set[str] = set()
        self.seen: list[tuple[str | None, bool]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        answers = {
            "/.well-known/oauth-protected-resource/mcp": self.resource,
            "/.well-known/oauth-authorization-server": self.metadata,
            "/register": self.register,
            "/authorize": self.authorize,
            "/oauth/token": self.token,
            "/mcp": self.mcp,
        }
        answer = answers.get(request.path)
        return web.Response(status=404) if answer is None else await answer(request)

    async def resource(self, request: web.Request) -> web.StreamResponse:
        if self.odd is not None:
            return self.odd
        return web.json_response({"resource": f"{self.base}/mcp", "authorization_servers": [self.base]})

    async def metadata(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {
                "issuer": self.base,
                "authorization_endpoint": f"{self.base}/authorize",
                "token_endpoint": f"{self.base}/oauth/token",
                "registration_endpoint": f"{self.base}/register",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "client_credentials"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "private_key_jwt"],
            }
        )

    async def register(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({**await request.json(), "client_id": "registered"}, status=201)

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        back = f"{request.query['redirect_uri']}?code=c0de&state={request.query['state']}"
        return web.Response(status=302, headers={"Location": back})

    async def token(self, request: web.Request) -> web.StreamResponse:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.asked.append({**form, "authorization": request.headers.get("Authorization", "")})
        if self.down:
            return web.Response(status=503)
        if self.rotates:
            self.given = f"{TOKEN}-{len(self.asked)}"
            self.good.add(f"Bearer {self.given}")
        if self.uses is not None:
            self.given = self.taken = f"{TOKEN}-{len(self.asked)}"
            self.uses = 4
        given = {"access_token": self.given, "token_type": "Bearer", "expires_in": self.lifetime}
        return web.json_response({**given, "refresh_token": f"renew-{len(self.asked)}"})

    async def mcp(self, request: web.Request) -> web.StreamResponse:
        if self.uses is not None and request.headers.get("Authorization") == f"Bearer {self.taken}":
            self.uses -= 1
        shown = request.headers.get("Authorization")
        good = shown in self.good if self.rotates else shown == f"Bearer {self.taken}"
        self.seen.append((shown, good))
        if not good or (self.uses is not None and self.uses < 0):
            where = f'Bearer resource_metadata="{self.base}/.well-known/oauth-protected-resource/mcp"'
            return web.Response(status=401, headers={"WWW-Authenticate": where})
        if request.method != "POST":
            return web.Response(status=405)
        message = json.loads(await request.read())
        if "id" not in message:
            return web.Response(status=202)
        result = {"protocolVersion": "2025-11-25", "capabilities": {}, "tools": []}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})


@pytest_asyncio.fixture
async def guarded(nothing_left: None) -> AsyncIterator[Guarded]:
    guarded = Guarded()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", guarded.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    guarded.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield guarded
    await runner.cleanup()


def launch_of(guarded: Guarded) -> Launch:
    return Launch(name="guarded", transport=TransportKind.HTTP, url=f"{guarded.base}/mcp")


async def test_a_client_secret_opens_the_server_and_the_token_is_a_secret(
    connector: Connector, guarded: Guarded
) -> None:
    launch = await signed_in(
        launch_of(guarded), ClientCredentials(client_id="me", client_secret="s3cret", issuer=guarded.base), timeout_s=20
    )
    session = await connector.open_session(launch)
    assert (await session.list_all("tools")).problem is None
    await session.close()
    assert launch.secrets == {"access token": TOKEN}
    assert guarded.asked[0]["grant_type"] == "client_credentials"
    assert base64.b64decode(guarded.asked[0]["authorization"].removeprefix("Basic ")) == b"me:s3cret"


async def test_a_private_key_signs_for_the_authorization_server(guarded: Guarded) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    launch = await signed_in(launch_of(guarded), PrivateKey(client_id="me", key=pem, issuer=guarded.base), timeout_s=20)
    claims = jwt.decode(
        guarded.asked[0]["client_assertion"], key.public_key(), algorithms=["RS256"], audience=guarded.base
    )
    assert (claims["iss"], claims["sub"]) == ("me", "me")
    assert launch.headers["Authorization"] == f"Bearer {TOKEN}"


class Browser:
    """Goes where it is sent, and comes back."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.visits: list[asyncio.Task] = []

    def show(self, address: str) -> None:
        self.shown.append(address)
        self.visits.append(asyncio.ensure_future(self.visit(address)))

    async def visit(self, address: str) -> None:
        async with ClientSession() as browser, browser.get(address) as page:
            assert "Signed in" in await page.text()


async def test_a_person_signs_in_once_and_the_next_run_needs_none(
    guarded: Guarded, tmp_path: Path, unused_tcp_port: int
) -> None:
    grant, browser = Interactive(tokens=tmp_path / "tokens", port=unused_tcp_port), Browser()
    first = await signed_in(launch_of(guarded), grant, timeout_s=20, show=browser.show)
    await asyncio.gather(*browser.visits)
    again = await signed_in(launch_of(guarded), grant, timeout_s=20)
    assert first.headers == again.headers == {"Authorization": f"Bearer {TOKEN}"}
    assert len(browser.shown) == 1
    assert parse_qs(urlsplit(browser.shown[0]).query)["code_challenge_method"] == ["S256"]
    assert (tmp_path / "tokens" / ".gitignore").read_text() == "*\n"
    (file,) = (tmp_path / "tokens").glob("guarded-*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_an_expired_token_is_renewed_once_by_all_runs_and_nobody_is_asked(
    guarded: Guarded, tmp_path: Path, unused_tcp_port: int
) -> None:
    guarded.lifetime = -1
    grant, browser = Interactive(tokens=tmp_path, port=unused_tcp_port), Browser()
    await signed_in(launch_of(guarded), grant, timeout_s=20, show=browser.show)
    await asyncio.gather(*browser.visits)
    guarded.lifetime = 3600
    both = (signed_in(launch_of(guarded), grant, timeout_s=20) for _ in range(2))
    signed = await asyncio.gather(*both)
    asked = [(form["grant_type"], form.get("refresh_token")) for form in guarded.asked]
    assert asked == [("authorization_code", None), ("refresh_token", "renew-1")]
    assert {launch.headers["Authorization"] for launch in signed} == {f"Bearer {TOKEN}"}


async def test_a_run_asks_nobody_and_says_how_to_sign_in(guarded: Guarded, tmp_path: Path) -> None:
    with pytest.raises(ConnectError) as caught:
        await signed_in(launch_of(guarded), Interactive(tokens=tmp_path), timeout_s=20)
    assert caught.value.fault.message.startswith("nobody has signed in to this server")
    assert caught.value.fault.hint == "sign in with a browser once: mcp-assay login FILE --server guarded"


async def test_tokens_for_one_address_are_not_sent_to_another(
    guarded: Guarded, tmp_path: Path, unused_tcp_port: int
) -> None:
    grant, browser = Interactive(tokens=tmp_path, port=unused_tcp_port), Browser()
    await signed_in(launch_of(guarded), grant, timeout_s=20, show=browser.show)
    await asyncio.gather(*browser.visits)
    moved = dataclasses.replace(launch_of(guarded), url=f"{guarded.base}/mcp?other")
    with pytest.raises(ConnectError, match="nobody has signed in"):
        await signed_in(moved, grant, timeout_s=20)


async def test_a_client_registered_beforehand_registers_no_more_and_proves_itself(
    guarded: Guarded, tmp_path: Path, unused_tcp_port: int
) -> None:
    grant = Interactive(
        tokens=tmp_path, port=unused_tcp_port, client_id="me", client_secret="s3cret", issuer=guarded.base
    )
    browser = Browser()
    await signed_in(launch_of(guarded), grant, timeout_s=20, show=browser.show)
    await asyncio.gather(*browser.visits)
    assert parse_qs(urlsplit(browser.shown[0]).query)["client_id"] == ["me"]
    assert base64.b64decode(guarded.asked[0]["authorization"].removeprefix("Basic ")) == b"me:s3cret"


async def test_a_port_that_is_taken_is_named(guarded: Guarded, tmp_path: Path) -> None:
    taken = Interactive(tokens=tmp_path, port=urlsplit(guarded.base).port)
    with pytest.raises(ConnectError, match=r"signing in failed: .*address already in use"):
        await signed_in(launch_of(guarded), taken, timeout_s=20, show=lambda address: None)


async def test_a_key_that_cannot_sign_is_named_before_anybody_is_asked(guarded: Guarded) -> None:
    with pytest.raises(ConnectError, match="signing in failed: private_key cannot sign with RS256: "):
        await signed_in(launch_of(guarded), PrivateKey(client_id="me", key="no key", issuer=guarded.base), timeout_s=20)
    assert not guarded.asked


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"{" + b" " * (2 * 1024 * 1024), {}, "the answer has more than 1,048,576 bytes"),
        (b"x", {"Content-Encoding": "gzip"}, r"the answer is compressed \(gzip\)"),
    ],
)
async def test_an_answer_beyond_all_bounds_ends_the_sign_in(
    guarded: Guarded, body: bytes, headers: dict[str, str], message: str
) -> None:
    guarded.odd = web.Response(body=body, headers=headers)
    with pytest.raises(ConnectError, match=message):
        await signed_in(
            launch_of(guarded), ClientCredentials(client_id="me", client_secret="s", issuer=guarded.base), timeout_s=20
        )


async def test_a_token_that_is_not_taken_is_named(guarded: Guarded) -> None:
    guarded.given = "another"
    with pytest.raises(ConnectError) as caught:
        await signed_in(
            launch_of(guarded), ClientCredentials(client_id="me", client_secret="s", issuer=guarded.base), timeout_s=20
        )
    assert caught.value.fault.kind is FaultKind.MISSING_CREDENTIALS
    assert caught.value.fault.message == "the server does not take the token it asked for: HTTP 401"


async def test_a_secret_goes_to_no_other_authorization_server_than_its_own(guarded: Guarded) -> None:
    grant = ClientCredentials(client_id="me", client_secret="s3cret", issuer="https://elsewhere.invalid")
    with pytest.raises(ConnectError, match=r"signing in failed: .* issuer mismatch: .* https://elsewhere\.invalid"):
        await signed_in(launch_of(guarded), grant, timeout_s=20)
    assert not guarded.asked


async def test_a_server_that_cannot_be_reached_is_named(nothing_left: None, unused_tcp_port: int) -> None:
    launch = Launch(name="x", transport=TransportKind.HTTP, url=f"http://127.0.0.1:{unused_tcp_port}/mcp")
    with pytest.raises(ConnectError, match="signing in failed: All connection attempts failed"):
        await signed_in(
            launch, ClientCredentials(client_id="me", client_secret="s", issuer="http://127.0.0.1:1"), timeout_s=20
        )


async def test_a_person_who_never_comes_back_costs_the_time_given(
    guarded: Guarded, tmp_path: Path, unused_tcp_port: int
) -> None:
    grant = Interactive(tokens=tmp_path, port=unused_tcp_port)
    with pytest.raises(ConnectError, match=r"signing in failed: no token within 0\.5 s"):
        await signed_in(launch_of(guarded), grant, timeout_s=0.5, show=lambda address: None)


async def test_a_server_that_asks_for_no_token_gets_none(guarded: Guarded) -> None:
    launch = launch_of(guarded)
    open_one = Launch(
        name="open", transport=TransportKind.HTTP, url=launch.url, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    grant = ClientCredentials(client_id="me", client_secret="s", issuer=guarded.base)
    assert await signed_in(open_one, grant, timeout_s=20) is open_one


async def expiring(guarded: Guarded) -> Launch:
    """Return a launch that signed in where a token is good for four requests."""
    guarded.uses = 4
    grant = ClientCredentials(client_id="me", client_secret="s3cret", issuer=guarded.base)
    return await signed_in(dataclasses.replace(launch_of(guarded), auth=grant), grant, timeout_s=20)


async def test_a_token_that_expires_in_a_connection_is_renewed_and_nobody_is_accused(
    connector: Connector, guarded: Guarded
) -> None:
    renewed: list[Launch] = []

    async def sign_in(launch: Launch, *, timeout_s: float) -> Launch:
        renewed.append(await signed_in(launch, launch.auth, timeout_s=timeout_s))
        return renewed[-1]

    session = await dataclasses.replace(connector, sign_in=sign_in).open_session(await expiring(guarded))
    told = [await session.request("tools/list", {}) for _ in range(12)]
    raw = [
        await session.channel.transport.raw_http.raw(
            "POST", {"Content-Type": "application/json"}, MESSAGE, timeout_s=10
        )
        for _ in range(6)
    ]
    await session.close()
    assert [exchange.fault for exchange in told] == [None] * 12
    assert {reply.status for reply in raw} == {200}
    tokens = [launch.secrets["access token"] for launch in renewed]
    assert len(tokens) > 3
    assert len(set(tokens)) == len(tokens)


async def test_a_token_that_cannot_be_renewed_is_our_fault_and_no_answer_of_the_server(
    connector: Connector, guarded: Guarded
) -> None:
    async def sign_in(launch: Launch, *, timeout_s: float) -> Launch:
        raise ConnectError(Fault(kind=FaultKind.MISSING_CREDENTIALS, message=f"no token within {timeout_s:g} s"))

    session = await dataclasses.replace(connector, sign_in=sign_in).open_session(await expiring(guarded))
    guarded.uses = 0
    with pytest.raises(HarnessError, match="the access token expired and was not renewed: no token within"):
        await session.request("tools/list", {})
    await session.close()


async def test_a_server_that_refuses_a_fresh_token_is_told_as_it_is(connector: Connector, guarded: Guarded) -> None:
    async def sign_in(launch: Launch, *, timeout_s: float) -> Launch:
        return launch

    session = await dataclasses.replace(connector, sign_in=sign_in).open_session(await expiring(guarded))
    told = [await session.request("tools/list", {}) for _ in range(6)]
    await session.close()
    assert told[-1].fault is not None
    assert told[-1].fault.message.startswith("HTTP 401 Unauthorized")


class Watch:
    """What time it is, told by the test; seconds since the epoch."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


async def rotating(connector: Connector, guarded: Guarded, watch: Watch) -> tuple[Connector, Launch]:
    """Return a connector with a clock of the test's, and a launch whose token, the first of many, lasts an hour."""
    guarded.rotates = True
    grant = ClientCredentials(client_id="me", client_secret="s3cret", issuer=guarded.base)
    launch = await signed_in(dataclasses.replace(launch_of(guarded), auth=grant), grant, timeout_s=20)
    return dataclasses.replace(connector, credentials=CredentialBook(watch)), launch


def refused(guarded: Guarded) -> list[str | None]:
    """Return the tokens that the server did not take."""
    return [shown for shown, good in guarded.seen if shown is not None and not good]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds that other tasks bring about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (what is waited for sets no event)
            await asyncio.sleep(0)


async def test_a_token_is_renewed_before_it_ends_once_for_all_calls_and_none_of_them_waits(
    connector: Connector, guarded: Guarded
) -> None:
    watch = Watch()
    connector, launch = await rotating(connector, guarded, watch)
    one, other = [await connector.open_session(launch) for _ in range(2)]
    watch.ahead = 3600 - 90
    await one.request("tools/list", {})
    assert len(guarded.asked) == 1, "more than a minute is left"
    watch.ahead = 3600 - 30
    told = await asyncio.gather(*(session.request("tools/list", {}) for session in (one, other) for _ in range(8)))
    await until(lambda: one.channel.transport.client.authorization == f"Bearer {TOKEN}-2")
    late = [await session.request("tools/list", {}) for session in (one, other)]
    await asyncio.gather(one.close(), other.close())
    assert {exchange.fault for exchange in (*told, *late)} == {None}
    assert [form["grant_type"] for form in guarded.asked] == ["client_credentials"] * 2
    assert guarded.seen[-1][0] == f"Bearer {TOKEN}-2"
    assert not refused(guarded)


async def test_a_token_that_ended_while_nothing_was_asked_is_renewed_before_the_next_request(
    connector: Connector, guarded: Guarded
) -> None:
    watch = Watch()
    connector, launch = await rotating(connector, guarded, watch)
    session = await connector.open_session(launch)
    watch.ahead = 7200
    guarded.good.clear()
    told = await session.request("tools/list", {})
    raw = await session.channel.transport.raw_http.raw(
        "POST", {"Content-Type": "application/json"}, MESSAGE, timeout_s=9
    )
    await session.close()
    assert (told.fault, raw.status) == (None, 200)
    assert not refused(guarded)


async def test_a_renewal_ahead_that_fails_leaves_the_token_in_use_until_it_is_refused(
    connector: Connector, guarded: Guarded
) -> None:
    watch = Watch()
    connector, launch = await rotating(connector, guarded, watch)
    session = await connector.open_session(launch)
    guarded.down, watch.ahead = True, 3600 - 30
    told = [await session.request("tools/list", {})]
    await until(lambda: len(guarded.asked) == 2)
    told += [await session.request("tools/list", {}) for _ in range(4)]
    assert [exchange.fault for exchange in told] == [None] * 5
    assert len(guarded.asked) == 2, "a token is given one try ahead of its end"
    watch.ahead = 7200
    assert (await session.request("tools/list", {})).fault is None, "the clocks may differ: the server still takes it"
    guarded.good.clear()
    with pytest.raises(HarnessError, match=r"the access token expired and was not renewed: signing in failed: .*503"):
        await session.request("tools/list", {})
    guarded.down = False
    assert (await session.request("tools/list", {})).fault is None
    await session.close()


async def test_the_last_connection_ends_a_renewal_that_nobody_waits_for(
    connector: Connector, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_assay.wire.oauth.renewal._FAREWELL_S", 0.05)
    ended: list[str] = []

    async def sign_in(launch: Launch, *, timeout_s: float) -> Launch:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(launch.name)
        return launch

    watch = Watch()
    connector, launch = await rotating(connector, guarded, watch)
    session = await dataclasses.replace(connector, sign_in=sign_in).open_session(launch)
    watch.ahead = 3600 - 30
    assert (await session.request("tools/list", {})).fault is None
    await session.close()
    assert ended == ["guarded"]


def ends_soon(tokens: Path) -> None:
    """Let half a minute be left to the only kept token."""
    (file,) = tokens.glob("guarded-*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "expires_at": time.time() + 30}))


async def test_a_kept_token_that_ends_soon_is_renewed_and_used_all_the_same_where_that_fails(
    guarded: Guarded, tmp_path: Path, unused_tcp_port: int
) -> None:
    guarded.rotates, guarded.lifetime = True, 36_000
    grant, browser = Interactive(tokens=tmp_path, port=unused_tcp_port), Browser()
    await signed_in(launch_of(guarded), grant, timeout_s=20, show=browser.show)
    await asyncio.gather(*browser.visits)
    ends_soon(tmp_path)
    guarded.down = True
    kept = await signed_in(launch_of(guarded), grant, timeout_s=20)
    guarded.down = False
    renewed = await signed_in(launch_of(guarded), grant, timeout_s=20)
    assert kept.headers == {"Authorization": f"Bearer {TOKEN}-1"}
    assert renewed.headers == {"Authorization": f"Bearer {TOKEN}-3"}
    assert [form["grant_type"] for form in guarded.asked[1:]] == ["refresh_token"] * 2


@pytest.mark.parametrize("lifetime", [0, -5])
async def test_a_lifetime_that_cannot_be_meant_is_no_reason_to_renew_ahead(
    connector: Connector, guarded: Guarded, lifetime: int
) -> None:
    guarded.lifetime = lifetime
    grant = ClientCredentials(client_id="me", client_secret="s3cret", issuer=guarded.base)
    launch = await signed_in(dataclasses.replace(launch_of(guarded), auth=grant), grant, timeout_s=20)
    session = await connector.open_session(launch)
    told = [await session.request("tools/list", {}) for _ in range(3)]
    await session.close()
    assert {exchange.fault for exchange in told} == {None}
    assert len(guarded.asked) == 1


async def test_a_lifetime_beyond_all_numbers_ends_the_sign_in_with_a_finding(guarded: Guarded) -> None:
    guarded.lifetime = 10**400
    with pytest.raises(ConnectError, match=r"signing in failed: int(eger)? too large to convert to float"):
        await signed_in(
            launch_of(guarded), ClientCredentials(client_id="me", client_secret="s", issuer=guarded.base), timeout_s=20
        )
