"""A process beside this one that speaks to servers, for programs whose own threads and sockets are not the usual ones.

Locust replaces them by the cooperative ones of gevent, in which our event loop would not run. So the loop lives in the
other process, which is asked by one line of JSON and answers by another. This side is plain ``subprocess`` and
``threading``; where they are cooperative, a user who waits for an answer lets the others go on.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Any, ClassVar

from mcp_assay.core.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE_S = 180.0
_CLOSE_S = 10.0


class BridgeError(AssayError):
    """The process beside us could not do what it was asked, or is gone."""


class _Waiting:
    """One question that waits for its answer."""

    __slots__ = ("answer", "arrived")

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.answer: dict[str, Any] = {}


class Bridge:
    """The process beside this one, shared by all users."""

    _shared: ClassVar[Bridge | None] = None

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-m", "mcp_assay.load.bridge_main"]
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}, bufsize=0
        )
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._reader = threading.Thread(target=self._read, name="mcp-assay-bridge", daemon=True)
        self._reader.start()
        atexit.register(self.close)

    @classmethod
    def of_process(cls) -> Bridge:
        """Return the bridge of this process, started with the first user."""
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def ask(self, what: str, **details: object) -> dict[str, Any]:
        """Ask and wait for the answer.

        Raises:
            BridgeError: The answer is a refusal, or the process is gone or silent.
        """
        number, waiting = next(self._numbers), _Waiting()
        self._waiting[number] = waiting
        try:
            self._write({"id": number, "do": what, **details})
            if not waiting.arrived.wait(_PATIENCE_S):
                raise BridgeError(f"the process that speaks to the server was silent for {_PATIENCE_S:g} s")
        finally:
            self._waiting.pop(number, None)
        refusal = waiting.answer.get("refused")
        if refusal is not None:
            raise BridgeError(str(refusal), hint=waiting.answer.get("hint"))
        return waiting.answer

    def close(self) -> None:
        """End the process and its servers. Idempotent."""
        self._stdin.close()
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    @property
    def _stdin(self) -> IO[bytes]:
        """The way to the process."""
        return _opened(self._process.stdin)

    def _write(self, question: dict[str, object]) -> None:
        """Send one line.

        Raises:
            BridgeError: Nobody reads it.
        """
        try:
            self._stdin.write(json.dumps(question).encode() + b"\n")
        except (OSError, ValueError):
            raise BridgeError("the process that speaks to the server is gone") from None

    def _read(self) -> None:
        """Hand each answer to whoever waits for it, until there are no more."""
        for line in _lines(_opened(self._process.stdout)):
            answer: dict[str, Any] = json.loads(line)
            waiting = self._waiting.get(answer["id"])
            if waiting is not None:
                waiting.answer = answer
                waiting.arrived.set()
        for waiting in list(self._waiting.values()):
            waiting.answer = {"refused": "the process that speaks to the server has ended"}
            waiting.arrived.set()


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    """Return a pipe that was asked for.

    Raises:
        BridgeError: It is not there.
    """
    if pipe is None:
        raise BridgeError("the process that speaks to the server has no pipes")
    return pipe


def _lines(pipe: IO[bytes]) -> Iterator[bytes]:
    """Yield whole lines as they come; unbuffered, so that an answer waits for no other one."""
    rest = b""
    while chunk := pipe.read(65_536):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
