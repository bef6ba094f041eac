"""The files that a project starts with: our settings and a CI workflow."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from mcp_assay.config.spec import input_variable
from mcp_assay.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mcp_assay.config.spec import Reference, ServerSpec

_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./@+ -]+")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INHERITED = frozenset({"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "PWD", "TMPDIR"})


def settings(specs: Sequence[ServerSpec]) -> str:
    """Return a first ``mcp-assay.toml`` for the servers."""
    return "".join(_settings(specs))


def _settings(specs: Sequence[ServerSpec]) -> Iterator[str]:
    """Yield the parts of the settings file."""
    yield "# Settings of mcp-assay. The clients' own files are never changed.\n\n"
    yield "[thresholds]\nready_score = 90     # 0 to 100\n"
    yield "ready_evidence = 0.8 # share of the checks that were exercised\n"
    for name in dict.fromkeys(spec.name for spec in specs if not spec.disabled):
        key = json.dumps(name)
        yield f"\n[servers.{key}]\nrequired = true # the run fails when this server cannot be tested\n"
        yield f'# [servers.{key}.tools."TOOL"]\n# call = true # this tool may be called although it changes something\n'
        yield "# args = {}   # arguments that are known to work\n"


def workflow(paths: Sequence[Path], specs: Sequence[ServerSpec], version: str) -> str:
    """Return a GitHub workflow that lints and judges the documents.

    Args:
        paths: The documents, relative to the repository.
        specs: Their servers, for the variables that they refer to.
        version: Version of mcp-assay to install.

    Raises:
        UsageError: A path has characters that are not safe in a workflow.
    """
    files = [_safe(path) for path in paths]
    configs = " ".join(f"--mcp-config {file}" for file in files)
    names = sorted({name for spec in specs for reference in spec.references for name in _secret(reference)})
    env = "".join(f"          {name}: ${{{{ secrets.{name} }}}}\n" for name in names)
    return _WORKFLOW.format(
        version=version, files=" ".join(files), configs=configs, env=f"        env:\n{env}" if env else ""
    )


def _safe(path: Path) -> str:
    text = path.as_posix()
    if not _PLAIN_PATH.fullmatch(text):
        raise UsageError(f"the name {text!r} is not safe in a workflow", hint="use letters, digits, dots and dashes")
    return shlex.quote(text)


def _secret(reference: Reference) -> Iterator[str]:
    """Yield the environment variable that a CI run must set for a reference without a default."""
    if reference.default is not None or reference.source == "file":
        return
    name = reference.name if reference.source in {"env", "secrets"} else input_variable(reference.name)
    if _PLAIN_NAME.fullmatch(name) and name not in _INHERITED:
        yield name


_WORKFLOW = """\
name: mcp-assay
on:
  push:
    branches: [main]
  pull_request:
  schedule:
    - cron: "17 4 * * *"
permissions:
  contents: read
jobs:
  assay:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: python -m pip install "pytest-mcp-assay=={version}"
      - run: mcp-assay lint {files}
      # Pull requests from forks see no secrets: servers that need one are skipped there, visibly.
      - run: >-
          pytest {configs}
          --mcp-unset=${{{{ github.event_name == 'pull_request' && 'skip' || 'error' }}}}
          --mcp-report json=.mcp-assay/report.json
          --mcp-report markdown=.mcp-assay/report.md
{env}      - if: always()
        run: if [ -f .mcp-assay/report.md ]; then cat .mcp-assay/report.md >> "$GITHUB_STEP_SUMMARY"; fi
      - if: always()
        uses: actions/upload-artifact@v4
        with:
          name: mcp-assay
          path: .mcp-assay/
          include-hidden-files: true
          if-no-files-found: ignore
"""
