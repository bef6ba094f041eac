"""How we prove ourselves to a protected server: an OAuth grant, as it is configured and as it is used.

The configured form is symbolic like the rest of a specification; its texts are looked up when the server is reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mcp_assay.config.spec import Reference, Template

T = TypeVar("T")

_HEADER = "authorization"

DEFAULT_PORT = 33_418
"""Port of 127.0.0.1 that a browser is sent back to; registered clients have to name it beforehand."""

RENEWED_AHEAD_S = 60.0
"""Seconds at most before its end that a token is renewed."""

SECRET_TEXTS = frozenset({"client_secret", "private_key"})
"""The texts of a grant that nobody may see; a client's id stands in addresses for people (RFC 6749, section 2.2)."""


def authorization_of(headers: Mapping[str, str]) -> str:
    """Return the value of the header ``Authorization``, however it is written; empty without one."""
    return next((value for name, value in headers.items() if name.lower() == _HEADER), "")


def without_authorization(headers: Mapping[str, T]) -> dict[str, T]:
    """Return headers without ``Authorization``, however it is written."""
    return {name: value for name, value in headers.items() if name.lower() != _HEADER}


class GrantKind(StrEnum):
    """The ways to get a token, in the words of OAuth."""

    CLIENT_CREDENTIALS = "client_credentials"
    PRIVATE_KEY_JWT = "private_key_jwt"
    INTERACTIVE = "interactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """The client credentials grant with a secret, for CI (RFC 6749, section 4.4).

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
    """The client credentials grant with a signed assertion, for CI (RFC 7523).

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
    """A person signs in with a browser, once; runs use the tokens that were kept.

    Attributes:
        tokens: The folder that keeps the tokens.
        port: Port of 127.0.0.1 that the browser is sent back to.
        scope: Scopes to ask for, None for those the server names.
        client_id: The id of a client that was registered beforehand, None to register one.
        client_secret: Its secret, None when it has none.
        issuer: The only authorization server that is given the secret.
    """

    tokens: Path
    port: int = DEFAULT_PORT
    scope: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    issuer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLifetime:
    """How long the authorization server said that a token is good.

    Attributes:
        seconds: From when it was given to its end; more than 0.
        ends_at: When it ends, in seconds since the epoch.
    """

    seconds: float
    ends_at: float

    @property
    def renewed_from(self) -> float:
        """When to ask for the next one: the last tenth of its life, a minute at most; seconds since the epoch."""
        return self.ends_at - min(RENEWED_AHEAD_S, self.seconds / 10)


Grant: TypeAlias = ClientCredentials | PrivateKey | Interactive
"""A way to get a token, with real values."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Authorization:
    """The grant that a user's settings name for a server.

    Attributes:
        kind: Which grant.
        path: The settings it stands in.
        line: Where it stands in them, counted from 1.
        tokens: The folder that keeps the tokens of people who sign in.
        texts: ``client_id``, ``client_secret``, ``issuer`` and ``private_key``, as far as they are given.
        scope: Scopes to ask for, None for those the server names.
        algorithm: The signature's algorithm.
        port: Port of 127.0.0.1 that the browser is sent back to.
    """

    kind: GrantKind
    path: Path
    line: int
    tokens: Path
    texts: dict[str, Template] = field(default_factory=dict[str, "Template"])
    scope: str | None = None
    algorithm: str = "RS256"
    port: int = DEFAULT_PORT

    def __repr__(self) -> str:
        """Return the grant's name only: literal texts may be secrets."""
        return f"Authorization({self.kind.value!r})"

    @property
    def references(self) -> tuple[Reference, ...]:
        """Return every reference in the texts."""
        return tuple(reference for text in self.texts.values() for reference in text.references)

    def resolve(self, look_up: Callable[[Template], str], look_up_secret: Callable[[Template], str]) -> Grant:
        """Return the grant with real values.

        Args:
            look_up: Returns a text with its references replaced; what it raises is passed on.
            look_up_secret: The same for a text that nobody may see.
        """
        found = {
            name: look_up_secret(text) if name in SECRET_TEXTS else look_up(text) for name, text in self.texts.items()
        }
        if self.kind is GrantKind.CLIENT_CREDENTIALS:
            return ClientCredentials(
                client_id=found["client_id"],
                client_secret=found["client_secret"],
                issuer=found["issuer"],
                scope=self.scope,
            )
        if self.kind is GrantKind.PRIVATE_KEY_JWT:
            return PrivateKey(
                client_id=found["client_id"],
                key=found["private_key"],
                issuer=found["issuer"],
                algorithm=self.algorithm,
                scope=self.scope,
            )
        return Interactive(
            tokens=self.tokens,
            port=self.port,
            scope=self.scope,
            client_id=found.get("client_id"),
            client_secret=found.get("client_secret"),
            issuer=found.get("issuer"),
        )
