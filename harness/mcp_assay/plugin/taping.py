"""``--mcp-record`` and ``--mcp-replay``: what opens connections, and what keeps the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_assay.core.errors import UsageError
from mcp_assay.readiness.observations import (
    NoObservations,
    Observations,
    RecordedObservations,
    ReplayedObservations,
)
from mcp_assay.wire.oauth.signing import SignIn, sign_in, sign_in_recorded
from mcp_assay.wire.recording import Recorder, RecordingConnector
from mcp_assay.wire.replay import ReplayConnector

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_assay.config.spec import Launch
    from mcp_assay.core.presentation import Presenter
    from mcp_assay.wire.connect import Connector
    from mcp_assay.wire.opener import Opener


@dataclass(frozen=True, slots=True, kw_only=True)
class Taping:
    """Whether a run is recorded or replayed.

    Attributes:
        recorder: Writes a recording, None without one.
        replay: Reads a recording, None without one.
    """

    recorder: Recorder | None = None
    replay: ReplayConnector | None = None

    @property
    def in_use(self) -> bool:
        """Whether the run is recorded or replayed at all."""
        return self.recorder is not None or self.replay is not None

    def opening(self, connector: Connector) -> Opener:
        """Return what opens connections in place of a connector."""
        if self.recorder is not None:
            return RecordingConnector(inner=connector, recorder=self.recorder)
        return self.replay or connector

    @property
    def sign_in(self) -> SignIn:
        """What gets tokens: nobody signs in where no server is reached."""
        return sign_in if self.replay is None else sign_in_recorded

    def learn(self, launch: Launch) -> None:
        """Keep a token that was given during the run out of the recording."""
        if self.recorder is not None:
            self.recorder.learn(launch)

    def observations(self, presenter: Presenter) -> Observations:
        """Return what keeps or hands out what is seen beside the wire."""
        if self.recorder is not None:
            return RecordedObservations(self.recorder, presenter)
        return NoObservations() if self.replay is None else ReplayedObservations(self.replay)

    def problems(self) -> list[str]:
        """Return what is wrong with the recording so far."""
        if self.recorder is None:
            return []
        self.recorder.settle()
        return [] if self.recorder.problem is None else [self.recorder.problem]

    def close(self) -> None:
        """Finish the recording."""
        if self.recorder is not None:
            self.recorder.close()


def taping_of(record: str | None, replay: str | None, invoked_in: Path, *, processes: int = 0) -> Taping:
    """Return what the options ask for.

    Args:
        record: Where to record, or None.
        replay: What to replay, or None.
        invoked_in: What relative folders are relative to.
        processes: How many workers share the run, 0 without any.

    Raises:
        UsageError: Both are given, there is nothing to replay, or several processes would share one recording.
    """
    if processes and (record or replay):
        raise UsageError("a recording is made and replayed by one process", hint="repeat without -n")
    if record is not None and replay is not None:
        raise UsageError("--mcp-record and --mcp-replay exclude each other")
    if replay is not None:
        directory = invoked_in / replay
        if not directory.is_dir():
            raise UsageError(f"--mcp-replay: {directory} is no folder", hint="record one with --mcp-record")
        return Taping(replay=ReplayConnector(directory=directory))
    return Taping() if record is None else Taping(recorder=Recorder(invoked_in / record))
