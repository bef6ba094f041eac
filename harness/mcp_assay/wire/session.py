"""A conversation with one server after it has been opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mcp_assay.wire.callbacks import Callbacks
from mcp_assay.wire.eras import META_LOG_LEVEL, Era, envelope
from mcp_assay.wire.param_headers import MirroredParam, mirrored_params, param_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.wire.channel import Channel
    from mcp_assay.wire.eras import Agreement
    from mcp_assay.wire.exchange import Exchange
    from mcp_assay.wire.limits import Limits
    from mcp_assay.wire.log import WireLog
    from mcp_assay.wire.messages import RequestId
    from mcp_assay.wire.transport import CloseReport

LIST_METHODS: Mapping[str, str] = {
    "tools": "tools/list",
    "resources": "resources/list",
    "resourceTemplates": "resources/templates/list",
    "prompts": "prompts/list",
}
"""The list methods by the result key that holds the entries."""

_MOST_ROUNDS = 10
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All pages of one list.

    Attributes:
        key: The result key, for example ``tools``.
        entries: The entries of all pages as the server gave them, also those that are no objects.
        pages: One exchange per page.
        problem: Why the walk ended before the list did, or None.
    """

    key: str
    entries: tuple[Json, ...]
    pages: tuple[Exchange, ...]
    problem: str | None = None

    @property
    def objects(self) -> tuple[JsonObject, ...]:
        """The entries that are JSON objects."""
        return tuple(entry for entry in self.entries if isinstance(entry, dict))


