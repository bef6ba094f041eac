"""The commands in the README of the fixture servers work."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "tests" / "servers" / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_readme_works(command: str) -> None:
    words = [sys.executable, *shlex.split(command)[1:]]
    ended = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)

    assert (ended.returncode, ended.stderr) == (0, b"")


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 11
