"""MCP calls for Locust: users whose calls go over our wire, and whose times are taken there.

::

    from locust import task
    from mcp_assay.locust import McpUser

    class Reader(McpUser):
        mcp_config = "servers.json"
        mcp_server = "memory"

        @task
        def read(self):
            self.call_tool("read_graph")

Run it as any locustfile, on one machine or with Locust's distributed workers. Locust replaces sockets, threads and
processes of its process by cooperative ones; the event loop that speaks to servers therefore lives in a process of its
own beside each Locust worker (see `mcp_assay.load.bridge`). Needs ``pip install pytest-mcp-assay[locust]``.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakSet

try:
    from locust import User
    from locust.exception import StopUser
except ModuleNotFoundError as problem:
    raise ImportError(f"{problem}\nhint: pip install 'pytest-mcp-assay[locust]'") from None

from mcp_assay.load.bridge import Bridge, BridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust.env import Environment

    from mcp_assay.core.json_types import Json, JsonObject

_MILLISECONDS = 1000.0
_REQUEST_TYPE = "tools/call"


class CallFailedError(Exception):
    """A call was not answered by a result; Locust counts it as a failure under these words."""


class McpUser(User):
    """A user who calls tools of one server.

    A run in which no user has got a connection by the end has failed, even when it ended before the reason was known:
    the process ends with the status of ``--exit-code-on-error``.

    Attributes:
        mcp_config: Path of the configuration document, by default that of the variable ``MCP_CONFIG``.
        mcp_server: Name of the server in it, by default that of the variable ``MCP_SERVER``.
        session_per_user: Whether each user has a connection of its own, which for a server over stdio means a process
            of its own. Otherwise the users of a Locust worker share one.
        call_timeout_s: Seconds to wait for an answer.
    """

    abstract = True
    mcp_config: ClassVar[str] = os.environ.get("MCP_CONFIG", "")
    mcp_server: ClassVar[str] = os.environ.get("MCP_SERVER", "")
    session_per_user: ClassVar[bool] = False
    call_timeout_s: ClassVar[float] = 30.0

    _numbers: ClassVar[itertools.count[int]] = itertools.count(1)
    _watched: ClassVar[WeakSet[Environment]] = WeakSet()
    _connected: ClassVar[WeakSet[Environment]] = WeakSet()

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if environment not in self._watched:
            self._watched.add(environment)
            environment.events.quitting.add_listener(self._at_the_end)
        own = f"#{next(self._numbers)}" if self.session_per_user else ""
        self._session = f"{self.mcp_config}:{self.mcp_server}{own}"
        self._bridge = Bridge.of_process()

    def on_start(self) -> None:
        """Open the connection, unless another user has opened it.

        Raises:
            StopUser: The server cannot be reached; the reason is in Locust's exceptions.
        """
        try:
            self._bridge.ask("open", session=self._session, config=self.mcp_config, server=self.mcp_server)
        except BridgeError as problem:
            self.environment.events.user_error.fire(user_instance=self, exception=problem, tb=None)
            raise StopUser from None
        self._connected.add(self.environment)

    def on_stop(self) -> None:
        """Close the connection when it is this user's own; a shared one ends with the worker."""
        if self.session_per_user:
            self._bridge.ask("close", session=self._session)

    @classmethod
    def _at_the_end(cls, environment: Environment, **_: Any) -> None:
        """Let a run fail that reached nobody."""
        if environment not in cls._connected and environment.process_exit_code is None:
            environment.process_exit_code = getattr(environment.parsed_options, "exit_code_on_error", 1)

    def call_tool(
        self, tool: str, arguments: Mapping[str, Json] | None = None, *, name: str | None = None
    ) -> JsonObject | None:
        """Call a tool and report it to Locust, with the time between sending and the answer.

        Args:
            tool: The tool.
            arguments: Its arguments.
            name: What Locust's tables call it, by default the tool's name.

        Returns:
            The result, or None for a call that failed, a result with ``isError`` included.
        """
        answer = self._bridge.ask(
            "call",
            session=self._session,
            tool=tool,
            arguments=dict(arguments or {}),
            timeout_s=self.call_timeout_s,
        )
        failure: Any = answer["error"]
        self.environment.events.request.fire(
            request_type=_REQUEST_TYPE,
            name=name or tool,
            response_time=answer["seconds"] * _MILLISECONDS,
            response_length=answer["bytes"],
            exception=None if failure is None else CallFailedError(failure),
            context=self.context(),
        )
        result: JsonObject | None = answer["result"] if failure is None else None
        return result
