"""What the checks of all servers find out together, once a run, and when they may disturb servers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from mcp_assay.readiness.subject import Run

T = TypeVar("T")


async def once(run: Run, kind: type[T], find_out: Callable[[Run], Awaitable[T]]) -> T:
    """Return what was found out of this kind; the first to ask finds out while the others wait."""
    async with cast("asyncio.Lock", run.memory.setdefault(f"turn: {kind.__qualname__}", asyncio.Lock())):
        if kind.__qualname__ not in run.memory:
            run.memory[kind.__qualname__] = await find_out(run)
        return cast("T", run.memory[kind.__qualname__])


class _Disturbances:
    """Who disturbs servers: several beside each other, or one alone, who is let in before more of the others."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._beside = 0
        self._alone = False
        self._waiting = 0

    @asynccontextmanager
    async def beside(self) -> AsyncGenerator[None]:
        """Hold a place beside others."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._alone and not self._waiting)
            self._beside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._beside -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncGenerator[None]:
        """Hold the only place."""
        async with self._changed:
            self._waiting += 1
            try:
                await self._changed.wait_for(lambda: not self._alone and self._beside == 0)
                self._alone = True
            finally:
                self._waiting -= 1
                self._changed.notify_all()
        try:
            yield
        finally:
            async with self._changed:
                self._alone = False
                self._changed.notify_all()


def disturbing_beside_others(run: Run) -> AbstractAsyncContextManager[None]:
    """Disturb a server while other checks may disturb others: what looks bad must be seen again alone."""
    return _disturbances(run).beside()


def disturbing_alone(run: Run) -> AbstractAsyncContextManager[None]:
    """Disturb a server while no other check disturbs any, so that what falls silent does so because of it."""
    return _disturbances(run).alone()


def _disturbances(run: Run) -> _Disturbances:
    return cast("_Disturbances", run.memory.setdefault("disturbances", _Disturbances()))
