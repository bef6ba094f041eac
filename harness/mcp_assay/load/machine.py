"""How fast and how quiet the machine is while it measures, so that figures of different days can be compared."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mcp_assay.core.statistics import quantile

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.core.clock import Clock

_ROUNDS = 15
_HASHED = b"\0" * 65_536
# A round lasts some milliseconds: in less, not even a busy machine interrupts a process that is seldom busy.
_HASHES_PER_ROUND = 120
_CROSSINGS_PER_ROUND = 4_000

INDICATIVE_NOISE = 0.2
"""Noise from which on figures are only indicative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSpeed:
    """The machine at one moment.

    Attributes:
        cpu_s: Seconds of a fixed piece of computing, the median of some rounds.
        pipe_s: Seconds in which one byte crosses a pipe of this process, likewise.
        noise: Half the range between the 10th and the 90th percentile of the rounds as a share of the median, the
            worse of the two; 0 on a machine that does nothing else.
    """

    cpu_s: float
    pipe_s: float
    noise: float

    @property
    def remark(self) -> str:
        """A warning for a reader of figures, empty on a quiet machine."""
        return f", on a noisy machine (±{self.noise:.0%}): treat as indicative" if self.is_noisy else ""

    @property
    def is_noisy(self) -> bool:
        """Whether figures are only indicative."""
        return self.noise >= INDICATIVE_NOISE

    def to_entry(self) -> dict[str, Any]:
        """Return the values as JSON, times in seconds."""
        return asdict(self)


def machine_speed(clock: Clock) -> MachineSpeed:
    """Measure the machine; takes some 100 ms in which the caller's thread does nothing else."""
    cpu = _rounds(clock, _compute)
    reader, writer = os.pipe()
    try:
        pipe = _rounds(clock, lambda: _cross(reader, writer))
    finally:
        os.close(reader)
        os.close(writer)
    return MachineSpeed(
        cpu_s=quantile(cpu, 0.5),
        pipe_s=quantile(pipe, 0.5) / _CROSSINGS_PER_ROUND,
        noise=max(noise_of(cpu), noise_of(pipe)),
    )


def noise_of(ordered: list[float]) -> float:
    """Return half the range of the middle 80 % of sorted values as a share of the median, 0 for a median of 0."""
    median = quantile(ordered, 0.5)
    return (quantile(ordered, 0.9) - quantile(ordered, 0.1)) / 2 / median if median else 0.0


def _rounds(clock: Clock, work: Callable[[], None]) -> list[float]:
    """Return the seconds of each round of some work, sorted; the first one warms up."""
    work()
    seconds: list[float] = []
    for _ in range(_ROUNDS):
        started = clock.monotonic()
        work()
        seconds.append(clock.monotonic() - started)
    return sorted(seconds)


def _compute() -> None:
    """Do a fixed piece of computing."""
    for _ in range(_HASHES_PER_ROUND):
        hashlib.sha256(_HASHED).digest()


def _cross(reader: int, writer: int) -> None:
    """Send single bytes through a pipe."""
    for _ in range(_CROSSINGS_PER_ROUND):
        os.write(writer, b".")
        os.read(reader, 1)