class ServerSession:
    """Requests in the terms of MCP; the envelope of the agreed era is added here.

    Attributes:
        name: The server's configured name.
        channel: The JSON-RPC conversation below.
        agreement: What the opening settled.
        limits: Budgets of the connection.
        started_s: Seconds from the spawn to the end of the opening.
        callbacks: What we offer the server.
    """

    def __init__(
        self,
        *,
        name: str,
        channel: Channel,
        agreement: Agreement,
        limits: Limits,
        started_s: float,
        callbacks: Callbacks | None = None,
    ) -> None:
        self.name = name
        self.channel = channel
        self.agreement = agreement
        self.limits = limits
        self.started_s = started_s
        self.callbacks = callbacks or Callbacks()
        self._log_level: str | None = None
        self._mirrored: dict[str, tuple[MirroredParam, ...]] = {}

    def __repr__(self) -> str:
        """Return the name and revision only."""
        return f"ServerSession({self.name!r}, {self.agreement.version})"

    @property
    def alive(self) -> bool:
        """Whether the connection is still up."""
        return self.channel.ended is None

    @property
    def log(self) -> WireLog:
        """What was seen on the connection."""
        return self.channel.log

    def offers(self, capability: str) -> bool:
        """Return whether the server declared a capability."""
        return isinstance(self.agreement.capabilities.get(capability), dict)

    async def request(
        self,
        method: str,
        params: Mapping[str, Json] | None = None,
        *,
        timeout_s: float | None = None,
        request_id: RequestId | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        background: bool = False,
    ) -> Exchange:
        """Send a request in the agreed revision and return the exchange; never raises for what the server does.

        The arguments are those of `Channel.request`.
        """
        key = _NAMED.get(method)
        named = None if key is None or params is None else params.get(key)
        return await self.channel.request(
            method,
            self.with_envelope(params),
            timeout_s=timeout_s,
            request_id=request_id,
            name=named if isinstance(named, str) else None,
            headers=headers,
            background=background,
        )

    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Json] | None = None,
        *,
        timeout_s: float | None = None,
        progress_token: str | int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Exchange:
        """Call a tool and return the exchange.

        When the server asks for input that our callbacks give, the call is repeated with it, up to ten rounds; each
        round is an exchange in the log and the last one is returned.

        Args:
            name: The tool.
            arguments: Its arguments.
            timeout_s: Seconds for each round, by default the limit for calls.
            progress_token: Token for progress notifications, None to ask for none.
            headers: Further HTTP headers; ``Mcp-Param-*`` ones that the listed schema asks for are added by themselves,
                and the ones given here win.
        """
        params: dict[str, Json] = {"name": name, "arguments": dict(arguments or {})}
        if name in self._mirrored and self.agreement.era is Era.STATELESS:
            headers = (*param_headers(self._mirrored[name], arguments or {}), *headers)
        if progress_token is not None:
            params["_meta"] = {"progressToken": progress_token}
        exchange = await self.request("tools/call", params, timeout_s=timeout_s, headers=headers)
        for _ in range(_MOST_ROUNDS):
            more = self.input_for(exchange)
            if more is None:
                break
            exchange = await self.request("tools/call", {**params, **more}, timeout_s=timeout_s, headers=headers)
        return exchange

    def input_for(self, exchange: Exchange) -> JsonObject | None:
        """Return what to add to a request that the server answered by asking for input (2026-07-28, multi round-trip).

        Returns:
            ``inputResponses`` and ``requestState``, or None when nothing was asked or our callbacks do not answer it.
        """
        result = exchange.result
        if result is None or result.get("resultType") != "input_required" or not result.get("inputRequests"):
            return None
        responses = self.callbacks.input_responses(result["inputRequests"])
        if responses is None:
            return None
        state = result.get("requestState")
        return {"inputResponses": responses, **({} if state is None else {"requestState": state})}

    async def set_log_level(self, level: str) -> Exchange | None:
        """Ask for log messages from ``level`` on.

        Returns:
            The exchange of ``logging/setLevel``, or None in the stateless era, where each request says it.
        """
        if self.agreement.era is Era.STATELESS:
            self._log_level = level
            return None
        return await self.request("logging/setLevel", {"level": level})

    async def list_all(self, key: str) -> Listing:
        """Walk all pages of a list, within the limits for pages and entries.

        Args:
            key: ``tools``, ``resources``, ``resourceTemplates`` or ``prompts``.
        """
        entries: list[Json] = []
        pages: list[Exchange] = []
        cursors: set[str] = set()
        params: dict[str, Json] = {}
        problem: str | None = None
        while problem is None:
            page = await self.request(LIST_METHODS[key], params, timeout_s=self.limits.list_s)
            pages.append(page)
            problem = _take_page(page, key, entries)
            cursor = (page.result or {}).get("nextCursor")
            if problem is not None or not isinstance(cursor, str):
                break
            problem = self._walk_problem(cursor, cursors, pages, len(entries))
            cursors.add(cursor)
            params = {"cursor": cursor}
        if key == "tools":
            self._remember_mirrored(entries)
        return Listing(key=key, entries=tuple(entries), pages=tuple(pages), problem=problem)

    def _remember_mirrored(self, tools: list[Json]) -> None:
        """Remember which arguments the listed tools want in headers."""
        for tool in tools:
            name = tool.get("name") if isinstance(tool, dict) else None
            if isinstance(tool, dict) and isinstance(name, str):
                params = mirrored_params(tool.get("inputSchema"))
                if params or name in self._mirrored:
                    self._mirrored[name] = params

    async def close(self) -> CloseReport:
        """End the conversation and the server."""
        return await self.channel.close()

    def with_envelope(self, params: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
        """Return the parameters with what the agreed era adds to them."""
        if self.agreement.era is Era.HANDSHAKE:
            return params
        meta = cast("JsonObject", (params or {}).get("_meta") or {})
        version = self.agreement.version
        ours = envelope(version, self.callbacks.capabilities(version))
        if self._log_level is not None:
            ours[META_LOG_LEVEL] = self._log_level
        return {**(params or {}), "_meta": {**ours, **meta}}

    def _walk_problem(self, cursor: str, seen: set[str], pages: list[Exchange], entries: int) -> str | None:
        """Return why the walk must stop, or None."""
        if cursor in seen:
            return f"nextCursor {cursor[:100]!r} came twice, the list never ends"
        seconds = pages[-1].ended_at - pages[0].sent_at
        size = sum(len(page.raw) for page in pages)
        if len(pages) >= self.limits.pages or entries >= self.limits.items or seconds >= self.limits.walk_s:
            return f"stopped after {len(pages)} pages and {entries} entries with more to come"
        if size >= self.limits.list_bytes:
            return f"stopped after {size:,} bytes in {len(pages)} pages with more to come"
        return None


def _take_page(page: Exchange, key: str, entries: list[Json]) -> str | None:
    """Add a page's entries; return why there are none."""
    if page.result is None:
        return page.describe()
    found = page.result.get(key)
    if not isinstance(found, list):
        return f"the result has no array {key!r}"
    entries.extend(found)
    return None
