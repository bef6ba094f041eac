"""An event loop in a thread of its own, for callers that are not asynchronous."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from mcp_assay.core.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

T = TypeVar("T")


class LoopStuckError(AssayError):
    """The background loop did not answer in time."""


class BackgroundLoop:
    """Runs coroutines for other threads; connections live in it from the first use to `close`.

    The loop starts with the first call. A deadline here is the only one that survives a blocked loop.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    def start(self, function: Callable[[], Awaitable[T]]) -> Future[T]:
        """Start ``function`` in the loop and return the future of its result."""
        return self._open().start_task_soon(function)

    def run(self, function: Callable[[], Awaitable[T]], *, deadline_s: float) -> T:
        """Run ``function`` in the loop and return its result.

        Raises:
            LoopStuckError: It did not end within ``deadline_s`` seconds; it has been cancelled.
        """
        future = self.start(function)
        try:
            return future.result(deadline_s)
        except TimeoutError:
            if future.done():
                raise
            future.cancel()
            raise LoopStuckError(f"the event loop did not finish its work within {deadline_s:g} s") from None
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[[], T]) -> T:
        """Call a plain function in the loop's thread and return its result."""
        return self._open().call(function)

    def turns(self, within_s: float) -> bool:
        """Return whether the loop runs a callback within some seconds."""
        try:
            return self.start(_turn).result(within_s)
        except TimeoutError:
            return False

    def close(self) -> None:
        """Stop the loop and its thread. Idempotent."""
        portal, self._portal = self._portal, None
        if portal is not None:
            self._stack.close()

    def _open(self) -> BlockingPortal:
        """Return the portal into the loop, started on first use."""
        if self._portal is None:
            self._portal = self._stack.enter_context(start_blocking_portal("asyncio", name="mcp-assay"))
        return self._portal


async def _turn() -> bool:
    """Return at once."""
    return True
