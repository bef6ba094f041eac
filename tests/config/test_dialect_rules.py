"""What each client's format means, beyond the example documents."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config import discovery
from mcp_assay.config.dialects import DIALECTS
from mcp_assay.config.discovery import find_well_known
from mcp_assay.config.loader import load
from mcp_assay.config.spec import TransportKind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.config.conftest import Read

    from mcp_assay.config.spec import ServerSpec


def only(specs: tuple[ServerSpec, ...]) -> ServerSpec:
    """Return the one server of a document."""
    (spec,) = specs
    return spec


REMOTE = '{"mcpServers": {"s": {"url": "https://x.example/mcp"}}}'


@pytest.mark.parametrize(
    ("file", "transport"),
    [
        ("servers.json", TransportKind.HTTP),
        ("cline_mcp_settings.json", TransportKind.SSE),
        (".gemini/settings.json", TransportKind.SSE),
        (".cursor/mcp.json", TransportKind.HTTP),
        ("fastmcp.json", TransportKind.HTTP),
    ],
)
def test_a_remote_without_a_type_is_what_its_client_makes_of_it(
    file: str, transport: TransportKind, read: Read
) -> None:
    assert only(read(REMOTE, file)).transport is transport


@pytest.mark.parametrize(
    ("url", "kind"), [("/sse", "sse"), ("/sse/", "sse"), ("/sse?x=1", "sse"), ("/assets", "streamable-http")]
)
def test_a_generic_remote_is_judged_by_its_path(url: str, kind: str, read: Read) -> None:
    assert only(read(f'{{"mcpServers": {{"s": {{"url": "https://x{url}"}}}}}}')).transport == kind


@pytest.mark.parametrize(
    ("file", "text", "seconds"),
    [
        ("cline_mcp_settings.json", '{"mcpServers": {"s": {"command": "x", "timeout": 60}}}', 60),
        (".gemini/settings.json", '{"mcpServers": {"s": {"command": "x", "timeout": 60}}}', 0.06),
        ("servers.json", '{"mcpServers": {"s": {"command": "x", "timeout": 60}}}', 60),
        ("servers.json", '{"mcpServers": {"s": {"command": "x", "timeout": 60000}}}', 60),
        ("opencode.json", '{"mcp": {"s": {"type": "local", "command": ["x"], "timeout": 5000}}}', 5),
        ("goose/config.yaml", "extensions: {s: {type: stdio, cmd: x, args: [], timeout: 300}}", 300),
    ],
)
def test_timeouts_are_seconds_whatever_their_unit(file: str, text: str, seconds: float, read: Read) -> None:
    assert only(read(text, file)).call_timeout_s == pytest.approx(seconds)


def test_opencode_2_has_its_servers_deeper_and_two_timeouts(read: Read) -> None:
    text = """{"mcp": {"timeout": {"request": 1}, "servers": {
        "s": {"type": "local", "command": ["x"], "timeout": {"startup": 2000, "request": 3000}, "disabled": true}}}}"""
    spec = only(read(text, "opencode.jsonc"))
    assert (spec.start_timeout_s, spec.call_timeout_s, spec.disabled) == (2, 3, True)


def test_an_entry_that_only_switches_a_server_is_no_server(read: Read) -> None:
    assert read('{"mcp": {"s": {"enabled": false}}}', "opencode.json") == ()


def test_vs_code_variables_may_be_numbers_and_null_means_not_set(read: Read) -> None:
    spec = only(read('{"servers": {"s": {"command": "x", "env": {"A": 1, "B": null, "C": true}}}}', "vscode_mcp.json"))
    assert {name: str(value) for name, value in spec.env.items()} == {"A": "1", "C": "true"}


def test_vs_code_reads_comments_in_plain_json_files(read: Read) -> None:
    assert only(read('{"servers": {"s": {"command": "x",}}} // ok', ".vscode/mcp.json")).dialect == "vscode"


def test_an_input_with_a_default_needs_no_value(read: Read) -> None:
    text = """{"inputs": [{"type": "promptString", "id": "a", "default": "d"}],
        "servers": {"s": {"command": "x", "args": ["${input:a}"]}}}"""
    assert only(read(text, ".vscode/mcp.json")).command[1].references[0].default is not None


def test_gemini_switches_servers_elsewhere_in_the_document(read: Read) -> None:
    text = '{"mcpServers": {"a": {"command": "x"}, "b": {"command": "x"}}, "mcp": {"allowed": ["a"]}}'
    assert [spec.disabled for spec in read(text, ".gemini/settings.json")] == [False, True]


def test_gemini_writes_variables_like_a_shell(read: Read) -> None:
    spec = only(
        read('{"mcpServers": {"s": {"command": "x", "args": ["$A", "${B}", "a$", "$1"]}}}', ".gemini/settings.json")
    )
    assert [str(part) for part in spec.command[1:]] == ["${env:A}", "${env:B}", "a$", "$1"]


def test_codex_takes_variables_by_name_and_never_interpolates(read: Read) -> None:
    text = '[mcp_servers.s]\ncommand = "x"\nargs = ["${A}"]\nenv_vars = ["B", {name = "C", source = "local"}]\n'
    spec = only(read(text, ".codex/config.toml"))
    assert str(spec.command[1]) == "${A}"
    assert not spec.command[1].references
    assert {name: str(value) for name, value in spec.env.items()} == {"B": "${env:B}", "C": "${env:C}"}


def test_codex_counts_either_seconds_or_milliseconds(read: Read) -> None:
    spec = only(read('[mcp_servers.s]\ncommand = "x"\nstartup_timeout_ms = 1500\n', "codex.toml"))
    assert (spec.dialect, spec.start_timeout_s) == ("codex", 1.5)


def test_cursor_knows_its_own_variables_only(read: Read) -> None:
    spec = only(
        read('{"mcpServers": {"s": {"command": "x", "args": ["${env:A}", "${B}", "${/}"]}}}', ".cursor/mcp.json")
    )
    assert [str(part) for part in spec.command[1:]] == ["${env:A}", "${B}", "/"]
    assert not spec.command[2].references


def test_zed_may_hold_the_command_in_an_object(read: Read) -> None:
    text = (
        '{"context_servers": {"s": {"source": "custom", "command": {"path": "x", "args": ["y"], "env": {"A": "1"}}}}}'
    )
    spec = only(read(text, "zed/settings.json"))
    assert [str(part) for part in spec.command] == ["x", "y"]
    assert {name: str(value) for name, value in spec.env.items()} == {"A": "1"}


def test_zed_extensions_are_no_servers_of_ours(read: Read) -> None:
    assert read('{"context_servers": {"s": {"source": "extension", "settings": {}}}}', "zed/settings.json") == ()


def test_continue_takes_headers_from_its_request_options(read: Read) -> None:
    text = (
        "mcpServers:\n  - {name: s, url: 'https://x', type: sse, requestOptions: {headers: {A: '${{ secrets.B }}'}}}\n"
        "  - uses: org/block\n"
    )
    spec = only(read(text, ".continue/config.yaml"))
    assert (spec.transport, str(spec.headers["A"])) == (TransportKind.SSE, "${secrets:B}")


def test_goose_parts_that_run_inside_it_are_no_servers(read: Read) -> None:
    text = "extensions:\n  a: {type: platform, enabled: true}\n  b: {type: stdio, cmd: x, args: [], enabled: false}\n"
    assert [(spec.name, spec.disabled) for spec in read(text, "goose/config.yaml")] == [("b", True)]


def test_fastmcp_auth_is_a_token_unless_it_is_oauth(read: Read) -> None:
    text = '{"mcpServers": {"a": {"url": "https://x", "auth": "t"}, "b": {"url": "https://x", "auth": "oauth"}}}'
    a, b = read(text, "fastmcp.json")
    assert (str(a.headers["Authorization"]), dict(b.headers)) == ("Bearer t", {})


def test_copilot_star_means_all_tools(read: Read) -> None:
    entries = '"a": {"type": "local", "command": "x", "tools": ["*"]}, "b": {"command": "x", "tools": ["t"]}'
    a, b = read(f'{{"mcpServers": {{{entries}}}}}', ".copilot/mcp-config.json")
    assert (a.enabled_tools, b.enabled_tools) == (None, frozenset({"t"}))


def test_keys_that_are_comments_are_no_mistake(read: Read) -> None:
    text = '{"mcpServers": {"s": {"command": "x", "_note": "n", "//": "c", "$schema": "s"}}}'
    assert only(read(text)).name == "s"


# Bundles and registry entries

BUNDLE = """{"manifest_version": "0.3", "name": "b",
    "server": {"type": "node", "mcp_config": {"command": "node", "args": ["${__dirname}/x", "${user_config.dirs}"],
        "platform_overrides": {"linux": {"command": "nodejs"}, "win32": {"command": "node.exe"}}}},
    "user_config": {"dirs": {"type": "directory", "multiple": true, "default": ["${HOME}/a", "/b"]},
        "max": {"type": "number", "default": 3}}}"""


def test_a_bundle_is_started_as_its_platform_needs_it(read: Read, tmp_path: Path) -> None:
    spec = only(read(BUNDLE, "manifest.json"))
    assert [str(part) for part in spec.command] == ["nodejs", f"{tmp_path}/x", "${input:dirs}", "${input:dirs.2}"]
    assert [str(part.references[0].default).rpartition("/")[2] for part in spec.command[2:]] == ["a", "b"]


def test_a_packed_bundle_is_listed_but_not_started(tmp_path: Path, read: Read) -> None:
    with zipfile.ZipFile(tmp_path / "b.mcpb", "w") as archive:
        archive.writestr("manifest.json", BUNDLE)
    spec = only(load(tmp_path / "b.mcpb", config_id="b.mcpb"))
    assert spec.disabled
    assert spec.disabled_because == "unpack the bundle and name its manifest.json instead"


def package(extra: str, kind: str = "npm") -> str:
    """Return a registry entry with one package."""
    start = f'{{"registryType": "{kind}", "identifier": "p", "version": "1.0.0"'
    return f'{{"name": "io.x/y", "packages": [{start}{", " if extra else ""}{extra}}}]}}'


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("npm", "npx -y p@1.0.0"),
        ("pypi", "uvx p@1.0.0"),
        ("oci", "docker run -i --rm p"),
        ("nuget", "dnx --yes p@1.0.0"),
    ],
)
def test_a_package_is_started_by_its_launcher(kind: str, command: str, read: Read) -> None:
    spec = only(read(package("", kind), "server.json"))
    assert " ".join(map(str, spec.command)) == command
    assert (spec.name, spec.line) == ("io.x/y", 1)


def test_a_package_without_a_launcher_is_listed_but_not_started(read: Read) -> None:
    spec = only(read(package("", "mcpb"), "server.json"))
    assert (spec.disabled, spec.disabled_because) == (True, "packages of type mcpb have no launcher")


def test_arguments_of_a_package_are_fixed_asked_for_or_left_out(read: Read) -> None:
    text = package(
        """"packageArguments": [
            {"type": "positional", "value": "start"},
            {"type": "named", "name": "--flag"},
            {"type": "named", "name": "--port", "isRequired": true, "default": "80"},
            {"type": "positional", "valueHint": "dir", "isRequired": true},
            {"type": "positional", "valueHint": "left-out"},
            {"type": "named", "name": "--url", "value": "http://{host}/", "variables": {"host": {"default": "h"}}}]"""
    )
    spec = only(read(text, "server.json"))
    words = [str(part) for part in spec.command[3:]]
    assert words == ["start", "--flag", "--port", "${input:port}", "${secrets:dir}", "--url", "http://${input:host}/"]


# Finding the dialect


def test_every_dialect_that_discovery_names_is_a_row() -> None:
    assert {name for name, _ in _all_known()} <= {row.name for row in DIALECTS}


def _all_known() -> list[tuple[str, str]]:
    tables = (discovery.PROJECT_FILES, discovery.HOME_FILES, discovery.SETTINGS_FILES, discovery.DOT_CONFIG_FILES)
    return [(dialect, file) for table in tables for file, dialect in table]


JSON_FILES = [(dialect, file) for dialect, file in _all_known() if file.endswith((".json", ".jsonc"))]


@pytest.mark.parametrize(("dialect", "file"), JSON_FILES, ids=lambda value: value)
def test_a_well_known_file_is_read_in_the_dialect_that_lives_there(dialect: str, file: str, read: Read) -> None:
    row = next(row for row in DIALECTS if row.name == dialect)
    *outer, inner = row.roots[-1]
    entry = '{"s": {"type": "local", "command": ["x"]}}' if dialect == "opencode" else '{"s": {"command": "x"}}'
    text = f'{{"{inner}": {entry}}}'
    for key in reversed(outer):
        text = f'{{"{key}": {text}}}'
    assert only(read(text, file)).dialect == dialect


def test_files_are_found_project_first_and_once(tmp_path: Path) -> None:
    project, home = tmp_path / "p", tmp_path / "h"
    for path in (
        project / ".mcp.json",
        home / ".cursor" / "mcp.json",
        home / ".config" / "Claude" / "claude_desktop_config.json",
    ):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    found = find_well_known(folder=project, home=home, environ={}, platform="linux")
    assert [(item.path.name, item.dialect) for item in found] == [
        (".mcp.json", "claude-code"),
        ("mcp.json", "cursor"),
        ("claude_desktop_config.json", "claude-desktop"),
    ]
    assert find_well_known(folder=home, home=home, environ={}, platform="linux")[0].dialect == "cursor"
    assert len(find_well_known(folder=home, home=home, environ={}, platform="linux")) == 2


def test_plain_servers_may_be_written_in_yaml(read: Read) -> None:
    assert only(read("mcpServers: {s: {command: x}}", "servers.yaml")).dialect == "mcpServers"


def test_a_server_json_that_holds_plain_servers_is_read_as_such(read: Read) -> None:
    assert only(read('{"mcpServers": {"s": {"command": "x"}}}', "server.json")).dialect == "mcpServers"
