"""How long to wait before trying again, and how often at all."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential backoff with full jitter: uniform in ``0 … min(cap, base * 2**n)``.

    The rule is that of Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).

    Attributes:
        base_s: Longest first wait, seconds.
        cap_s: Longest wait at all, seconds.
        attempts: Tries in all, the first included.
        random: Source of uniform numbers in 0…1.
    """

    base_s: float = 0.1
    cap_s: float = 4.0
    attempts: int = 3
    random: Callable[[], float] = field(default=random.random, repr=False, compare=False)

    def delay_s(self, failures: int) -> float:
        """Return the seconds to wait after ``failures`` failed tries (1 or more)."""
        ceiling = min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 60))
        return self.random() * ceiling


class RetryBudget:
    """Bounds retries to a share of calls, so that retries never multiply the load of a failing server.

    Every first try earns ``share`` of a retry, up to ``most``; a retry costs one.

    Attributes:
        first_tries: First tries that have not been turned into retries yet; add one for each.
    """

    def __init__(self, *, share: float = 0.2, most: float = 10.0) -> None:
        self._share = share
        self._most = most
        self._balance = most
        self.first_tries = 0

    @property
    def balance(self) -> float:
        """Retries that may be made now."""
        earned, self.first_tries = self.first_tries, 0
        self._balance = min(self._most, self._balance + earned * self._share)
        return self._balance

    def spend(self) -> bool:
        """Take one retry out of the budget; return whether there was one."""
        if self.balance < 1:
            return False
        self._balance -= 1
        return True
