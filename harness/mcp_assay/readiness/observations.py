"""What a run sees beside the wire: the official client, times, memory, experiments with several servers.

A recording keeps the judgement that followed, because it cannot be made again from exchanges; a replay hands it out.
Everything else is judged anew from the recorded exchanges. It also keeps which arguments were chosen for calls, so that
a replay need not choose again, nor choose the same as the version that recorded.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from mcp_assay.core.verdicts import Category, Judgement, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.config.spec import Launch
    from mcp_assay.core.presentation import Presenter
    from mcp_assay.readiness.check import Check
    from mcp_assay.wire.recording import Recorder
    from mcp_assay.wire.replay import ReplayConnector

_BESIDE_THE_WIRE = frozenset({Category.CROSS_SERVER, Category.PERFORMANCE})


def is_beside_the_wire(check: Check) -> bool:
    """Return whether a check's judgement cannot be made from exchanges alone."""
    return check.category in _BESIDE_THE_WIRE or check.measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a judgement.

    Attributes:
        judgement: The judgement.
        calls: How often it took a call of each tool, by the tool's name.
    """

    judgement: Judgement
    calls: Mapping[str, int]


class Observations(Protocol):
    """Keeps judgements for a replay, or hands out those that were kept."""

    @property
    def presenter(self) -> Presenter | None:
        """Makes what is kept fit to be stored; None when nothing is kept."""
        ...

    def recall(self, launch: Launch, name: str) -> Kept | None:
        """Return the judgement kept under a name, or None when it is to be made."""
        ...

    def keep(self, launch: Launch, name: str, kept: Kept) -> None:
        """Keep a judgement under a name."""
        ...

    def recall_choice(self, launch: Launch, name: str) -> Any:
        """Return the JSON value that was chosen under a name, or None when it is to be chosen."""
        ...

    def keep_choice(self, launch: Launch, name: str, choice: Callable[[], Any]) -> None:
        """Keep a JSON value that was chosen under a name; it is asked for only when it is kept."""
        ...


@dataclass(frozen=True, slots=True)
class NoObservations:
    """Neither records nor replays."""

    presenter: Presenter | None = None

    def recall(self, launch: Launch, name: str) -> Kept | None:  # noqa: ARG002  (the Observations protocol)
        """Return None: every judgement is to be made."""
        return None

    def keep(self, launch: Launch, name: str, kept: Kept) -> None:
        """Keep nothing."""

    def recall_choice(self, launch: Launch, name: str) -> None:
        """Return None: everything is to be chosen."""

    def keep_choice(self, launch: Launch, name: str, choice: Callable[[], Any]) -> None:
        """Keep nothing."""


@dataclass(frozen=True, slots=True)
class RecordedObservations:
    """Keeps judgements beside the recorded exchanges.

    Attributes:
        recorder: Writes the recording.
        presenter: Takes the secrets out of what is written.
    """

    recorder: Recorder
    presenter: Presenter

    def recall(self, launch: Launch, name: str) -> Kept | None:  # noqa: ARG002  (the Observations protocol)
        """Return None: every judgement is to be made."""
        return None

    def keep(self, launch: Launch, name: str, kept: Kept) -> None:
        """Write a judgement into the server's recording, without the single samples: their distribution is in it."""
        judgement = asdict(replace(kept.judgement, samples=()))
        self.recorder.value(launch, name, self.presenter.json({"judgement": judgement, "calls": dict(kept.calls)}))

    def recall_choice(self, launch: Launch, name: str) -> None:
        """Return None: everything is to be chosen."""

    def keep_choice(self, launch: Launch, name: str, choice: Callable[[], Any]) -> None:
        """Write what was chosen into the server's recording, as JSON text: it may hold what no JSON line can."""
        self.recorder.text(launch, name, json.dumps(choice(), separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class ReplayedObservations:
    """Hands out the judgements of a recording.

    Attributes:
        replay: Reads the recording.
    """

    replay: ReplayConnector
    presenter: Presenter | None = None

    def recall(self, launch: Launch, name: str) -> Kept | None:
        """Return the judgement kept under a name.

        Raises:
            UsageError: The recording cannot be read.
        """
        kept: dict[str, Any] | None = self.replay.recording(launch.name).values.get(name)
        if kept is None:
            return None
        fields: dict[str, Any] = {**kept["judgement"], "outcome": Outcome(kept["judgement"]["outcome"])}
        return Kept(judgement=Judgement(**fields), calls=kept["calls"])

    def keep(self, launch: Launch, name: str, kept: Kept) -> None:
        """Keep nothing."""

    def recall_choice(self, launch: Launch, name: str) -> Any:
        """Return what was chosen under a name; None also when it cannot be told without the secret that was in it.

        Raises:
            UsageError: The recording cannot be read.
        """
        text: str | None = self.replay.recording(launch.name).values.get(name)
        try:
            return None if text is None else json.loads(text)
        except json.JSONDecodeError:
            return None

    def keep_choice(self, launch: Launch, name: str, choice: Callable[[], Any]) -> None:
        """Keep nothing."""
