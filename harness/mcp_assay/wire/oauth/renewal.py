"""Another token when the one of a server ends, so that no server is accused of refusing it.

It is asked for ahead of that, while the old one is still good, and once more when a server refuses the one it got.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_assay.config.authorization import authorization_of, without_authorization
from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.config.authorization import TokenLifetime
    from mcp_assay.config.spec import Launch
    from mcp_assay.wire.oauth.signing import SignIn

MOST_RENEWALS = 1_000
"""Tokens asked for a server; one that takes each of them once must not keep us busy for ever."""

_FAREWELL_S = 2.0
"""Seconds that the last connection waits for a token on its way: a refresh token that was used must not get lost."""


class Credentials:
    """The token of a server, and where the next one comes from; its connections share it.

    Args:
        launch: A server with a grant, and a token among its headers.
        sign_in: Gets tokens.
        timeout_s: Seconds for each.
        now: Seconds since the epoch.
    """

    def __init__(
        self, launch: Launch, sign_in: SignIn, *, timeout_s: float, now: Callable[[], float] = time.time
    ) -> None:
        self._launch = launch
        self._sign_in = sign_in
        self._timeout_s = timeout_s
        self._now = now
        self._asking: asyncio.Task[None] | None = None
        self._asked = 0
        self._renewed_ahead: TokenLifetime | None = None
        self._holders = 0

    @property
    def headers(self) -> Mapping[str, str]:
        """The configured headers, with the token of now."""
        return self._launch.headers

    @property
    def authorization(self) -> str:
        """The value of the header ``Authorization``."""
        return authorization_of(self.headers)

    @property
    def ended(self) -> bool:
        """Whether the token's time is over."""
        lifetime = self._launch.lifetime
        return lifetime is not None and self._now() >= lifetime.ends_at

    @property
    def held(self) -> bool:
        """Whether a connection uses them."""
        return self._holders > 0

    def look_ahead(self) -> None:
        """Start to get another token when this one ends soon; nobody has to wait, and each token is given one try."""
        lifetime = self._launch.lifetime
        if lifetime is not None and lifetime != self._renewed_ahead and self._now() >= lifetime.renewed_from:
            self._renewed_ahead = lifetime
            self._ask()

    async def be_ready(self) -> None:
        """Look ahead, and when the token's time is over wait for what comes of it.

        What goes wrong is told by whoever is refused: a token may be good for longer than was said.
        """
        self.look_ahead()
        if self.ended and self._asking is not None:
            with contextlib.suppress(ConnectError):
                await asyncio.shield(self._asking)

    async def renew(self, refused: str) -> bool:
        """Get another token, one for all who ask at the same time; return whether there is one.

        Args:
            refused: The value of ``Authorization`` that the server refused.

        Raises:
            ConnectError: The authorization server gives none.
        """
        if refused != self.authorization:
            return True
        asking = self._ask()
        if asking is not None:
            await asyncio.shield(asking)
        return asking is not None

    def hold(self) -> None:
        """Note that one connection more uses them."""
        self._holders += 1

    async def release(self) -> None:
        """Note that a connection no longer uses them; the last one leaves nothing behind that still asks."""
        self._holders -= 1
        asking = self._asking
        if self._holders or asking is None:
            return
        await asyncio.wait({asking}, timeout=_FAREWELL_S)
        asking.cancel()
        await asyncio.wait({asking})

    def _ask(self) -> asyncio.Task[None] | None:
        """Return who gets another token, None when there were too many."""
        if self._asking is None and self._asked < MOST_RENEWALS:
            self._asked += 1
            self._asking = asyncio.get_running_loop().create_task(self._get())
            self._asking.add_done_callback(self._got)
        return self._asking

    def _got(self, asking: asyncio.Task[None]) -> None:
        """Let the next one ask; what went wrong is raised for whoever waits, and is no news for the event loop."""
        self._asking = None
        if not asking.cancelled():
            asking.exception()

    async def _get(self) -> None:
        """Get another token; a server that asks for none any more keeps the last.

        The visit goes without the old one: a server that still takes it would have nothing to ask for.

        Raises:
            ConnectError: The authorization server gives none.
        """
        bare = without_authorization(self.headers)
        signed = await self._sign_in(replace(self._launch, headers=bare), timeout_s=self._timeout_s)
        if signed.headers != bare:
            self._launch = signed


class CredentialBook:
    """The credentials of servers, so that all connections of one share each token.

    Args:
        now: Seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._known: dict[tuple[object, ...], Credentials] = {}

    def of(self, launch: Launch, sign_in: SignIn, *, timeout_s: float) -> Credentials | None:
        """Return what renews the token of a launch, None when it names no grant or has no token.

        Args:
            launch: What is started or reached.
            sign_in: Gets tokens.
            timeout_s: Seconds for each.
        """
        token = authorization_of(launch.headers)
        if launch.auth is None or not token:
            return None
        key = (launch.name, launch.url, launch.auth, token)
        if key not in self._known:
            self._known = {key: one for key, one in self._known.items() if one.held}
            self._known[key] = Credentials(launch, sign_in, timeout_s=timeout_s, now=self._now)
        return self._known[key]


def not_renewed(fault: Fault) -> Fault:
    """Return the fault of a request whose token could not be renewed: ours and our credentials', never the server's."""
    return replace(
        fault, kind=FaultKind.HARNESS, message=f"the access token expired and was not renewed: {fault.message}"
    )
