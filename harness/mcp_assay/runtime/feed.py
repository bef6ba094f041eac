"""Telling others what changed, without ever waiting for them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Feed(Generic[T]):
    """Passes items on to listeners and to bounded subscriptions, in the event loop it is used in."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[T], None]] = []

    def publish(self, item: T) -> None:
        """Pass an item on to everybody; a slow subscriber loses its oldest items, nobody is waited for."""
        for listener in tuple(self._listeners):
            listener(item)

    def listen(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Call ``listener`` with every item from now on; the returned function stops that.

        Args:
            listener: Must not raise and not wait.
        """
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def subscribe(self, *, size: int = 1_000) -> Subscription[T]:
        """Return a subscription that keeps at most ``size`` items nobody has taken yet."""
        return Subscription(self, size)


class Subscription(Generic[T]):
    """An asynchronous iterator over what a feed publishes; end it by leaving its context.

    Attributes:
        dropped: Items lost because they were not taken in time.
    """

    def __init__(self, feed: Feed[T], size: int) -> None:
        self._waiting: deque[T] = deque()
        self._size = size
        self._there = asyncio.Event()
        self._stop = feed.listen(self._take)
        self._closed = False
        self.dropped = 0

    def __enter__(self) -> Self:
        """Return the subscription."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()

    def __aiter__(self) -> Self:
        """Return the subscription."""
        return self

    async def __anext__(self) -> T:
        """Return the next item, or stop when the subscription has ended and all items are taken."""
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._there.clear()
            await self._there.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        """Take nothing more; what is there can still be read."""
        self._closed = True
        self._stop()
        self._there.set()

    def _take(self, item: T) -> None:
        if len(self._waiting) >= self._size:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(item)
        self._there.set()
