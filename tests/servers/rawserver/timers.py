"""What is due later, in the order in which it is due, however late the machine gets to it."""

from __future__ import annotations

import heapq
import threading
import time


class Timers:
    """Functions by the time at which they are due; what is due at the same time keeps the order of adding."""

    def __init__(self):
        self.due = []
        self.count = 0

    def add(self, seconds, function):
        """Have a function called after some seconds."""
        self.count += 1
        heapq.heappush(self.due, (time.monotonic() + seconds, self.count, function))

    def pause(self):
        """Return the seconds until the next function is due, or None."""
        return max(0.0, self.due[0][0] - time.monotonic()) if self.due else None

    def run_due(self):
        """Call what is due by now; what that makes due has to wait for the next round, so that reading goes on."""
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            heapq.heappop(self.due)[2]()


class TimerThread(Timers):
    """Calls what is due on a thread of its own, holding a lock that whoever adds may hold as well."""

    def __init__(self, lock):
        super().__init__()
        self.changed = threading.Condition(lock)
        threading.Thread(target=self.run, daemon=True).start()

    def add(self, seconds, function):
        """Have a function called after some seconds."""
        with self.changed:
            super().add(seconds, function)
            self.changed.notify()

    def run(self):
        """Call what is due, for ever."""
        with self.changed:
            while True:
                self.changed.wait(self.pause())
                self.run_due()
