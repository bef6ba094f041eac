"""Reference pages made from the code while the site is built, so that they cannot lag behind it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import click
from mkdocs.structure.files import File

from mcp_assay.cli.main import COMMANDS, main
from mcp_assay.config.overlay_reader import BUDGETS, THRESHOLDS
from mcp_assay.plugin.options import add_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


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
        "checks.md": _catalogue(),
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
        choices = "|".join(settings.get("choices", ()))
        value = settings.get("metavar", choices) if settings.get("action") != "store_true" else ""
        yield f"| {_code(f'{name} {value}'.strip())} | {_cell(settings['help'])} |"
    yield "\n## Settings in `mcp-assay.toml`\n\nAlso below `[tool.mcp-assay]` in `pyproject.toml`.\n"
    yield f"- `[thresholds]`: {', '.join(f'`{name}` (0 to {top:g})' for name, top in THRESHOLDS.items())}"
    yield f"- `[budgets]`: {', '.join(f'`{name}`' for name in BUDGETS)}"
    yield '- `[servers."NAME"]`: `required`, `accept`, `tools`, `secrets`, `elicitation`, `budgets`; see the guides'


def _commands() -> Iterator[str]:
    yield "# The command `mcp-assay`\n\nEvery command ends with 4 and one message when a file cannot be used.\n"
    with click.Context(main, info_name="mcp-assay") as root:
        for name in COMMANDS:
            command = main.get_command(root, name)
            if command is None:
                raise LookupError(name)
            context = click.Context(command, parent=root, info_name=name, terminal_width=100, max_content_width=100)
            yield f"## {name}\n\n```text\n{command.get_help(context)}\n```\n"


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


def _catalogue() -> str:
    return "# Checks\n\n`mcp-assay checks` lists every rule, its level in each revision and whether it is judged.\n"


def _words(words: list[Any]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("%%", "%")
