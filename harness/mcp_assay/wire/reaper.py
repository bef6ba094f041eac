"""Our end of the reaper process; see `mcp_assay.wire.reaper_main`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import uuid

from mcp_assay.wire import reaper_main

_CLOSE_S = 3.0


class Reaper:
    """Starts the reaper with the first server and tells it what to kill if this process dies.

    Safe to use from several threads. After `close` it starts again with the next registration.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._run = uuid.uuid4().hex[:12]
        self._count = 0

    def new_mark(self) -> str:
        """Return a value for the mark variable that no other launch carries."""
        with self._lock:
            self._count += 1
            return f"{self._run}.{os.getpid()}.{self._count}"

    def start(self) -> None:
        """Start the reaper process unless it runs already."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", reaper_main.__file__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )

    def add(self, group: int, mark: str) -> None:
        """Register a process group and the mark in its environment."""
        self._tell(f"add {mark} {group}\n")

    def forget_group(self, mark: str) -> None:
        """Never signal this launch's group again, because nobody is left in it; its mark still counts."""
        self._tell(f"add {mark} 0\n")

    def remove(self, mark: str) -> None:
        """Forget a launch that has ended with everything it started."""
        self._tell(f"del {mark}\n")

    def close(self) -> None:
        """End the reaper; it kills what is still registered."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            process.communicate(timeout=_CLOSE_S)
        if process.poll() is None:
            process.kill()
            process.communicate()

    def _tell(self, line: str) -> None:
        """Write one line to the reaper; a dead reaper is no reason to stop the run."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.write(line.encode("ascii"))
                    self._process.stdin.flush()
