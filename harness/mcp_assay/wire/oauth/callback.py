"""Where the browser of a person who signed in comes back to (RFC 8252, section 7.3)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self
from urllib.parse import parse_qs, urlsplit

from mcp.shared.auth import AuthorizationCodeResult

PATH = "/callback"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
_WELCOME = b"Signed in, you can close this page.\n"
_REFUSED = b"Not signed in; the terminal says why.\n"


class Callback:
    """Listens for the browser, on 127.0.0.1 only.

    Use it as an async context manager around the whole flow: the SDK waits for the browser only after it was sent, and
    a quick one must not find the door closed.

    Args:
        port: The port; it is taken when `listen` is called.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._brought: asyncio.Future[dict[str, list[str]]] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        """Return the callback; nothing listens yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        self._brought.cancel()
        if self._server is not None:
            self._server.close()  # without waiting: a browser may keep a connection on which it says nothing

    async def listen(self) -> None:
        """Listen from now on.

        Raises:
            OSError: The port is taken.
        """
        if self._server is None:
            self._server = await asyncio.start_server(self._take, "127.0.0.1", self._port)

    async def result(self) -> AuthorizationCodeResult:
        """Wait for the browser to come back, and return what it brings.

        Raises:
            ValueError: The browser brings an error instead of a code.
        """
        brought = await self._brought
        first = {name: values[0] for name, values in brought.items()}
        if "code" not in first:
            raise ValueError(f"the authorization server says {first.get('error', 'nothing')}")
        return AuthorizationCodeResult(code=first["code"], state=first.get("state"), iss=first.get("iss"))

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one visit."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            line = (await reader.readuntil(b"\r\n")).decode("latin-1")
            target = urlsplit(line.split(" ")[1] if line.count(" ") > 1 else "")
            brought = parse_qs(target.query)
            writer.write(_HEAD + (_WELCOME if "code" in brought else _REFUSED))
            await writer.drain()
            if target.path == PATH and not self._brought.done():
                self._brought.set_result(brought)
        writer.close()
