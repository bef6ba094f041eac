"""What the execution checks find on published servers, and how much of it a bare client confirms.

    python tests/real/calls.py [--page docs/reference/published.md]

The servers of ``examples/nineteen`` and of ``tests/real/published.json`` are judged twice by the execution checks with
default settings: as they are, where only tools that claim to be read-only are called, and in the sandbox, where all
are. Each finding is then put to its server once more by ``confirming.py``, a client that shares no code with the
project, and counts as confirmed when the raw answer shows what the finding says. ``--page`` writes the page with
the tables. ``python tests/real/install.py`` must have run, and bubblewrap must be installed. Tools that hang are waited
for, so that a run takes about ten minutes. It ends with 1 when a finding was not confirmed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matrix import configuration
from tabulate import tabulate

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REAL = Path(os.environ.get("MCP_ASSAY_REAL", ROOT / ".mcp-assay" / "real"))
RUN_S = 1_200.0
FOUND = frozenset({"fail", "warn", "error"})
WAYS = {"as they are": (), "in the sandbox": ("--mcp-sandbox",)}
PAGE = """\
# Published servers

What the execution checks find on {servers} published servers with default settings, on {date}, Python {python}, without
a network beyond the machine and without the services that some of them want: a tool that needs one never did its work,
and counts as never exercised. Each finding was put to its server once more by a bare client that shares no code with
the project (`tests/real/confirming.py`): *confirmed* says for how many calls the raw answer shows what it says. A
*cluster* is one cause in any number of tools.

```sh title="in the repository"
python tests/real/install.py
python tests/real/calls.py --page docs/reference/published.md
```

{tables}
## Each distinct finding

From the sandbox; one call stands for each check and each keyword of an input schema that it breaks. The raw answer is
what the bare client read.

{findings}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run and what the bare client saw afterwards."""

    report: dict[str, Any]
    confirmations: list[dict[str, Any]]

    def findings(self, server: str) -> list[dict[str, Any]]:
        """Return what the execution checks found on a server."""
        results = (row for row in self.report["results"] if row["category"] == "execution")
        return [row for row in results if row["server"] == server and row["verdict"] in FOUND]

    def unconfirmed(self) -> list[dict[str, Any]]:
        """Return the calls whose raw answer does not show what was found."""
        return [row for row in self.confirmations if not row["confirmed"]]


def judged(folder: Path, options: tuple[str, ...]) -> Ran:
    """Judge every server in a folder of its own, and confirm what was found."""
    document, report = folder / "servers.json", folder / "report.json"
    document.write_text(json.dumps(configuration({})), encoding="utf-8")
    environment = {**os.environ, "MCP_ASSAY_REAL": str(REAL.resolve()), "MCP_ASSAY_PYTHON": sys.executable}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--mcp-config", document.name]
    command += ["-m", "mcp_execution", "--mcp-examples", "none", "--mcp-report", f"json={report}", *options]
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    subprocess.run(command, cwd=folder, env=environment, timeout=RUN_S, check=False, **quiet)
    again = [sys.executable, str(HERE / "confirming.py"), str(document), str(report)]
    again += ["--confined"] if options else []
    told = subprocess.run(again, env=environment, capture_output=True, text=True, timeout=RUN_S, check=True).stdout
    return Ran(report=json.loads(report.read_text(encoding="utf-8")), confirmations=json.loads(told))


def rows_of(ran: Ran) -> list[list[Any]]:
    """Return a row for each server and one for all of them."""
    rows: list[list[Any]] = []
    for server in ran.report["servers"]:
        tools, found = server["tools"], ran.findings(server["name"])
        again = [row for row in ran.confirmations if row["server"] == server["name"]]
        rows.append(
            [
                server["name"],
                (server["server_info"] or {}).get("version", ""),
                len(tools),
                sum(tool["calls"] > 0 for tool in tools),
                sum(tool["executed"] for tool in tools),
                sum(tool["calls"] for tool in tools),
                len(found),
                len({(row["check"], cause) for row in found for cause in row["causes"] or [""]}),
                f"{sum(row['confirmed'] for row in again)} of {len(again)}",
            ]
        )
    sums = [sum(row[column] for row in rows) for column in range(2, 8)]
    confirmed = sum(row["confirmed"] for row in ran.confirmations)
    return [*rows, ["all", "", *sums, f"{confirmed} of {len(ran.confirmations)}"]]


HEADERS = ["server", "version", "tools", "called", "worked", "calls", "findings", "clusters", "confirmed"]


def table(rows: list[list[Any]], headers: list[str]) -> str:
    """Return a table in Markdown."""
    return tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)


def distinct(ran: Ran) -> list[list[str]]:
    """Return one call for each check and broken keyword on each server, with the number of tools concerned."""
    alike: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in ran.confirmations:
        alike.setdefault((row["server"], row["check"], row["breaks"]), []).append(row)
    return [[*key, str(len({row["tool"] for row in rows})), *shown(rows[0])] for key, rows in alike.items()]


def shown(row: dict[str, Any]) -> tuple[str, str]:
    """Return a call and its raw answer."""
    return code(f"{row['tool'] or ''} {json.dumps(row['arguments'])}"), code(row["answer"])


def code(text: str) -> str:
    """Return a text that stands as it is in one cell of a table."""
    shown = " ".join(text.replace("|", "¦").replace("`", "'").split())
    return f"`{shown[:160]}{'…' if len(shown) > 160 else ''}`"


def page(runs: dict[str, Ran]) -> str:
    """Return the page."""
    tables = "".join(f"## {way.capitalize()}\n\n{table(rows_of(ran), HEADERS)}\n\n" for way, ran in runs.items())
    headers = ["server", "check", "breaks", "tools", "call", "raw answer"]
    return PAGE.format(
        servers=len(configuration({})["mcpServers"]),
        date=datetime.now(UTC).date().isoformat(),
        python=platform.python_version(),
        tables=tables,
        findings=table(distinct(runs["in the sandbox"]), headers),
    )


def main() -> int:
    """Judge, confirm, print the tables and what was not confirmed; return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", type=Path, default=None, help="where to write the page")
    given = parser.parse_args()
    runs: dict[str, Ran] = {}
    for way, options in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            runs[way] = judged(Path(folder), options)
        sys.stdout.write(f"{way}\n{tabulate(rows_of(runs[way]), headers=HEADERS, disable_numparse=True)}\n\n")
    doubtful = [row for ran in runs.values() for row in ran.unconfirmed()]
    for row in doubtful:
        sys.stdout.write(f"not confirmed: {json.dumps(row)[:600]}\n")
    if given.page is not None:
        given.page.write_text(page(runs), encoding="utf-8")
    return 1 if doubtful else 0


if __name__ == "__main__":
    sys.exit(main())
