"""Asking a second server when the first one is slow."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from mcp_assay.runtime.outcome import ToolOutcome

    Attempt = Callable[[], Coroutine[None, None, ToolOutcome]]


async def hedged(first: Attempt, second: Attempt, *, after_s: float) -> ToolOutcome:
    """Return the first answer of two attempts, the second of which starts only when the first is slow.

    An attempt that ends without an answer does not win over one that is still under way. The loser is cancelled and
    gone when this returns, also when the caller is cancelled. ``attempts`` counts both.
    """
    tasks = [asyncio.ensure_future(first())]
    try:
        await asyncio.wait(tasks, timeout=after_s)
        if tasks[0].done():
            return tasks[0].result()
        tasks.append(asyncio.ensure_future(second()))
        outcome = await _first_answer(tasks)
        return replace(outcome, attempts=outcome.attempts + 1)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first_answer(tasks: Sequence[asyncio.Future[ToolOutcome]]) -> ToolOutcome:
    """Return the first outcome that is an answer, or the last one."""
    last: ToolOutcome | None = None
    for task in asyncio.as_completed(tasks):
        last = await task
        if not last.kind.is_transport_fault:
            break
    if last is None:
        raise ValueError("there is nothing to wait for")
    return last
