"""Connecting to the servers of a session: begun once, waited for by whoever needs them, followed by whoever watches."""

from __future__ import annotations

from concurrent.futures import wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.readiness.progress import Arrivals
from mcp_assay.runtime.background import LoopStuckError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

    from mcp_assay.readiness.opening import OpenRun
    from mcp_assay.runtime.background import BackgroundLoop

_TURN_S = 1.0


@dataclass(slots=True, kw_only=True)
class Discovering:
    """One attempt to connect to all servers.

    Attributes:
        loop: Where connections live.
        open_run: Connects to every server; it is given what follows their starts.
        deadline_s: Seconds after which the loop is taken to be stuck: every single start has a limit of its own.
        arrivals: How far each server is.
    """

    loop: BackgroundLoop
    open_run: Callable[[Arrivals], Awaitable[OpenRun]]
    deadline_s: float
    arrivals: Arrivals = field(default_factory=Arrivals)
    _future: Future[OpenRun] | None = field(default=None, init=False)

    def begin(self) -> Future[OpenRun]:
        """Begin to connect, unless that was done, and return what it will come to."""
        if self._future is None:
            self._future = self.loop.start(lambda: self.open_run(self.arrivals))
        return self._future

    def is_over(self, patience_s: float) -> bool:
        """Return whether nobody has to wait any more, after waiting for at most so many seconds."""
        return bool(wait([self.begin()], patience_s).done) or not self.loop.turns(_TURN_S)

    def result(self) -> OpenRun:
        """Return the run with every server tried.

        Raises:
            LoopStuckError: That was not done in time; it has been cancelled.
        """
        future = self.begin()
        try:
            return future.result(self.deadline_s)
        except TimeoutError:
            if future.done():
                raise
            future.cancel()
            raise LoopStuckError(f"the servers were not connected within {self.deadline_s:g} s") from None
        except BaseException:
            future.cancel()
            raise

    def give_up(self) -> None:
        """Stop connecting; what was started is ended by the loop before it closes. Idempotent."""
        if self._future is not None:
            self._future.cancel()
