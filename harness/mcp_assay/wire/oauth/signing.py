"""Where a launch gets its token; the SDK is imported for servers that need one only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from mcp_assay.config.authorization import without_authorization

if TYPE_CHECKING:
    from mcp_assay.config.authorization import TokenLifetime
    from mcp_assay.config.spec import Launch

ACCESS_TOKEN = "access token"  # noqa: S105  (the label of a secret, not one)
"""The label of a token among a launch's secrets."""


class SignIn(Protocol):
    """Gets tokens."""

    async def __call__(self, launch: Launch, *, timeout_s: float) -> Launch:
        """Return the launch with what its grant gives.

        Raises:
            ConnectError: No token was given, or the server does not take it.
        """
        ...


async def sign_in(launch: Launch, *, timeout_s: float) -> Launch:
    """Return the launch with a token in its headers, itself when it names no grant.

    Args:
        launch: A server.
        timeout_s: Seconds for everything.

    Raises:
        ConnectError: No token was given, or the server does not take it.
    """
    if launch.auth is None:
        return launch
    from mcp_assay.wire.oauth.flow import signed_in  # noqa: PLC0415  (imports the SDK, which costs more than a start)

    return await signed_in(launch, launch.auth, timeout_s=timeout_s)


async def sign_in_recorded(launch: Launch, *, timeout_s: float) -> Launch:  # noqa: ARG001  (the SignIn protocol)
    """Return the launch as a recording shows it: nobody signs in, and the token is redacted."""
    return launch if launch.auth is None else with_token(launch, f"<redacted:{ACCESS_TOKEN}>", secret=False)


def with_token(launch: Launch, token: str, *, lifetime: TokenLifetime | None = None, secret: bool = True) -> Launch:
    """Return the launch with a bearer token (RFC 6750) among its headers and, when ``secret``, its secrets."""
    kept = without_authorization(launch.headers)
    secrets = {**launch.secrets, ACCESS_TOKEN: token} if secret else launch.secrets
    return replace(launch, headers={**kept, "Authorization": f"Bearer {token}"}, secrets=secrets, lifetime=lifetime)
