"""Reference pages made from the code while the site is built, so that they cannot lag behind it.

    python docs/generate.py

writes the page that is kept in the repository as well, because people look checks up there: ``checks.md``.
"""

from __future__ import annotations

import inspect
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from mkdocs.structure.files import File

import mcp_assay
from mcp_assay.cli.checks import NEEDS, catalogue, levels_of
from mcp_assay.cli.main import COMMANDS, main
from mcp_assay.config.overlay_reader import BUDGETS, SERVER_KEYS, THRESHOLDS
from mcp_assay.plugin.options import add_options
from mcp_assay.readiness.check import spec_link
from mcp_assay.readiness.sdk_baselines import load, names
from mcp_assay_suites.catalogue import CATALOGUE
from mcp_assay_suites.guidance import GUIDANCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

    from mcp_assay.cli.checks import CatalogueEntry
    from mcp_assay_suites.catalogue import Row

KEPT = Path(__file__).parent / "checks.md"
"""The page that is kept in the repository."""

_CHECKS = """\
# Checks

The catalogue has {rules} rules; {judged} of them are judged. `mcp-assay checks --json` has the same as data.

The level is the RFC 2119 word of the specification in each revision (`DESC`: stated without one, `ADV`: advice beyond
it). What a rule *needs* says how far a run has to go: nothing but the traffic there is, a probe that runs no tool, a
tool call, a trigger or a credential of yours. In texts of the catalogue A, B and C stand for the revisions 2025-06-18,
2025-11-25 and 2026-07-28.
"""
_AREAS = {
    "CONN": "Reaching a server",
    "BASE": "Messages",
    "LIFE": "The handshake",
    "DISC": "Discovery and stateless requests",
    "STDIO": "stdio",
    "HTTP": "Streamable HTTP",
    "TOOL": "Tools",
    "EXEC": "Calling tools",
    "PAGE": "Pages",
    "CACHE": "Caching",
    "RES": "Resources",
    "PROMPT": "Prompts",
    "COMP": "Completion",
    "LOG": "Logging",
    "PROG": "Progress",
    "SUB": "Subscriptions",
    "MRTR": "Rounds of questions",
    "ELIC": "Elicitation",
    "TASK": "Tasks",
    "AUTH": "Authorization",
    "DEP": "Deprecations",
    "CROSS": "Servers together",
    "PERF": "Performance",
    "BUDG": "Limits of the user",
    "ADV": "Advice beyond the specification",
}
_REAL = Path(__file__).resolve().parent.parent / "tests" / "real"
_LEVELS = ("DESC", "SHOULD", "MUST")
_PUBLISHED = """\
# Published servers: the protocol

What a run finds on {servers} servers from npm and PyPI: the nineteen of `examples/nineteen`, the reference servers, and
`everything` over each of its transports. Tier 2, in the revisions named below, made on {made} by

```text
python tests/real/install.py && python tests/real/matrix.py
```

The second command judges, and then puts each of the {findings} findings to its server once more, in every revision that
it was made in, by clients that share no code with this project (`tests/real/protocol.py`, `tests/real/confirming.py`),
and fails unless the answer shows the finding. What they sent and what came is below, but for ids and made-up names.
Versions are pinned in `tests/real`; tools that do not claim to be read-only were not called.
"""
_PROSE = re.compile(r"[_\\[\]|]|(?<!\*)\*(?!\*)")


