"""What the checks of all servers find out together, once a run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_assay.readiness.subject import Run

T = TypeVar("T")


async def once(run: Run, kind: type[T], find_out: Callable[[Run], Awaitable[T]]) -> T:
    """Return what was found out of this kind; the first to ask finds out while the others wait."""
    async with turn(run, kind.__qualname__):
        if kind.__qualname__ not in run.memory:
            run.memory[kind.__qualname__] = await find_out(run)
        return cast("T", run.memory[kind.__qualname__])


def turn(run: Run, purpose: str) -> asyncio.Lock:
    """Return the lock by which the checks of all servers take turns for a purpose."""
    return cast("asyncio.Lock", run.memory.setdefault(f"turn: {purpose}", asyncio.Lock()))
