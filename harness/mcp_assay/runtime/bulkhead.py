"""Bounds the calls that are in flight at one server, so that a slow one cannot take all there is for itself."""

from __future__ import annotations

import asyncio
from collections import deque


class Bulkhead:
    """Places for calls; who finds none waits in line.

    `asyncio.Semaphore` does the same, but takes a coroutine to do it, and every call pays for that.

    Args:
        places: Calls in flight at the same time.
        queue: Calls that may wait.
    """

    __slots__ = ("_places", "_queue", "_taken", "_waiting")

    def __init__(self, places: int, queue: int) -> None:
        self._places = places
        self._queue = queue
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def outstanding(self) -> int:
        """Calls in flight or waiting."""
        return self._taken + len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether there is neither a place nor room to wait for one."""
        return self.outstanding >= self._places + self._queue

    def try_enter(self) -> bool:
        """Take a place if one is free and nobody waits for it; return whether it was taken."""
        if self._taken >= self._places:
            return False
        self._taken += 1
        return True

    async def enter(self) -> None:
        """Take a place, waiting for it in line; on cancellation none is taken."""
        if self.try_enter():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting.remove(turn)
            else:
                # The place came at the same moment.
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back, to the one who waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken -= 1
