"""Another token when the one of a connection has expired, so that no server is accused of refusing it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.core.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.oauth.signing import SignIn

MOST_RENEWALS = 1_000
"""Tokens that one connection asks for; a server that takes each of them once must not keep us busy for ever."""


class Credentials:
    """The token of one connection, and where the next one comes from.

    Args:
        launch: A server with a grant, and a token among its headers.
        sign_in: Gets tokens.
        timeout_s: Seconds for each.
    """

    def __init__(self, launch: Launch, sign_in: SignIn, *, timeout_s: float) -> None:
        self._launch = launch
        self._sign_in = sign_in
        self._timeout_s = timeout_s
        self._asking: asyncio.Task[None] | None = None
        self._asked = 0

    @property
    def headers(self) -> Mapping[str, str]:
        """The configured headers, with the token of now."""
        return self._launch.headers

    async def renew(self) -> bool:
        """Get another token, one for all who ask at the same time; return whether there is one.

        Raises:
            ConnectError: The authorization server gives none.
        """
        if self._asking is None:
            if self._asked >= MOST_RENEWALS:
                return False
            self._asked += 1
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        asking = self._asking
        try:
            await asyncio.shield(asking)
        finally:
            if asking.done() and self._asking is asking:
                self._asking = None
        return True

    async def _ask(self) -> None:
        """Get another token.

        Raises:
            ConnectError: The authorization server gives none.
        """
        self._launch = await self._sign_in(self._launch, timeout_s=self._timeout_s)


def credentials_of(launch: Launch, sign_in: SignIn, *, timeout_s: float) -> Credentials | None:
    """Return what renews the token of a launch, None when it names no grant or has no token."""
    signed = launch.auth is not None and any(name.lower() == "authorization" for name in launch.headers)
    return Credentials(launch, sign_in, timeout_s=timeout_s) if signed else None


def not_renewed(fault: Fault) -> Fault:
    """Return the fault of a request whose token could not be renewed: ours and our credentials', never the server's."""
    return replace(
        fault, kind=FaultKind.HARNESS, message=f"the access token expired and was not renewed: {fault.message}"
    )
