"""From a symbolic server to what is started: variables, env files and the secrets to redact."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.secrets import secrets_of
from mcp_assay.config.spec import Reference, UnsetVariableError
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.core.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.config.conftest import Read

    from mcp_assay.config.spec import Launch


def variables(inputs: dict[str, str] | None = None, **environ: str) -> EnvironmentVariables:
    """Return variables of nothing but these."""
    return EnvironmentVariables(environ=environ, inputs=inputs or {})


def launch(read: Read, entry: str, name: str = ".mcp.json", **environ: str) -> Launch:
    """Return what the one server of a document is started as."""
    (spec,) = read(f'{{"mcpServers": {{"s": {entry}}}}}', name)
    return spec.resolve(variables(**environ))


def test_references_are_looked_up_when_the_server_is_started(read: Read) -> None:
    started = launch(
        read, '{"command": "${BIN}/x", "args": ["${A:-d}", "$B"], "env": {"T": "${T}"}}', BIN="/b", T="t0k"
    )
    assert started.command == ("/b/x", "d", "$B")
    assert started.env == {"T": "t0k"}


def test_a_default_stands_in_for_an_unset_and_an_empty_variable(read: Read) -> None:
    entry = '{"command": "x", "args": ["${A:-d}", "${B:-d}", "${C:-}"]}'
    assert launch(read, entry, B="").command == ("x", "d", "d", "")


@pytest.mark.parametrize(("environ", "words"), [({}, "is not set"), ({"API_KEY": ""}, "is empty")])
def test_an_unset_variable_is_an_error_with_name_file_line_and_hint(
    environ: dict[str, str], words: str, read: Read
) -> None:
    with pytest.raises(UnsetVariableError) as caught:
        launch(read, '{"command": "x",\n"env": {"K": "a${API_KEY}"}}', **environ)
    error = caught.value
    assert error.message == f"env variable API_KEY {words}"
    assert (error.line, error.column) == (2, 14)
    assert str(error.path).endswith(".mcp.json")
    assert error.hint is not None
    assert "export API_KEY=" in error.hint
    assert error.reference.name == "API_KEY"


def test_an_unset_input_is_an_error_that_names_both_ways_to_give_it(read: Read) -> None:
    (spec,) = read('{"servers": {"s": {"command": "x", "args": ["${input:api-key}"]}}}', ".vscode/mcp.json")
    with pytest.raises(UnsetVariableError, match=r"--mcp-input api-key=… or set MCP_INPUT_API_KEY"):
        spec.resolve(variables())


def test_an_input_comes_from_the_option_before_the_environment() -> None:
    reference = Reference(source="input", name="api-key")
    assert variables(MCP_INPUT_API_KEY="e").value_of(reference) == "e"
    assert variables({"api-key": "o"}, MCP_INPUT_API_KEY="e").value_of(reference) == "o"
    assert variables(**{"api-key": "x"}).value_of(reference) is None


def test_a_secret_of_a_keyring_may_be_a_variable_of_its_name() -> None:
    assert variables(TOKEN="t").value_of(Reference(source="secrets", name="TOKEN")) == "t"


def test_a_file_reference_is_read_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("s3cret\n")
    assert variables().value_of(Reference(source="file", name=str(tmp_path / "t"))) == "s3cret"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 100_000, None])
def test_a_file_reference_to_no_small_text_is_unset(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "t").write_bytes(content)
    assert variables().value_of(Reference(source="file", name=str(tmp_path / "t"))) is None


def test_a_relative_file_reference_is_seen_from_the_document(read: Read, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("s3cret")
    (spec,) = read('{"mcp": {"s": {"type": "local", "command": ["x", "{file:t}"]}}}', "opencode.json")
    assert spec.resolve(variables()).command == ("x", "s3cret")


@pytest.mark.parametrize("text", ["hunter22", "=hunter22", ""])
def test_an_input_option_without_name_or_value_is_an_error_that_does_not_quote_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        EnvironmentVariables.from_options([text], {})
    assert "hunter22" not in str(caught.value)


def test_an_input_option_may_hold_equals_signs() -> None:
    assert EnvironmentVariables.from_options(["a=b=c"], {}).inputs == {"a": "b=c"}


def test_a_value_is_never_expanded_twice(read: Read) -> None:
    assert launch(read, '{"command": "x", "args": ["${A}"]}', A="${B}", B="no").command == ("x", "${B}")


def test_a_nul_character_is_an_error_before_the_start(read: Read) -> None:
    with pytest.raises(ConfigError, match="NUL"):
        launch(read, '{"command": "x", "args": ["${A}"]}', A="a\0b")


def test_a_relative_folder_is_seen_from_the_document(read: Read, tmp_path: Path) -> None:
    assert launch(read, '{"command": "x", "cwd": "srv"}').cwd == tmp_path / "srv"


def test_a_document_in_a_hidden_folder_belongs_to_the_project_around_it(read: Read, tmp_path: Path) -> None:
    (spec,) = read('{"servers": {"s": {"command": "${workspaceFolder}/x"}}}', ".vscode/mcp.json")
    assert spec.folder == tmp_path
    assert spec.resolve(variables()).command == (f"{tmp_path}/x",)


def test_neither_servers_nor_launches_nor_texts_show_values(read: Read) -> None:
    (spec,) = read('{"mcpServers": {"s": {"command": "x", "env": {"T": "hunter22"}}}}')
    shown = f"{spec!r} {spec.env!r} {spec.resolve(variables())!r} {variables({'a': 'hunter22'})!r}"
    assert "hunter22" not in shown


# Env files


def env_of(read: Read, file: str, **environ: str) -> dict[str, str]:
    """Return the variables of a server with this env file."""
    return dict(launch(read, f'{{"command": "x", "envFile": "{file}", "env": {{"B": "own"}}}}', **environ).env)


def test_an_env_file_gives_variables_that_the_entry_overrides(read: Read, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# c\nexport A='1 2'\nB=file\nC=${A}\nD\n")
    assert env_of(read, ".env") == {"A": "1 2", "B": "own", "C": "${A}"}


def test_an_env_file_may_be_named_by_a_variable(read: Read, tmp_path: Path) -> None:
    (tmp_path / "e").write_text("A=1")
    assert env_of(read, "${WHERE}/e", WHERE=str(tmp_path))["A"] == "1"


def test_a_secret_mounted_as_a_link_in_its_own_folder_is_read(read: Read, tmp_path: Path) -> None:
    (tmp_path / "run" / "..data").mkdir(parents=True)
    (tmp_path / "run" / "..data" / "e").write_text("A=1")
    (tmp_path / "run" / "e").symlink_to("..data/e")
    assert env_of(read, str(tmp_path / "run" / "e"))["A"] == "1"


def leave(tmp_path: Path) -> None:
    """Put a secret outside of the project, and links to it inside."""
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "e").write_text("STOLEN=1")
    (tmp_path / "link").symlink_to(outside / "e")
    (tmp_path / "linked").symlink_to(outside)


@pytest.mark.parametrize(
    "file", ["../e", "a/../../e", "link", "linked/e", "missing", "folder", "pipe", "binary", "broken", "big"]
)
def test_a_bad_env_file_is_one_error_with_line_and_hint(file: str, read: Read, tmp_path: Path) -> None:
    leave(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken").write_text("A=1\n'unclosed\n")
    (tmp_path / "big").write_bytes(b"A=" + b"x" * 10_000_000)
    with pytest.raises(ConfigError) as caught:
        env_of(read, file)
    assert caught.value.line is not None
    assert "STOLEN" not in str(caught.value)


# Which values are secrets


def secrets(**parts: object) -> dict[str, str]:
    """Return the secrets of a server made of these parts."""
    given: dict[str, object] = {"command": (), "env": {}, "url": None, "headers": {}, "variables": {}, **parts}
    return secrets_of(**given)  # type: ignore[arg-type]  # the parts are checked by the tests


def test_configured_variables_are_secrets_under_their_names() -> None:
    assert secrets(env={"API_KEY": "hunter22", "LOG": "debug", "N": "123456"}) == {"env API_KEY": "hunter22"}


def test_credentials_in_headers_count_alone_and_whole() -> None:
    basic = base64.b64encode(b"me:hunter22").decode()
    assert secrets(headers={"Authorization": "Bearer abcdef123"}) == {
        "header Authorization": "abcdef123",
        "header Authorization 2": "Bearer abcdef123",
    }
    assert "hunter22" in secrets(headers={"Authorization": f"Basic {basic}"}).values()


def test_secrets_in_addresses_are_password_query_and_long_path() -> None:
    url = "https://me:hunter22@x.example/hook/T0123456789abcdefghijk/mcp?key=q-secret"
    assert sorted(secrets(url=url).values()) == ["T0123456789abcdefghijk", "hunter22", "q-secret"]
    assert secrets(url="https://x.example/mcp") == {}


def test_secrets_in_arguments_follow_telling_options() -> None:
    found = secrets(command=("x", "--api-key", "hunter22", "--token=abcdef123", "--root", "some-folder", "-v"))
    assert found == {"argument --api-key": "hunter22", "argument --token": "abcdef123"}


def test_values_of_references_are_secrets_wherever_they_stand(read: Read) -> None:
    started = launch(read, '{"command": "x", "args": ["${A}"]}', A="hunter22")
    assert started.secrets == {"env A": "hunter22"}


def test_paths_and_plain_addresses_are_no_secrets(tmp_path: Path) -> None:
    env = {
        "A": str(tmp_path),
        "B": str(tmp_path / "new.json"),
        "C": "https://x.example/v1",
        "D": "postgres://u:hunter22@h/d",
    }
    assert set(secrets(env=env).values()) == {"postgres://u:hunter22@h/d", "hunter22"}


def test_a_broken_address_is_no_crash() -> None:
    assert secrets(url="http://[", command=("x", "http://[")) == {}
