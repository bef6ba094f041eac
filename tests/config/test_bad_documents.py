"""Each dialect's wrong documents: one error with file, line and hint, and nothing is started."""

from __future__ import annotations

import ast
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mcp_assay.config
from mcp_assay.config.dialects import DIALECTS
from mcp_assay.config.loader import load
from mcp_assay.core.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.conftest import Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How a dialect is broken: each text has its mistake on line 3, unless another line is named."""

    file: str
    broken: str
    wrong_type: str
    unknown_key: str
    meant: str
    twice: str


def table(
    root: str, key: str = "command", value: str = '"x"', near: str = "comand", *, nested: str = ""
) -> dict[str, str]:
    """Return the mistakes of a dialect that keeps servers in a JSON object."""
    start, end = (f'{{"{nested}": {{"{root}": {{', "}}}") if nested else (f'{{"{root}": {{', "}}")
    good = f'{{"{key}": {value}}}'
    return {
        "broken": f'{start}\n"a": {good}\n"b": {good}\n{end}',
        "wrong_type": f'{start}\n"a": {{\n"{key}": 7}}{end}',
        "unknown_key": f'{start}\n"a": {{\n"{near}": {value}}}{end}',
        "meant": key,
        "twice": f'{start}\n"a": {good},\n"a": {good}{end}',
    }


SAMPLES = {
    "claude-desktop": Sample(file="claude_desktop_config.json", **table("mcpServers")),
    "claude-code": Sample(file=".mcp.json", **table("mcpServers")),
    "claude-code-user": Sample(file=".claude.json", **table("mcpServers")),
    "vscode": Sample(file=".vscode/mcp.json", **table("servers")),
    "copilot": Sample(file=".copilot/mcp-config.json", **table("mcpServers")),
    "cursor": Sample(file=".cursor/mcp.json", **table("mcpServers")),
    "windsurf": Sample(file=".codeium/windsurf/mcp_config.json", **table("mcpServers")),
    "antigravity": Sample(file=".gemini/antigravity/mcp_config.json", **table("mcpServers")),
    "cline": Sample(file="cline_mcp_settings.json", **table("mcpServers")),
    "kiro": Sample(file=".kiro/settings/mcp.json", **table("mcpServers")),
    "gemini": Sample(file=".gemini/settings.json", **table("mcpServers")),
    "zed": Sample(file="zed/settings.json", **table("context_servers")),
    "opencode": Sample(file="opencode.json", **table("mcp", value='["x"]')),
    "fastmcp": Sample(file="fastmcp.json", **table("mcpServers")),
    "mcpServers": Sample(file="servers.json", **table("mcpServers")),
    "codex": Sample(
        file=".codex/config.toml",
        broken="[mcp_servers.a]\n\ncommand = x\n",
        wrong_type="[mcp_servers.a]\n\ncommand = 7\n",
        unknown_key='[mcp_servers.a]\ncommand = "x"\nenv_var = ["A"]\n',
        meant="env_vars",
        twice='[mcp_servers.a]\ncommand = "x"\n[mcp_servers.a]\n',
    ),
    "continue": Sample(
        file=".continue/config.yaml",
        broken="mcpServers:\n  - name: a\n    args: [x\n    command: y\n",
        wrong_type="mcpServers:\n  - name: a\n    command: 7\n",
        unknown_key="mcpServers:\n  - name: a\n    comand: x\n",
        meant="command",
        twice="mcpServers:\n  - {name: a, command: x}\n  - {name: a, command: y}\n",
    ),
    "goose": Sample(
        file="goose/config.yaml",
        broken="extensions:\n  a: {cmd: x,\n  args: [}\n",
        wrong_type="extensions:\n  a:\n    cmd: 7\n",
        unknown_key="extensions:\n  a:\n    cmds: x\n",
        meant="cmd",
        twice="extensions:\n  a: {cmd: x, args: []}\n  a: {cmd: y, args: []}\n",
    ),
    "registry": Sample(
        file="server.json",
        broken='{"name": "a",\n"remotes": []\n"packages": []}',
        wrong_type='{"name": "a", "remotes": [{\n"type": "sse",\n"url": 7}]}',
        unknown_key='{"name": "a", "packages": [{"registryType": "npm",\n"identifier": "x",\n"runtimeHints": "npx"}]}',
        meant="runtimeHint",
        twice='{"name": "a",\n"remotes": [],\n"name": "b"}',
    ),
    "mcpb": Sample(
        file="manifest.json",
        broken='{"manifest_version": "0.3",\n"name": "a"\n"server": {}}',
        wrong_type='{"manifest_version": "0.3", "name": "a",\n"server": {"mcp_config": {\n"command": 7}}}',
        unknown_key='{"manifest_version": "0.3", "name": "a",\n"server": {"mcp_config": {\n"comand": "x"}}}',
        meant="command",
        twice='{"manifest_version": "0.3", "name": "a",\n"server": {"mcp_config": {"command": "x",\n"command": "y"}}}',
    ),
}  # fmt: skip

BY_DIALECT = pytest.mark.parametrize(("dialect", "sample"), SAMPLES.items(), ids=list(SAMPLES))


def assert_clear(error: ConfigError, sample: Sample, line: int | None) -> None:
    """Assert that an error says where it is."""
    assert str(error.path).endswith(sample.file)
    assert error.line == line
    assert str(error).startswith(f"{error.path}:{line}")
    assert not error.message.endswith(".")
    assert "\n" not in error.message


def test_every_dialect_has_its_wrong_documents() -> None:
    assert set(SAMPLES) == {row.name for row in DIALECTS}


@BY_DIALECT
def test_broken_syntax_is_an_error_at_its_line(dialect: str, sample: Sample, refuse: Refuse) -> None:
    error = refuse(sample.broken, sample.file)
    assert error.line is not None
    assert error.line >= 3
    assert_clear(error, sample, error.line)


@BY_DIALECT
def test_a_wrong_type_is_an_error_that_names_both_types(dialect: str, sample: Sample, refuse: Refuse) -> None:
    error = refuse(sample.wrong_type, sample.file)
    assert_clear(error, sample, 3)
    assert "must be a" in error.message
    assert "not a number" in error.message


@BY_DIALECT
def test_an_unknown_key_is_an_error_with_the_closest_one(dialect: str, sample: Sample, refuse: Refuse) -> None:
    error = refuse(sample.unknown_key, sample.file)
    assert_clear(error, sample, 3)
    assert error.hint == f"did you mean '{sample.meant}'?"


@BY_DIALECT
def test_a_name_that_is_there_twice_is_an_error_at_the_second(dialect: str, sample: Sample, refuse: Refuse) -> None:
    error = refuse(sample.twice, sample.file)
    assert_clear(error, sample, 3)
    assert "twice" in error.message
    assert error.hint is not None
    assert "rename or remove one" in error.hint


@BY_DIALECT
def test_a_file_of_ten_megabytes_is_an_error(dialect: str, sample: Sample, refuse: Refuse) -> None:
    error = refuse(" " * 10_000_000, sample.file)
    assert error.message == "file is larger than 4 MiB"


@BY_DIALECT
def test_an_empty_file_is_an_error(dialect: str, sample: Sample, refuse: Refuse) -> None:
    error = refuse("\n", sample.file)
    assert error.message == "file is empty"
    assert error.hint is not None


CIRCLES = {
    ".vscode/mcp.json": """{"inputs": [
        {"type": "promptString", "id": "a", "default": "${input:b}"},
        {"type": "promptString", "id": "b", "default": "x${input:a}"}],
        "servers": {"s": {"command": "${input:a}"}}}""",
    "server.json": """{"name": "s", "remotes": [{"type": "sse", "url": "https://{a}/", "variables": {
        "a": {"value": "{b}"},
        "b": {"default": "{a}"}}}]}""",
    "manifest.json": """{"manifest_version": "0.3", "name": "s", "user_config": {
        "a": {"default": ["${user_config.b}", "y"]},
        "b": {"default": "${user_config.a}"}},
        "server": {"mcp_config": {"command": "x", "args": ["${user_config.a}"]}}}""",
}


@pytest.mark.parametrize("file", CIRCLES)
def test_inputs_that_refer_to_each_other_are_an_error(file: str, refuse: Refuse) -> None:
    error = refuse(CIRCLES[file], file)
    assert "refers to itself: a -> b -> a" in error.message
    assert error.line is not None


def test_an_input_that_is_not_declared_is_an_error(refuse: Refuse) -> None:
    text = '{"inputs": [{"id": "api-key"}], "servers": {"s": {"command": "x",\n"args": ["${input:api_key}"]}}}'
    error = refuse(text, ".vscode/mcp.json")
    assert (error.line, error.hint) == (2, "did you mean 'api-key'?")


def test_a_missing_file_is_an_error_that_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"does not exist(?s:.*)other\.json"):
        load(tmp_path / "servers.json", config_id="x")


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="folder, not a file"):
        load(tmp_path, config_id="x")


def test_a_pipe_is_an_error_instead_of_a_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "servers.json")
    with pytest.raises(ConfigError, match="not a regular file"):
        load(tmp_path / "servers.json", config_id="x")


def test_text_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    path.write_bytes('{"mcpServers": {}}'.encode("utf-16"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(path, config_id="x")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    path.write_text('\ufeff{"mcpServers": {}}', encoding="utf-8")
    assert load(path, config_id="x") == ()


def test_a_missing_root_key_names_the_one_that_looks_like_it(refuse: Refuse) -> None:
    error = refuse('{\n"mcpServer": {}}')
    assert error.message == "'mcpServers' is missing"
    assert error.hint == "'mcpServer' on line 2 looks like it"


def test_settings_of_a_client_without_servers_are_no_mistake(tmp_path: Path) -> None:
    for file, text in ((".gemini/settings.json", "{}"), ("goose/config.yaml", "a: 1"), (".codex/config.toml", "a = 1")):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text(text)
        assert load(tmp_path / file, config_id="x") == ()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('{"command": "x", "url": "https://x"}', "both a command and an address"),
        ("{}", "neither command nor url"),
        ('{"type": "http", "command": "x"}', "type streamable-http but a command"),
        ('{"type": "stdio", "url": "https://x"}', "type stdio but a url"),
        ('{"type": "htttp", "url": "https://x"}', "known types: stdio"),
        ('{"command": " "}', "is empty"),
        ('{"command": "x", "timeout": -1}', "must not be negative"),
        ('{"command": "x", "timeout": 1e999}', "must not be negative or infinite"),
        ('{"command": "x", "args": "-y"}', "args must be a list, not a string"),
        ('{"command": "x", "args": [1]}', r"args\[0\] must be a string, not a number"),
        ('{"command": "x", "env": {"PORT": 1}}', "put it in double quotes"),
        ('{"command": "x", "disabled": "yes"}', "must be true or false, not a string"),
        ('{"url": "https://x", "serverUrl": "https://y"}', "says the same as"),
        ("[]", "must be an object, not a list"),
    ],
)
def test_an_entry_that_makes_no_sense_is_an_error(entry: str, words: str, refuse: Refuse) -> None:
    with pytest.raises(ConfigError, match=words):
        raise refuse(f'{{"mcpServers": {{"a": {entry}}}}}')


def test_comments_are_refused_where_the_client_refuses_them(refuse: Refuse) -> None:
    error = refuse('{"mcpServers": {} // none\n}', ".mcp.json")
    assert (error.line, error.column, error.message) == (1, 19, "a comment is not allowed in JSON")


def test_a_remote_of_claude_without_a_type_is_an_error(refuse: Refuse) -> None:
    error = refuse('{"mcpServers": {"a": {"url": "https://x"}}}', ".mcp.json")
    assert "has a url but no type" in error.message


def test_an_unknown_dialect_is_an_error_with_the_closest_one(refuse: Refuse) -> None:
    assert refuse("{}", dialect="vs-code").hint == "did you mean vscode?"


def test_a_bundle_that_is_no_archive_is_an_error(refuse: Refuse) -> None:
    assert "bundle cannot be read" in refuse("{}", "a.mcpb").message


def test_a_bundle_without_a_manifest_is_an_error(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.mcpb", "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(ConfigError, match=r"no manifest\.json"):
        load(tmp_path / "a.mcpb", config_id="x")


def test_a_manifest_that_unpacks_to_too_much_is_an_error(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.mcpb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", " " * 10_000_000)
    with pytest.raises(ConfigError, match="larger than 4 MiB"):
        load(tmp_path / "a.mcpb", config_id="x")


def test_reading_can_neither_start_a_process_nor_open_a_connection() -> None:
    forbidden = {"subprocess", "multiprocessing", "socket", "asyncio", "anyio", "httpx", "urllib.request", "pty"}
    for path in Path(mcp_assay.config.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        found |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not found & forbidden, path


def test_no_error_quotes_a_secret(refuse: Refuse) -> None:
    secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    entry = json.dumps({"command": "x", "env": {"GITHUB_TOKEN": secret}, "headers": {"A": [secret]}, "unknwon": secret})
    assert secret not in str(refuse(f'{{"mcpServers": {{"a": {entry}}}}}'))
