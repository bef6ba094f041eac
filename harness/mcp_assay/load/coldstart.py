"""How long a server takes from its start to its first answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mcp_assay.core.errors import ConnectError
from mcp_assay.load.measurement import Measurement

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from mcp_assay.core.clock import Clock
    from mcp_assay.wire.session import ServerSession


class FreshSession(Protocol):
    """Starts the server once more and ends it afterwards."""

    def __call__(self) -> AbstractAsyncContextManager[ServerSession]:
        """Return the context of one fresh instance; entering it may raise `ConnectError`."""
        ...


async def cold_starts(fresh: FreshSession, *, starts: int, budget_s: float, clock: Clock) -> Measurement:
    """Start a server several times, one after another, and return the seconds from spawn to opened conversation.

    A start that fails is an error of the measurement; the server's own cause is its ``first_error``.

    Args:
        fresh: Starts it.
        starts: How often.
        budget_s: Seconds after which it is not started again; one start is always made.
        clock: Source of time.
    """
    begun = clock.monotonic()
    seconds: list[float] = []
    closings: list[float] = []
    failures: list[str] = []
    for _ in range(max(1, starts)):
        if (seconds or failures) and clock.monotonic() - begun >= budget_s:
            break
        try:
            async with fresh() as session:
                seconds.append(session.started_s)
                closings.append((await session.close()).seconds)
        except ConnectError as problem:
            failures.append(problem.message)
    return Measurement(
        mode="cold-start",
        latencies_s=tuple(seconds),
        closings_s=tuple(closings),
        errors=len(failures),
        elapsed_s=sum(seconds),
        stopped="done" if len(seconds) + len(failures) >= starts else "budget",
        first_error=failures[0] if failures else None,
    )
