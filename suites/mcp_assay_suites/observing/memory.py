"""Observations that several checks share are made once a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mcp_assay.core.errors import ConnectError
from mcp_assay.readiness.subject import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_assay.readiness.subject import ServerUnderTest

T = TypeVar("T")


async def remembered(server: ServerUnderTest, kind: type[T], observe: Callable[[ServerUnderTest], Awaitable[T]]) -> T:
    """Return the server's observation of this kind, made by ``observe`` unless there is one already.

    Raises:
        UnavailableError: It cannot be made, now or at the first attempt.
    """
    found = server.memory.get(kind.__qualname__)
    if found is None:
        found = await _made(server, observe)
        server.memory[kind.__qualname__] = found
    if isinstance(found, kind):
        return found
    raise UnavailableError(str(found))


async def _made(server: ServerUnderTest, observe: Callable[[ServerUnderTest], Awaitable[T]]) -> T | str:
    """Return the observation, or why there is none."""
    try:
        return await observe(server)
    except ConnectError as problem:
        return f"a second instance of the server cannot be used: {problem.fault.message}"
    except UnavailableError as problem:
        return problem.message
