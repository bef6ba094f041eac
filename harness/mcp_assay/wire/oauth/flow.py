"""From a grant to a token: the SDK's provider visits the server once, finds its authorization server and asks there.

The token then goes into the launch's headers like a configured one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.exceptions import OAuthFlowError
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata
from pydantic import AnyUrl, ValidationError

from mcp_assay.config.authorization import DEFAULT_PORT, ClientCredentials, Interactive, PrivateKey
from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.wire.eras import CLIENT_INFO, HANDSHAKE_VERSIONS
from mcp_assay.wire.http_headers import POST_HEADERS, SESSION
from mcp_assay.wire.oauth.bounds import bounded
from mcp_assay.wire.oauth.callback import PATH, Callback
from mcp_assay.wire.oauth.signing import with_token
from mcp_assay.wire.oauth.tokens import TokenFile, one_at_a_time, token_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.config.authorization import Grant
    from mcp_assay.config.spec import Launch

_UNAUTHORIZED = 401
_LONGEST_MESSAGE = 500
_AHEAD_S = 10.0
"""Seconds for renewing a token that is still good, so that there is time left to use it."""
# The SDK logs each failed flow with its traceback; without a handler Python prints that to stderr.
logging.getLogger("mcp.client.auth").addHandler(logging.NullHandler())


class NobodySignedInError(Exception):
    """A person would have to sign in, and there is none to ask."""


@dataclass(frozen=True, slots=True)
class _Person:
    """Whoever signs in.

    Attributes:
        show: Shows or opens an address, None when there is nobody.
        callback: Where the browser comes back to.
    """

    show: Callable[[str], None] | None
    callback: Callback

    async def send(self, address: str) -> None:
        """Send the person to the authorization server.

        Raises:
            NobodySignedInError: There is nobody.
            OSError: The port for the return is taken.
        """
        if self.show is None:
            raise NobodySignedInError
        await self.callback.listen()
        self.show(address)

    async def returned(self) -> AuthorizationCodeResult:
        """Wait for the return and say what it brings."""
        return await self.callback.result()


async def signed_in(
    launch: Launch, grant: Grant, *, timeout_s: float, show: Callable[[str], None] | None = None
) -> Launch:
    """Return the launch with a token in its headers.

    Args:
        launch: A server reached over HTTP.
        grant: How to get the token.
        timeout_s: Seconds for everything, a person's part included.
        show: Shows or opens the address where a person signs in; None when there is nobody to ask, so that only kept
            tokens will do.

    Returns:
        The launch with ``Authorization`` set and the token among its secrets; the same one when the server asks for
        no token.

    Raises:
        ConnectError: No token was given, or the server does not take it.
    """
    path = token_path(launch, grant) if isinstance(grant, Interactive) else None
    try:
        async with asyncio.timeout(timeout_s), one_at_a_time(path):
            storage = TokenFile(path, _registered(grant))
            status = await _ask_for_token(launch, grant, storage, show)
    except NobodySignedInError:
        raise ConnectError(_nobody(launch)) from None
    except TimeoutError:
        raise ConnectError(_failed(f"signing in failed: no token within {timeout_s:g} s")) from None
    except _EXPECTED as problem:
        raise ConnectError(_failed(f"signing in failed: {problem or type(problem).__name__}")) from None
    if status == _UNAUTHORIZED:
        raise ConnectError(_failed("the server does not take the token it asked for: HTTP 401"))
    tokens = await storage.get_tokens()
    if tokens is None:
        return launch
    return with_token(launch, tokens.access_token, lifetime=await storage.lifetime())


async def _ask_for_token(launch: Launch, grant: Grant, storage: TokenFile, show: Callable[[str], None] | None) -> int:
    """Let the provider do its work; return the status that the server answers with in the end.

    A kept token that ends soon is renewed. Where that fails and there is nobody to ask, it is used while it is good.
    """
    lifetime = await storage.lifetime()
    if show is not None or lifetime is None or not lifetime.renewed_from <= time.time() < lifetime.ends_at:
        return await _ask_provider(launch, grant, storage, show)
    with contextlib.suppress(NobodySignedInError, TimeoutError, *_EXPECTED):
        async with asyncio.timeout(min(_AHEAD_S, lifetime.ends_at - time.time())):
            return await _ask_provider(launch, grant, storage, show)
    return await _ask_provider(launch, grant, storage, show, ahead=False)


async def _ask_provider(
    launch: Launch, grant: Grant, storage: TokenFile, show: Callable[[str], None] | None, *, ahead: bool = True
) -> int:
    """Do what `_ask_for_token` says, once."""
    port = grant.port if isinstance(grant, Interactive) else DEFAULT_PORT
    async with Callback(port) as callback:
        provider = await _provider(launch.url or "", grant, storage, _Person(show, callback), ahead=ahead)
        status = await _visit(launch, provider)
    if isinstance(grant, Interactive):
        storage.remember(provider.context)
    return status


_EXPECTED = (OAuthFlowError, httpx2.HTTPError, httpx2.InvalidURL, ValidationError, OSError, ValueError, OverflowError)


async def _visit(launch: Launch, provider: httpx2.Auth) -> int:
    """Ask the server for a session and end it again; return the status of its answer."""
    hello = {"protocolVersion": HANDSHAKE_VERSIONS[-1], "capabilities": {}, "clientInfo": dict(CLIENT_INFO)}
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
    url, headers = launch.url or "", {**launch.headers, **POST_HEADERS}
    async with httpx2.AsyncClient(auth=provider, timeout=None, event_hooks={"response": [bounded]}) as client:
        async with client.stream("POST", url, json=message, headers=headers) as response:
            session = response.headers.get(SESSION)
        if session is not None:
            with contextlib.suppress(httpx2.HTTPError):
                await client.delete(url, headers={**launch.headers, SESSION: session})
        return response.status_code


async def _provider(url: str, grant: Grant, storage: TokenFile, person: _Person, *, ahead: bool) -> OAuthClientProvider:
    """Return the SDK's provider for a grant; ``ahead`` renews a kept token that ends soon.

    Raises:
        ValueError: The grant cannot be used.
    """
    match grant:
        case ClientCredentials():
            return ClientCredentialsOAuthProvider(
                url, storage, grant.client_id, grant.client_secret, scope=grant.scope, issuer=grant.issuer
            )
        case PrivateKey():
            return await _with_key(url, grant, storage)
        case Interactive():
            provider = OAuthClientProvider(url, _metadata(grant), storage, person.send, person.returned)
            await storage.restore(provider.context, ahead=ahead)
            return provider


async def _with_key(url: str, grant: PrivateKey, storage: TokenFile) -> OAuthClientProvider:
    """Return the provider that signs with a key.

    Raises:
        ValueError: The key cannot sign.
    """
    signing = SignedJWTParameters(
        issuer=grant.client_id, subject=grant.client_id, signing_key=grant.key, signing_algorithm=grant.algorithm
    )
    assertion = signing.create_assertion_provider()
    try:
        await assertion(grant.issuer)
    except Exception as problem:  # noqa: BLE001  every library below has errors of its own for a key it cannot use
        raise ValueError(f"private_key cannot sign with {grant.algorithm}: {problem}") from None
    return PrivateKeyJWTOAuthProvider(url, storage, grant.client_id, assertion, scope=grant.scope, issuer=grant.issuer)


def _registered(grant: Grant) -> OAuthClientInformationFull | None:
    """Return the client that was registered beforehand, None when that is the provider's business."""
    if not isinstance(grant, Interactive) or grant.client_id is None:
        return None
    return OAuthClientInformationFull(
        redirect_uris=[_redirect(grant)],
        client_id=grant.client_id,
        client_secret=grant.client_secret,
        token_endpoint_auth_method=_method(grant),
        issuer=grant.issuer,
    )


