"""Raw HTTP requests of a recording, answered again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from yarl import URL

from mcp_assay.core.errors import HarnessError
from mcp_assay.wire.http_headers import SESSION
from mcp_assay.wire.http_reply import RawReply
from mcp_assay.wire.raw_http import RawExchange
from mcp_assay.wire.reels import missing
from mcp_assay.wire.shelf import RANDOM, said
from mcp_assay.wire.tape import Unread, data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.wire.reels import Reel
    from mcp_assay.wire.tape import Writer


class ReplayedRawHttp:
    """Answers raw HTTP requests as they were answered when they were recorded.

    Attributes:
        url: The endpoint.
        session: The session id the server had given, None without one.
    """

    def __init__(self, reel: Reel, writer: Writer) -> None:
        self.url = URL(reel.url or "")
        self._writer = writer
        self._left = [record for record in reel.records if isinstance(record, RawExchange)]
        seen = (one.http for one in reel.records if isinstance(one, Unread))
        opened = next((http for http in seen if http is not None), None)
        headers = {} if opened is None else {name.lower(): value for name, value in opened.headers}
        self.session: str | None = headers.get(SESSION.lower())

    async def raw(
        self,
        method: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        timeout_s: float,
        url: URL | None = None,
    ) -> RawReply:
        """Return the answer to the next recorded request that says the same.

        Raises:
            HarnessError: There is none.
        """
        del timeout_s
        await asyncio.sleep(0)
        asked = RawExchange(
            method=method, url=str(url or self.url), headers=tuple(headers.items()), body=body, reply=RawReply()
        )
        key = self._key(asked)
        found = next((one for one in self._left if self._key(one) == key), None)
        if found is None:
            raise HarnessError(missing(f"raw request {method}"))
        self._left.remove(found)
        return found.reply

    def _key(self, asked: RawExchange) -> tuple[object, ...]:
        """Return what a request says, without words that differ from run to run."""
        spoken = [(name, RANDOM.sub(b"*", data(self._writer.data(value.encode())))) for name, value in asked.headers]
        url = data(self._writer.data(asked.url.encode()))
        return (asked.method, url, tuple(spoken), said(data(self._writer.data(asked.body))))
