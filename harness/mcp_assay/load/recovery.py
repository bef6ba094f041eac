"""How long a server needs to be itself again after more load than it can bear."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.load.quiet import quiet_collector

if TYPE_CHECKING:
    from mcp_assay.core.clock import Clock
    from mcp_assay.load.samples import Call, Sample

_IN_A_ROW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadPlan:
    """What a server is put through.

    Attributes:
        usual_s: Seconds within which a call is answered as before.
        in_flight: Calls kept open during the overload.
        overload_s: For how long.
        patience_s: Seconds after the overload in which it must have recovered.
    """

    usual_s: float
    in_flight: int = 256
    overload_s: float = 0.5
    patience_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What an overload did.

    Attributes:
        calls: Calls made during the overload.
        errors: How many of them failed.
        seconds: From the end of the overload to the first of three calls in a row that were answered as before; None
            when that did not come.
        last: The last call after the overload.
    """

    calls: int
    errors: int
    seconds: float | None
    last: Sample


async def recovery(call: Call, plan: OverloadPlan, clock: Clock) -> Recovery:
    """Overload a server and return how it recovered; never raises for what a server does.

    Calls that wait when the overload ends are given up once it is known whether the server has recovered.
    """
    made: list[Sample] = []

    async def worker(end: float) -> None:
        made.append(await call())
        while clock.monotonic() < end and not made[-1].lost:
            made.append(await call())

    with quiet_collector():
        end = clock.monotonic() + plan.overload_s
        workers = [asyncio.create_task(worker(end)) for _ in range(plan.in_flight)]
        try:
            await asyncio.wait(workers, timeout=plan.overload_s)
            seconds, last = await _recovered(call, plan, clock)
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
    failed = sum(sample.error is not None for sample in made)
    return Recovery(calls=len(made), errors=failed, seconds=seconds, last=last)


async def _recovered(call: Call, plan: OverloadPlan, clock: Clock) -> tuple[float | None, Sample]:
    """Call one at a time; return when answers were as before again, None for never, and the last call."""
    started = since = clock.monotonic()
    in_a_row = 0
    while True:
        sample = await call()
        as_before = sample.error is None and sample.ended - sample.started <= plan.usual_s
        if as_before and not in_a_row:
            since = sample.started
        in_a_row = in_a_row + 1 if as_before else 0
        if in_a_row == _IN_A_ROW:
            return since - started, sample
        if sample.lost or sample.ended - started > plan.patience_s:
            return None, sample
