"""``mcp-assay repro``: findings of a past run as tests that fail until they are mended."""

from __future__ import annotations

import fnmatch
import re
import shlex
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

from mcp_assay.cli.documents import write_report
from mcp_assay.core.errors import UsageError
from mcp_assay.core.identifiers import slug
from mcp_assay.core.presentation import Presenter
from mcp_assay_reports.reading import read_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_assay.core.contract import Document, ResultEntry

_STDOUT = Path("-")
_VIOLATIONS = ("fail", "warn")
_LONGEST_LINE = 116
_HEAD = Template('''"""Findings of mcp-assay as tests: each calls one tool with the arguments that showed a fault.

    $command
"""

import json

import pytest
''')
_TEST = Template('''

def test_$name(mcp_server):
    """$title

$told
    """
    if mcp_server.name != $server:
        pytest.skip("another server")$guard
    arguments = json.loads($arguments)
    verdict = mcp_server.judge($check, $tool, arguments$before)
    if verdict.outcome in {"fail", "warn"}:
        pytest.fail(f"{verdict.observed}\\n{json.dumps(verdict.exchange)[:2000]}", pytrace=False)
    if verdict.outcome in {"skip", "error"}:
        pytest.skip(f"not judged: {verdict.reason or verdict.observed}")
''')

_GUARD = """
    if not mcp_server.contained:
        pytest.skip("found in a sandbox, where nothing is lost: run it with --mcp-sandbox")"""


@click.command()
@click.argument("file", metavar="RUN.JSON", type=click.Path(path_type=Path))
@click.option("--check", "checks", multiple=True, metavar="ID", help="Only findings of this check (shell pattern).")
@click.option("--server", "servers", multiple=True, metavar="NAME", help="Only findings on this server.")
@click.option("--tool", "tools", multiple=True, metavar="NAME", help="Only findings on this tool.")
@click.option("--out", default="test_repro.py", metavar="FILE", type=click.Path(path_type=Path), help="Where to, or -.")
@click.option("--force", is_flag=True, help="Write over a file that exists.")
def repro(
    file: Path, checks: tuple[str, ...], servers: tuple[str, ...], tools: tuple[str, ...], out: Path, *, force: bool
) -> int:
    """Write findings of a run as a pytest file that fails until they are mended.

    Taken are failures and warnings of tools that the report holds the arguments of. Ends with 0, or with 4 when there
    is no such finding or the file cannot be written.
    """
    document = read_report(file)
    wanted = [
        result
        for result in document["results"]
        if result["verdict"] in _VIOLATIONS and result.get("arguments") and result["tool"] is not None
    ]
    found = [
        result
        for result in wanted
        if _named(result["check"], checks) and _named(result["server"], servers) and _named(result["tool"] or "", tools)
    ]
    if not found:
        known = ", ".join(dict.fromkeys(f"{result['check']} on {result['tool']}" for result in wanted[:5]))
        raise UsageError(
            f"{file} holds no such finding with arguments", hint=f"it has {Presenter().line(known)}" if known else None
        )
    text = file_of(document, found, name=out.name if out != _STDOUT else "test_repro.py")
    if out == _STDOUT:
        click.echo(text, nl=False)
        return 0
    if out.exists() and not force:
        raise UsageError(f"{out} exists", hint="--force writes over it, --out - only shows the text")
    write_report(out, text, "test file")
    click.echo(f"wrote {out}: {len(found)} test{'' if len(found) == 1 else 's'}")
    return 0


def file_of(document: Document, results: Sequence[ResultEntry], *, name: str) -> str:
    """Return the text of a pytest file with one test for each result.

    Args:
        document: The report, which says what configurations the run had.
        results: Findings with arguments.
        name: Name of the file, for the command line in its head.
    """
    words = ["pytest", *(word for config in document["run"]["configs"] for word in ("--mcp-config", config))]
    words += ["--mcp-sandbox"] if any(map(_in_sandbox, results)) else []
    for server in dict.fromkeys(result["server"] for result in results):
        words += ["--mcp-server", server]
    taken: set[str] = set()
    tests: list[str] = []
    for result in results:
        test = _name(result, taken)
        taken.add(test)
        tests.append(_test(result, test))
    return _HEAD.substitute(command=_inert(shlex.join([*words, name]))) + "".join(tests)


def _test(result: ResultEntry, name: str) -> str:
    """Return one test."""
    before = result.get("before")
    told = [f"{key}: {result[key]}" for key in ("requirement", "expected", "observed") if result[key]]
    told += [result["spec"]] if result["spec"] else []
    return _TEST.substitute(
        name=name,
        guard=_GUARD if _in_sandbox(result) else "",
        title=_inert(f"{result['check']} {result.get('slug', '')} ({result['level']}): {result['tool']}"),
        told="\n".join(_wrapped(_inert(line)) for line in told),
        server=ascii(result["server"]),
        arguments=ascii(result.get("arguments")),
        before=f", before=json.loads({before!a})" if before else "",
        check=ascii(result["check"]),
        tool=ascii(result["tool"]),
    )


def _in_sandbox(result: ResultEntry) -> bool:
    """Return whether a finding was made in a sandbox, where every tool may be called."""
    return "--mcp-sandbox" in result["reproduce"].split()


def _name(result: ResultEntry, taken: Iterable[str]) -> str:
    """Return a name for a test that no other has."""
    plain = re.sub(r"\W+", "_", slug(f"{result['server']}_{result['tool']}_{result['check']}"), flags=re.ASCII).lower()
    among = set(taken)
    return next(name for name in (plain, *(f"{plain}_{n}" for n in range(2, len(among) + 3))) if name not in among)


def _inert(text: str) -> str:
    """Return text that ends no docstring and holds no escape."""
    return " ".join(Presenter().text(text).replace("\\", "\\\\").replace('"""', "'''").split())


def _wrapped(text: str) -> str:
    """Return a line of a docstring, cut where it would be too long."""
    return f"    {text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + '…'}"


def _named(name: str, patterns: Sequence[str]) -> bool:
    """Return whether any of the patterns names it, or there are none."""
    return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