def _metadata(grant: Interactive) -> OAuthClientMetadata:
    """Return how a client for people registers."""
    return OAuthClientMetadata(
        redirect_uris=[_redirect(grant)],
        client_name=str(CLIENT_INFO["name"]),
        scope=grant.scope,
        token_endpoint_auth_method=_method(grant),
    )


def _redirect(grant: Interactive) -> AnyUrl:
    """Return where the browser is sent back to."""
    return AnyUrl(f"http://127.0.0.1:{grant.port}{PATH}")


def _method(grant: Interactive) -> Literal["none", "client_secret_basic"]:
    """Return how the client proves itself when it asks for the token."""
    return "none" if grant.client_secret is None else "client_secret_basic"


def _nobody(launch: Launch) -> Fault:
    """Return the fault of a server that a person has to sign in to."""
    return Fault(
        kind=FaultKind.MISSING_CREDENTIALS,
        message="nobody has signed in to this server, or the tokens that were kept can no longer be renewed",
        hint=f"sign in with a browser once: mcp-assay login FILE --server {launch.name}",
    )


def _failed(message: str) -> Fault:
    """Return the fault of a sign-in."""
    return Fault(
        kind=FaultKind.MISSING_CREDENTIALS,
        message=message[:_LONGEST_MESSAGE],
        hint="check the table [servers.NAME.auth] of mcp-assay.toml, and whether the server's protected resource "
        "metadata is right",
    )
