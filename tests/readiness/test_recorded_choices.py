"""A recording keeps which arguments were chosen, and a replay chooses none of its own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.core.presentation import Presenter
from mcp_assay.readiness.observations import RecordedObservations, ReplayedObservations
from mcp_assay.wire.recording import Recorder, recording_path
from mcp_assay.wire.replay import ReplayConnector
from mcp_assay_suites.exercising.recalling import recalled_or_chosen

if TYPE_CHECKING:
    from pathlib import Path

LAUNCH = Launch(
    name="one",
    transport=TransportKind.STDIO,
    command=("/no/such/program",),
    secrets={"env PIN": "8675309-canary", "env ODD": '1,"second":2'},
)
ODD = {"lone": "\ud800", "control": "\x1b[31m", "huge": 10**400, "fraction": 1e400, "nested": [{"": None}]}


def subject_of(observations: object) -> Any:
    """Return as much of a subject as choosing arguments looks at."""
    return SimpleNamespace(
        the_tool=SimpleNamespace(slug="tool"),
        version="2025-11-25",
        run=SimpleNamespace(settings=SimpleNamespace(seed=0), observations=observations),
        server=SimpleNamespace(launch=LAUNCH),
    )


async def chosen_again(folder: Path, choice: object) -> object:
    """Record a choice, and return what a replay gets, which may choose nothing itself."""

    async def choose() -> object:
        return choice

    async def never() -> object:
        return "chosen anew"

    recorder = Recorder(folder)
    recorder.next_connection(LAUNCH)
    recorded = subject_of(RecordedObservations(recorder, Presenter()))
    assert await recalled_or_chosen(recorded, "x", choose, write=lambda made: made, read=lambda kept: kept) is choice
    recorder.close()
    replayed = subject_of(ReplayedObservations(ReplayConnector(directory=folder)))
    return await recalled_or_chosen(replayed, "x", never, write=lambda made: made, read=lambda kept: kept)


def test_what_was_chosen_comes_back_whatever_it_is(tmp_path: Path) -> None:
    assert asyncio.run(chosen_again(tmp_path, [ODD])) == [ODD]


def test_secrets_among_what_was_chosen_stay_out_of_the_recording(tmp_path: Path) -> None:
    again = asyncio.run(chosen_again(tmp_path, ["say 8675309-canary"]))
    assert again == ["say <redacted:one env PIN>"]
    assert b"8675309" not in recording_path(tmp_path, "one").read_bytes()


def test_what_cannot_be_read_without_its_secret_is_chosen_anew(tmp_path: Path) -> None:
    assert asyncio.run(chosen_again(tmp_path, {"first": 1, "second": 2})) == "chosen anew"