def on_files(site: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the site."""
    for path, text in pages().items():
        if site.get_file_from_path(path) is None:
            site.append(File.generated(config, path, content=text))
    return site


def pages() -> dict[str, str]:
    """Return the text of each generated page by its path."""
    return {
        "reference/options.md": "\n".join(_options()),
        "reference/cli.md": "\n".join(_commands()),
        "reference/report.md": "\n".join(_report()),
        "reference/api.md": "\n".join(_api()),
        "reference/baselines.md": "\n".join(_baselines()),
        "reference/published-protocol.md": "\n".join(_published()),
        "checks.md": "\n".join(_catalogue()),
        "runtime.md": "# The library\n\nSee the docstrings of `mcp_assay.runtime`.\n",
    }


class _Recorder:
    """Stands in for pytest's parser and its groups, and keeps what is registered."""

    def __init__(self) -> None:
        self.options: list[tuple[str, dict[str, Any]]] = []

    def getgroup(self, *_: str) -> _Recorder:
        return self

    def addoption(self, *names: str, **settings: Any) -> None:
        self.options.append((names[-1], settings))


def _options() -> Iterator[str]:
    recorder = _Recorder()
    add_options(recorder)  # type: ignore[arg-type]  # only these two methods are used
    yield "# Options of pytest\n\nAll of them work in `addopts` as well.\n"
    yield "| option | meaning |\n|---|---|"
    for name, settings in recorder.options:
        choices = "|".join(str(one) for one in settings.get("choices", ()))
        value = settings.get("metavar", choices) if settings.get("action") != "store_true" else ""
        yield f"| {_code(f'{name} {value}'.strip())} | {_cell(settings['help'])} |"
    yield "\n## Settings in `mcp-assay.toml`\n\nAlso below `[tool.mcp-assay]` in `pyproject.toml`.\n"
    yield f"- `[thresholds]`: {', '.join(f'`{name}` (0 to {top:g})' for name, top in THRESHOLDS.items())}"
    yield f"- `[budgets]`: {', '.join(f'`{name}`' for name in BUDGETS)}"
    keys = ", ".join(f"`{name}`" for name in SERVER_KEYS)
    yield f'- `[servers."NAME"]`: {keys}; see the guides'


def _commands() -> Iterator[str]:
    yield "# The command `mcp-assay`\n\nEvery command ends with 4 and one message when a file cannot be used.\n"
    with click.Context(main, info_name="mcp-assay") as root:
        for name in COMMANDS:
            command = main.get_command(root, name)
            if command is None:
                raise LookupError(name)
            context = click.Context(command, parent=root, info_name=name, terminal_width=100, max_content_width=100)
            yield f"## {name}\n\n```text\n{command.get_help(context)}\n```\n"


def _api() -> Iterator[str]:
    yield "# The API\n\nWhat `import mcp_assay` offers; [the library](../runtime.md) shows it in use.\n"
    for name in mcp_assay.__all__:
        part = getattr(mcp_assay, name)
        if inspect.isclass(part):
            yield f"## {name}\n\n{_documented(part)}\n"
            yield from _methods(part)


def _methods(part: type) -> Iterator[str]:
    for name, member in vars(part).items():
        found = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if name.startswith("_") or not (inspect.isfunction(found) or isinstance(found, property)):
            continue
        words = name if isinstance(found, property) else f"{name}{inspect.signature(found)}"
        yield f"### {name}\n\n```python\n{words}\n```\n\n{_documented(found)}\n"


def _documented(part: object) -> str:
    """Return a docstring: its first paragraph as text, the rest as it stands in the code."""
    first, _, rest = (inspect.getdoc(part) or "").partition("\n\n")
    told = _cell(first).replace("`", "")
    return f"{told}\n\n```text\n{rest}\n```" if rest else told


def _report() -> Iterator[str]:
    schema = json.loads(files("mcp_assay_reports").joinpath("report.schema.json").read_text("utf-8"))
    yield "# The JSON report\n"
    yield f"Schema version 1. {schema['description']}\n"
    yield from _object("The report", schema)
    for name, part in schema["$defs"].items():
        if "properties" in part:
            yield from _object(f"`{name}`", part)
        elif "enum" in part:
            yield f"## `{name}`\n\n{part.get('description', '')}\n\nOne of {_words(part['enum'])}.\n"


def _object(title: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {title}\n\n{schema.get('description', '')}\n\n| field | type | |\n|---|---|---|"
    required = set(schema.get("required", ()))
    for name, part in schema["properties"].items():
        note = "" if name in required else "optional. "
        yield f"| `{name}` | {_kind(part)} | {_cell(note + part.get('description', ''))} |"
    yield ""


def _kind(part: Mapping[str, Any]) -> str:
    """Return a field's type in words."""
    if "$ref" in part:
        return f"`{part['$ref'].rpartition('/')[2]}`"
    if "enum" in part:
        return _words(part["enum"])
    kind = part.get("type", "any")
    if kind == "array":
        return f"list of {_kind(part.get('items', {}))}"
    if "anyOf" in part or "oneOf" in part:
        return " or ".join(_kind(choice) for choice in part.get("anyOf", part.get("oneOf", ())))
    return " or ".join(kind) if isinstance(kind, list) else kind


_NAMED = """\
# Named baselines

What an SDK does whoever writes the server; see [accepted findings](../guides/accepted-findings.md). Each entry accepts
a finding only in the words it shows on that SDK, and is held against the SDK in `tox -e real`.
"""


def _baselines() -> Iterator[str]:
    yield _NAMED
    for one in map(load, names()):
        yield f"## {one.name}\n\n{one.title}: `{one.package}` {one.versions}, verified with {one.verified}.\n"
        yield "| check | over | as observed | what the SDK does |\n|---|---|---|---|"
        for entry in one.known:
            observed = " or ".join(map(_code, entry.observed))
            rule = f"[{entry.check}](../checks.md#{_anchor(entry.check)})"
            yield f"| {rule} | {entry.transport or 'all'} | {observed} | {_cell(entry.reason)} |"
        yield ""


def _published() -> Iterator[str]:
    """Yield what the run over the published servers found, by check, with what bare clients saw."""
    made = json.loads((_REAL / "matrix.json").read_text("utf-8"))
    servers, findings = made["servers"], made["findings"]
    yield _PUBLISHED.format(made=made["made"], servers=len(servers), findings=sum(map(len, findings.values())))
    yield "| server | calls itself | judged in | rules it breaks |\n|---|---|---|---|"
    for name, one in servers.items():
        broken = [check for check, rows in findings.items() if name in rows]
        revisions = ", ".join(one.get("revisions", [])) or "not reached"
        yield f"| {name} | {_cell(one['version'])} | {revisions} | {', '.join(broken) or 'none'} |"
    yield "\n| rule | level | sent | came back | servers |\n|---|---|---|---|---|"
    for check, rows in findings.items():
        level = max((row["level"] for row in rows.values()), key=_LEVELS.index)
        rule = f"[{check}](../checks.md#{_anchor(check)})"
        for (sent, came), like in _alike(rows).items():
            named = ", ".join(_where(name, rows[name], servers[name].get("revisions", [])) for name in like)
            yield f"| {rule} | {level} | {_wire(sent)} | {_wire(came)} | {named} |"
    advice = ", ".join(f"{check} ({count})" for check, count in made["advice"].items())
    yield f"\nAdvice beyond the specification, with the number of servers that it is given to: {advice}.\n"


def _alike(rows: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """Return the servers by what they were sent and what came of it."""
    alike: dict[tuple[str, str], list[str]] = {}
    for name, row in rows.items():
        alike.setdefault((row["sent"], row["came"]), []).append(name)
    return alike


def _wire(text: str) -> str:
    """Return what went over the wire as code in one cell of a table."""
    shown = " ".join(text.replace("|", "¦").replace("`", "'").split())
    return f"`{shown[:160]}{'…' if len(shown) > 160 else ''}`"


def _where(name: str, row: Mapping[str, Any], spoken: list[str]) -> str:
    """Return a server, with its revisions where a finding is not one of all of them, and its tools."""
    told = [] if row.get("revisions", []) == spoken else [", ".join(row["revisions"])]
    tools = len(row.get("tools", []))
    told += [f"{tools} tool{'s' * (tools > 1)}"] if tools else []
    return f"{name} ({'; '.join(told)})" if told else name


def _anchor(identity: str) -> str:
    return f"{identity} {CATALOGUE[identity].slug}".lower().replace(" ", "-").replace(".", "")


def _catalogue() -> Iterator[str]:
    """Yield the page of all rules, area by area; each rule is one heading, so that it can be linked to."""
    entries = catalogue()
    judged = sum(entry.check is not None for entry in entries)
    yield _CHECKS.format(rules=len(entries), judged=judged)
    for area, title in _AREAS.items():
        rules = [entry for entry in entries if entry.row.id.partition("-")[0] == area]
        yield f"## {title}\n"
        for entry in rules:
            yield from _rule(entry)


def _rule(entry: CatalogueEntry) -> Iterator[str]:
    """Yield what there is to know of one rule."""
    row, guidance = entry.row, GUIDANCE[entry.row.id]
    yield f"### {row.id} {row.slug}\n"
    yield f"{_prose(row.requirement)}\n"
    yield f"- **Level**: {levels_of(row)}"
    yield f"- **Needs**: {NEEDS[row.mode]}{_only_over(row)}"
    yield f"- **Seen by**: {_prose(row.observe)}"
    if entry.why_not is not None:
        yield f"- **Not judged**: {_prose(entry.why_not)}"
    yield f"- **Why it matters**: {_prose(guidance.why)}"
    if guidance.both:
        yield f"- **Fix** ({guidance.whose.where}): {_prose(guidance.both)}"
    else:
        yield f"- **Fix in Python** ({guidance.whose.where}): {_prose(guidance.python)}"
        yield f"- **Fix in TypeScript**: {_prose(guidance.typescript)}"
    links = [f"[{version}]({spec_link(row.spec_paths, version)})" for version in row.levels if row.spec_paths]
    yield f"- **Rule**: {', '.join(links)}\n" if links else ""


def _only_over(row: Row) -> str:
    return f"; asked over {', '.join(sorted(row.transports))} only" if row.transports else ""


def _prose(text: str) -> str:
    """Return text for a page: what stands outside code is shown as it is, angle brackets and stars too."""
    parts = text.split("`")
    parts[::2] = [_PROSE.sub(lambda found: f"\\{found.group()}", part).replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)


def _words(words: list[Any]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("%%", "%")


if __name__ == "__main__":
    KEPT.write_text(pages()[KEPT.name], encoding="utf-8")
