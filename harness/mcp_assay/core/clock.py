"""One clock for everything that is timed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Source of time, so that tests never wait for a wall clock."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary fixed point; never goes back."""
        ...

    def now(self) -> datetime:
        """Return the current time in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own clock."""

    monotonic = staticmethod(time.perf_counter)
    """The finest monotonic clock there is; itself and no method around it, because every call on the wire asks it."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 in UTC with milliseconds, for example ``2026-11-23T09:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
