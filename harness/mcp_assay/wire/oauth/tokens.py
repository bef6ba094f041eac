"""The tokens of a person who signed in, kept for the next run in a file that only its owner can read."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import time
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import BaseModel, ValidationError

from mcp_assay.config.authorization import TokenLifetime
from mcp_assay.core.identifiers import slug

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from mcp.client.auth.oauth2 import OAuthContext

    from mcp_assay.config.authorization import Interactive
    from mcp_assay.config.spec import Launch

_Model = TypeVar("_Model", bound=BaseModel)
_IGNORED_BY_GIT = "*\n"
_LOCK_POLL_S = 0.05


def token_path(launch: Launch, grant: Interactive) -> Path:
    """Return the file that keeps the tokens for a server; another address or client has a file of its own."""
    digest = hashlib.sha256(f"{launch.url}\n{grant.client_id}".encode()).hexdigest()[:8]
    return grant.tokens / f"{slug(launch.name)}-{digest}.json"


@contextlib.asynccontextmanager
async def one_at_a_time(path: Path | None) -> AsyncGenerator[None]:
    """Keep other runs and workers from the tokens in ``path``; without one there is nothing to keep them from.

    A refresh token is good once, and some authorization servers sign a person out when it comes twice.

    Raises:
        OSError: The folder cannot be written.
    """
    if path is None:
        yield
        return
    _make_folder(path.parent)
    with path.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        while not _locked(lock):  # noqa: ASYNC110  (the holder is another process, which sets no event of ours)
            await asyncio.sleep(_LOCK_POLL_S)
        yield


def _locked(lock: TextIO) -> bool:
    """Return whether a file is locked for us from now on, until it is closed."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_folder(folder: Path) -> None:
    """Make the folder of the tokens, which no repository takes."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        ignored.write_text(_IGNORED_BY_GIT, encoding="utf-8")


class TokenFile:
    """What the SDK's providers keep: in memory, and in a file of mode 0600 when there is a path.

    A file that cannot be read, or is none of ours, counts as empty: the person signs in again.
    """

    def __init__(self, path: Path | None, client: OAuthClientInformationFull | None = None) -> None:
        self._path = path
        self._client = client
        self._kept: dict[str, Any] = {}
        if path is not None:
            with contextlib.suppress(OSError, ValueError):
                loaded = json.loads(path.read_text(encoding="utf-8"))
                self._kept = cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else {}

    async def get_tokens(self) -> OAuthToken | None:
        """Return the tokens, or None when there are none that can be read."""
        return self._model("tokens", OAuthToken)

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens and when they expire."""
        expires_at = None if tokens.expires_in is None else time.time() + float(tokens.expires_in)
        self._keep(tokens=tokens.model_dump(mode="json"), expires_at=expires_at)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Return the client that was registered beforehand or by an earlier run, or None."""
        return self._client or self._model("client", OAuthClientInformationFull)

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the client's registration."""
        self._keep(client=client_info.model_dump(mode="json"))

    async def lifetime(self) -> TokenLifetime | None:
        """Return how long the kept token is good, None when nobody has said so in earnest."""
        tokens, ends_at = await self.get_tokens(), self._kept.get("expires_at")
        seconds = 0 if tokens is None else tokens.expires_in or 0
        if seconds <= 0 or not isinstance(ends_at, int | float):
            return None
        return TokenLifetime(seconds=float(seconds), ends_at=float(ends_at))

    async def restore(self, context: OAuthContext, *, ahead: bool) -> None:
        """Give a provider what it would have to find out before it can renew a token.

        Args:
            context: The provider's context.
            ahead: Whether a token that ends soon is renewed already.
        """
        expires_at, lifetime = self._kept.get("expires_at"), await self.lifetime()
        context.token_expiry_time = float(expires_at) if isinstance(expires_at, int | float) else None
        if ahead and lifetime is not None:
            context.token_expiry_time = lifetime.renewed_from
        context.oauth_metadata = self._model("server", OAuthMetadata)
        context.protected_resource_metadata = self._model("resource", ProtectedResourceMetadata)

    def remember(self, context: OAuthContext) -> None:
        """Keep what a provider found out, for `restore`."""
        found = {"server": context.oauth_metadata, "resource": context.protected_resource_metadata}
        self._keep(**{name: model.model_dump(mode="json") for name, model in found.items() if model is not None})

    def _model(self, name: str, model: type[_Model]) -> _Model | None:
        """Return a kept value, or None when there is none that can be read."""
        with contextlib.suppress(ValidationError):
            return model.model_validate(self._kept[name]) if name in self._kept else None
        return None

    def _keep(self, **values: Any) -> None:
        """Keep values; the file is private before a secret is in it."""
        self._kept |= values
        if self._path is not None:
            _write_private(self._path, json.dumps(self._kept))


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    private = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(private, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        private.replace(path)
    except BaseException:
        private.unlink(missing_ok=True)
        raise
