"""Our end of the reaper process; see `mcp_assay.wire.reaper_main`."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import uuid

from mcp_assay.wire import reaper_main

_CLOSE_S = 3.0
_MARK = re.compile(rb"[0-9a-f]{12}\.\d{1,10}\.\d{1,10}")


def without_marks(said: bytes) -> bytes:
    """Return what a server said without the marks of launches: one that tells its environment tells ours with it."""
    return _MARK.sub(b"", said)


class Reaper:
    """Starts the reaper with the first server and tells it what to kill if this process dies.

    Safe to use from several threads. A reaper process that died is replaced with the next launch and told again what is
    registered; after `close` a new launch starts one as well.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._run = uuid.uuid4().hex[:12]
        self._count = 0
        self._groups: dict[str, int] = {}

    def new_mark(self) -> str:
        """Return a value for the mark variable that no other launch carries."""
        with self._lock:
            self._count += 1
            return f"{self._run}.{os.getpid()}.{self._count}"

    def start(self) -> None:
        """Start the reaper process unless it runs already."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            if self._process is not None:
                _end(self._process)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", reaper_main.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
            for mark, group in self._groups.items():
                self._tell(f"add {mark} {group}\n")

    def add(self, group: int, mark: str) -> None:
        """Register a process group and the mark in its environment."""
        with self._lock:
            self._groups[mark] = group
            self._tell(f"add {mark} {group}\n")

    def forget_group(self, mark: str) -> None:
        """Never signal this launch's group again, because nobody is left in it; its mark still counts."""
        self.add(0, mark)

    def remove(self, mark: str) -> None:
        """Forget a launch that has ended with everything it started."""
        with self._lock:
            self._groups.pop(mark, None)
            self._tell(f"del {mark}\n")

    def close(self) -> None:
        """End the reaper; it kills what is still registered."""
        with self._lock:
            process, self._process = self._process, None
            self._groups.clear()
        if process is not None:
            _end(process)

    def _tell(self, line: str) -> None:
        """Write one line to the reaper; a dead reaper is no reason to stop the run."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line.encode("ascii"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the reaper's stdin, wait for it to do its work, and leave no process and no pipe."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        process.communicate(timeout=_CLOSE_S)
    if process.poll() is None:
        process.kill()
        process.communicate()
