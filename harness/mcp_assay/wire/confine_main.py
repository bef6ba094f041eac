"""The program that a sandbox starts: it takes its own limits and becomes the server.

It runs as a file of its own, in an interpreter without site packages, so that it costs milliseconds. Arguments:
``NAME=VALUE…`` of the resource limits, ``FILE=PATH`` of a text file to make, ``--``, and the command.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

NOT_FOUND = 127
TEXT = "An example.\nIts second line.\n"


def main(arguments: list[str]) -> int:
    """Take the limits and become the command; return only when it cannot be started.

    A limit that is lower already stays as it is. Memory is limited as data (``RLIMIT_DATA``), because interpreters
    reserve address space that they never use.
    """
    split = arguments.index("--")
    for setting in arguments[:split]:
        name, _, value = setting.partition("=")
        if name == "FILE":
            Path(value).parent.mkdir(parents=True, exist_ok=True)
            Path(value).write_text(TEXT, "utf-8")
            continue
        kind = getattr(resource, f"RLIMIT_{name}")
        wanted, hard = int(value), resource.getrlimit(kind)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (limit, limit))
    command = arguments[split + 1 :]
    try:
        os.execvp(command[0], command)  # noqa: S606  (becoming the configured command is what this is for)
    except OSError as problem:
        sys.stderr.write(f"command {command[0]!r} cannot be started: {problem.strerror}\n")
    return NOT_FOUND


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
