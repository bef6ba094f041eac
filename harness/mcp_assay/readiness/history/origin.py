"""Where figures come from: the commit under test and the machine that measured."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MACHINE_VARIABLE = "MCP_ASSAY_MACHINE"
"""Names the machine, where its own description would be too wide or too narrow."""

_COMMIT_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION", "CIRCLE_SHA1", "GIT_COMMIT")
_PATIENCE_S = 5.0
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the figures of a run come from.

    Attributes:
        commit: The commit of the folder that pytest ran in, or an empty string without version control.
        dirty: Whether tracked files differed from it.
        machine: What measured; only figures of one machine are compared.
    """

    commit: str
    dirty: bool
    machine: str


def origin_of(folder: Path, environment: Mapping[str, str]) -> Origin:
    """Return the origin of a run in ``folder``.

    Args:
        folder: Somewhere inside the working copy.
        environment: The variables of the process; a CI service names the commit there when git is missing.
    """
    head = _git(folder, "rev-parse", "HEAD")
    told = next((environment[name] for name in _COMMIT_VARIABLES if environment.get(name)), "")
    return Origin(
        commit=(head or told)[:_LONGEST],
        dirty=bool(head and _git(folder, "status", "--porcelain", "--untracked-files=no")),
        machine=" ".join((environment.get(MACHINE_VARIABLE) or _described()).split())[:_LONGEST],
    )


def _git(folder: Path, *words: str) -> str:
    """Return what git says, or an empty string when it is missing, slow or says no."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607  (git is wherever the user has it)
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _described() -> str:
    """Return a description that equal machines share.

    A host's name would not do: the runners of a CI service have a new one every night.
    """
    return f"{_processor()} x{os.cpu_count() or 1}, {platform.system()} {platform.machine()}"


def _processor() -> str:
    """Return the processor's model, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()
