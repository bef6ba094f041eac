"""Bounds of the executor, and what one call is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_assay.runtime.backoff import Backoff
from mcp_assay.runtime.breaker import BreakerPolicy

if TYPE_CHECKING:
    from mcp_assay.core.json_types import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPolicy:
    """Bounds of the executor.

    Attributes:
        timeout_s: Seconds one attempt may take.
        concurrency: Calls in flight per server; more wait.
        queue: Calls that may wait per server; more are refused at once.
        reconnect_s: Seconds a call that was not sent waits for a server that is being started or reconnected.
        backoff: Waits between attempts of a call that is safe to repeat.
        breaker: When a server's breaker opens and closes.
        hedge_after_s: Seconds after which a second replica is asked as well, for tools that are safe to repeat; None
            to ask one at a time.
    """

    timeout_s: float = 30.0
    concurrency: int = 32
    queue: int = 1_000
    reconnect_s: float = 10.0
    backoff: Backoff = field(default_factory=Backoff)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    hedge_after_s: float | None = None


@dataclass(slots=True)
class Call:
    """What is asked for, the same in every attempt.

    Attributes:
        arguments: The tool's arguments.
        timeout_s: Seconds one attempt may take.
        started: When it was asked for, on the executor's clock.
        deadline: Moment after which nothing is tried any more, or None.
        tries: Times it may be sent in all.
    """

    arguments: JsonObject
    timeout_s: float
    started: float
    deadline: float | None = None
    tries: int = 1
