"""Signing in before a run: OAuth through the official SDK's providers.

The provider visits the server once, finds its authorization server, gets a token, and the token then goes into the
launch's headers like a configured one. Nothing here is needed, or imported, for servers that take no OAuth.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.exceptions import OAuthFlowError
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl, ValidationError

from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.eras import CLIENT_INFO, HANDSHAKE_VERSIONS
from mcp_assay.wire.http_headers import POST_HEADERS, SESSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mcp_assay.config.spec import Launch

_UNAUTHORIZED = 401
_GONE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nSigned in, you can close this page.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """The client credentials grant with a secret, for CI.

    Attributes:
        client_id: The client's id.
        client_secret: Its secret.
        scope: Scopes to ask for, None for those the server names.
        issuer: The only authorization server that is given the secret; otherwise the judged server would choose it.
    """

    client_id: str
    client_secret: str = field(repr=False)
    issuer: str
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKey:
    """The client credentials grant with a signed assertion, for CI.

    Attributes:
        client_id: The client's id.
        key: The private key, PEM.
        algorithm: The signature's algorithm, for example ``RS256``.
        scope: Scopes to ask for, None for those the server names.
        issuer: The only authorization server to sign for; otherwise the judged server would choose it.
    """

    client_id: str
    key: str = field(repr=False)
    issuer: str
    algorithm: str = "RS256"
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactive:
    """A person signs in with a browser.

    Attributes:
        show: Shows or opens the address where to sign in.
        port: Port of 127.0.0.1 that the browser is sent back to.
        scope: Scopes to ask for, None for those the server names.
    """

    show: Callable[[str], None]
    port: int = 33_418
    scope: str | None = None


Grant: TypeAlias = ClientCredentials | PrivateKey | Interactive
"""A way to get a token."""


class TokenFile:
    """Keeps tokens and the client's registration: in memory, and in a file of mode 0600 when there is a path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: dict[str, object] = {}
        if path is not None:
            with contextlib.suppress(OSError, ValueError):
                loaded = json.loads(path.read_text(encoding="utf-8"))
                self._kept = cast("dict[str, object]", loaded) if isinstance(loaded, dict) else {}

    async def get_tokens(self) -> OAuthToken | None:
        """Return the tokens, or None when there are none that can be read."""
        with contextlib.suppress(ValidationError):
            return OAuthToken.model_validate(self._kept["tokens"]) if "tokens" in self._kept else None
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens."""
        self._keep("tokens", tokens.model_dump(mode="json"))

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the client's registration, or None when there is none that can be read."""
        with contextlib.suppress(ValidationError):
            return OAuthClientInformationFull.model_validate(self._kept["client"]) if "client" in self._kept else None
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the client's registration."""
        self._keep("client", client_info.model_dump(mode="json"))

    def _keep(self, name: str, value: object) -> None:
        """Keep a value; the file is private before a secret is in it."""
        self._kept[name] = value
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _write_private(self._path, json.dumps(self._kept))


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    private = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(private, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    private.replace(path)


async def signed_in(launch: Launch, grant: Grant, *, timeout_s: float, cache: Path | None = None) -> Launch:
    """Return the launch with a token in its headers.

    Args:
        launch: A server reached over HTTP.
        grant: How to get the token.
        timeout_s: Seconds for everything, a person's part included.
        cache: File that keeps tokens and registration for the next run, mode 0600; None keeps nothing.

    Returns:
        The launch with ``Authorization`` set and the token among its secrets; the same one when the server asks for
        no token.

    Raises:
        ConnectError: No token was given, or the server does not take it.
    """
    storage = TokenFile(cache)
    try:
        async with asyncio.timeout(timeout_s):
            status = await _visit(launch, _provider(launch.url or "", grant, storage))
    except (OAuthFlowError, httpx2.HTTPError, ValidationError, OSError, ValueError) as problem:
        raise ConnectError(_failed(f"signing in failed: {type(problem).__name__}: {problem}".rstrip(": "))) from None
    if status == _UNAUTHORIZED:
        raise ConnectError(_failed("the server does not take the token it asked for: HTTP 401"))
    tokens = await storage.get_tokens()
    if tokens is None:
        return launch
    kept = {name: value for name, value in launch.headers.items() if name.lower() != "authorization"}
    return replace(
        launch,
        headers={**kept, "Authorization": f"Bearer {tokens.access_token}"},
        secrets={**launch.secrets, "access token": tokens.access_token},
    )


async def _visit(launch: Launch, provider: httpx2.Auth) -> int:
    """Ask the server for a session and end it again; return the status of its answer."""
    hello = {"protocolVersion": HANDSHAKE_VERSIONS[-1], "capabilities": {}, "clientInfo": dict(CLIENT_INFO)}
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
    url, headers = launch.url or "", {**launch.headers, **POST_HEADERS}
    async with create_mcp_http_client(auth=provider) as client:
        async with client.stream("POST", url, json=message, headers=headers) as response:
            session = response.headers.get(SESSION)
        if session is not None:
            with contextlib.suppress(httpx2.HTTPError):
                await client.delete(url, headers={**launch.headers, SESSION: session})
        return response.status_code


def _provider(url: str, grant: Grant, storage: TokenFile) -> httpx2.Auth:
    """Return the SDK's provider for a grant."""
    match grant:
        case ClientCredentials():
            return ClientCredentialsOAuthProvider(
                url, storage, grant.client_id, grant.client_secret, scope=grant.scope, issuer=grant.issuer
            )
        case PrivateKey():
            signing = SignedJWTParameters(
                issuer=grant.client_id,
                subject=grant.client_id,
                signing_key=grant.key,
                signing_algorithm=grant.algorithm,
            )
            assertion = signing.create_assertion_provider()
            return PrivateKeyJWTOAuthProvider(
                url, storage, grant.client_id, assertion, scope=grant.scope, issuer=grant.issuer
            )
        case Interactive():
            return _interactive(url, grant, storage)


def _interactive(url: str, grant: Interactive, storage: TokenFile) -> OAuthClientProvider:
    """Return the provider that lets a person sign in."""
    metadata = OAuthClientMetadata(
        redirect_uris=[AnyUrl(f"http://127.0.0.1:{grant.port}/callback")],
        client_name=str(CLIENT_INFO["name"]),
        scope=grant.scope,
        token_endpoint_auth_method="none",  # noqa: S106  (the name of a method, no password)
    )

    async def show(address: str) -> None:
        grant.show(address)

    async def wait() -> AuthorizationCodeResult:
        return await _callback(grant.port)

    return OAuthClientProvider(url, metadata, storage, redirect_handler=show, callback_handler=wait)


async def _callback(port: int) -> AuthorizationCodeResult:
    """Wait for the browser to come back, and return what it brings.

    Raises:
        OSError: The port is taken.
        ValueError: The browser brings an error instead of a code.
    """
    came: asyncio.Future[dict[str, list[str]]] = asyncio.get_running_loop().create_future()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            line = (await reader.readuntil(b"\r\n")).decode("latin-1")
            target = urlsplit(line.split(" ")[1] if line.count(" ") > 1 else "")
            if target.path == "/callback" and not came.done():
                came.set_result(parse_qs(target.query))
            writer.write(_GONE)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", port):
        brought = await came
    first = {name: values[0] for name, values in brought.items()}
    if "code" not in first:
        raise ValueError(f"the authorization server says {first.get('error', 'nothing')}")
    return AuthorizationCodeResult(code=first["code"], state=first.get("state"), iss=first.get("iss"))


def _failed(message: str) -> Fault:
    """Return the fault of a sign-in."""
    return Fault(
        kind=FaultKind.MISSING_CREDENTIALS,
        message=message[:500],
        hint="check client id, secret and scopes, and whether the server's protected resource metadata is right",
    )
