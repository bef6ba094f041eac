"""Cold starts and the harness's own cost; nothing here looks at how long anything took."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mcp_assay.core.clock import SystemClock
from mcp_assay.core.errors import ConnectError
from mcp_assay.core.faults import Fault, FaultKind
from mcp_assay.load import cold_starts, own_cost, sample_of
from mcp_assay.wire.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine

    from mcp_assay.core.json_types import JsonObject

OUTER_S = 30.0


def run(work: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(OUTER_S):
            return await work

    return asyncio.run(bounded())


def exchange(message: JsonObject | None, fault: Fault | None = None) -> Exchange:
    sent = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":{}}}\n'
    return Exchange(method="tools/call", id=7, sent=sent, sent_at=1.0, ended_at=1.5, message=message, fault=fault)


def answer(size: int) -> JsonObject:
    return {"jsonrpc": "2.0", "id": 7, "result": {"content": [{"type": "text", "text": "é" * size}]}}


@pytest.mark.parametrize("size", [1, 300_000])
def test_an_exchange_is_played_back_through_real_pipes_whatever_its_size(size: int) -> None:
    measured = run(own_cost(exchange(answer(size)), SystemClock(), calls=5, budget_s=OUTER_S))
    assert (measured.calls, measured.errors) == (5, 0)
    assert measured.distribution is not None
    assert measured.distribution.min > 0


def test_an_unanswered_exchange_cannot_be_played_back() -> None:
    with pytest.raises(ValueError, match="played back"):
        run(own_cost(exchange(None, Fault(kind=FaultKind.TIMEOUT, message="silence")), SystemClock()))


def test_a_tool_error_is_an_error_of_the_sample() -> None:
    sample = sample_of(exchange({"id": 7, "result": {"isError": True, "content": [{"type": "text", "text": "no"}]}}))
    assert sample.error == "a result with isError: no"
    assert not sample.lost


def test_a_lost_connection_is_said_by_the_sample() -> None:
    lost = sample_of(exchange(None, Fault(kind=FaultKind.EXITED, message="the server exited with status 1")))
    late = sample_of(exchange(None, Fault(kind=FaultKind.TIMEOUT, message="no answer")))
    assert (lost.lost, late.lost) == (True, False)


class Steps:
    """A clock that moves on by one second a look."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        self.at += 1.0
        return self.at

    def now(self) -> Any:
        raise AssertionError


class Fresh:
    def __init__(self, *outcomes: float | str) -> None:
        self.outcomes = list(outcomes)
        self.closed = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[Any]:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, str):
            raise ConnectError(Fault(kind=FaultKind.EXITED, message=outcome))

        async def close() -> Any:
            self.closed += 1
            return SimpleNamespace(seconds=outcome / 10)

        yield SimpleNamespace(started_s=outcome, close=close)


def test_each_cold_start_is_a_process_that_is_ended_again() -> None:
    fresh = Fresh(0.3, 0.1, 0.2)
    measured = run(cold_starts(fresh, starts=3, budget_s=60, clock=Steps()))
    assert (measured.mode, measured.latencies_s, measured.stopped, fresh.closed) == (
        "cold-start", (0.3, 0.1, 0.2), "done", 3,
    )  # fmt: skip
    assert measured.closings_s == (0.03, 0.01, 0.02)


def test_a_start_that_fails_is_an_error_with_its_cause() -> None:
    measured = run(cold_starts(Fresh(0.3, "it died", 0.2), starts=3, budget_s=60, clock=Steps()))
    assert (measured.calls, measured.errors, measured.first_error) == (3, 1, "it died")


def test_cold_starts_end_with_their_budget_but_one_is_always_made() -> None:
    measured = run(cold_starts(Fresh(0.3, 0.1), starts=2, budget_s=0, clock=Steps()))
    assert (measured.calls, measured.stopped) == (1, "budget")
