"""The user's own settings beside the clients' files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.authorization import PrivateKey
from mcp_assay.config.loader import load
from mcp_assay.config.overlay import Overlay
from mcp_assay.config.rules import Accepted, SandboxRule, ToolRule
from mcp_assay.config.spec import Reference
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.core.errors import ConfigError
from mcp_assay.core.verdicts import Category

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_assay.config.spec import ServerSpec

FULL = """\
[thresholds]
ready_score = 80
[weights]
schema = 30
performance = 0
[budgets]
p95_s = 0.5

[servers.memory]
required = true
accept = [{check = "TOOL-003", tool = "create_*", reason = "known"}, {check = "ADV-*"}]
[servers.memory.tools."*"]
call = false
[servers.memory.tools."create_*"]
args = {entities = [{name = "x", n = 1}]}
[servers.memory.tools.create_entities]
call = true
[servers.memory.budgets]
p95_s = 0.1
[servers.memory.elicitation]
city = "Berlin"
[servers.memory.sandbox]
folders = ["/srv/data"]
[servers.memory.secrets]
api-key = "${env:STAGING_KEY}"

[servers."*"]
required = false
sandbox = { network = true, folders = ["/srv/data", "/srv/more"] }
[servers."*".tools."read_*"]
call = true
[servers."*".elicitation]
city = "Rome"
ok = true
"""


@pytest.fixture
def overlay(tmp_path: Path) -> Overlay:
    """Return the overlay above."""
    (tmp_path / "mcp-assay.toml").write_text(FULL)
    return Overlay.find(tmp_path, root=tmp_path)


def refused(tmp_path: Path, text: str) -> ConfigError:
    """Return the error that a settings file ends with."""
    path = tmp_path / "mcp-assay.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Overlay.load(path)
    return caught.value


def test_an_exact_name_comes_before_patterns_and_each_setting_from_the_first_that_states_it(overlay: Overlay) -> None:
    assert overlay.tool("memory", "create_entities") == ToolRule(call=True, args={"entities": [{"name": "x", "n": 1}]})
    assert overlay.tool("memory", "create_other").call is False
    assert overlay.tool("other", "read_graph").call is True
    assert overlay.tool("other", "write") == ToolRule()


def test_rules_for_one_server_come_before_those_for_all(overlay: Overlay) -> None:
    assert (overlay.required("memory"), overlay.required("other")) == (True, False)
    assert overlay.elicitation("memory") == {"city": "Berlin", "ok": True}
    assert overlay.sandbox("memory") == SandboxRule(network=True, folders=("/srv/data", "/srv/more"))
    assert overlay.budgets_of("memory") == {"p95_s": 0.1}
    assert overlay.budgets_of("other") == {"p95_s": 0.5}


def test_weights_and_thresholds_are_what_is_stated(overlay: Overlay) -> None:
    assert overlay.weights == {Category.SCHEMA: 30.0, Category.PERFORMANCE: 0.0}
    assert overlay.thresholds == {"ready_score": 80.0}


def test_accepted_findings_cover_by_check_and_tool(overlay: Overlay) -> None:
    first, second = overlay.accepted("memory")
    assert (first.reason, first.line) == ("known", 11)
    assert first.covers("TOOL-003", "create_entities")
    assert not first.covers("TOOL-003", "read_graph")
    assert not first.covers("TOOL-003", None)
    assert second.covers("ADV-017", None)
    assert overlay.accepted("other") == ()


def test_a_pattern_that_is_a_tool_name_with_brackets_means_that_tool() -> None:
    assert Accepted(check="X", tool="a[b]").covers("X", "a[b]")


def test_a_secret_is_looked_up_where_the_overlay_says_unless_it_is_given(overlay: Overlay) -> None:
    reference = Reference(source="input", name="api-key")
    base = EnvironmentVariables(environ={"STAGING_KEY": "s"}, inputs={})
    assert overlay.variables("memory", base).value_of(reference) == "s"
    assert overlay.variables("other", base).value_of(reference) is None
    given = EnvironmentVariables(environ={"STAGING_KEY": "s"}, inputs={"api-key": "o"})
    assert overlay.variables("memory", given).value_of(reference) == "o"


def test_secrets_that_refer_to_each_other_do_not_hang(tmp_path: Path) -> None:
    (tmp_path / "mcp-assay.toml").write_text('[servers.s.secrets]\na = "${input:b}"\nb = "${input:a}"\n')
    variables = Overlay.find(tmp_path, root=tmp_path).variables("s", EnvironmentVariables(environ={}, inputs={}))
    assert variables.value_of(Reference(source="input", name="a")) is None


def test_the_nearest_folder_that_has_settings_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "mcp-assay.toml").write_text("[thresholds]\nready_score = 1\n")
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "mcp-assay-user"\n')
    assert Overlay.find(inner, root=tmp_path).thresholds == {"ready_score": 1.0}
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.mcp-assay.thresholds]\nready_score = 2\n")
    assert Overlay.find(inner, root=tmp_path).thresholds == {"ready_score": 2.0}


def test_a_project_file_without_our_table_or_that_is_broken_does_not_matter(tmp_path: Path) -> None:
    for text in ("", "[project", '[tool.other]\nx = "mcp-assay"\n'):
        (tmp_path / "pyproject.toml").write_text(text)
        assert Overlay.find(tmp_path, root=tmp_path) == Overlay()


def test_settings_above_the_project_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "mcp-assay.toml").write_text("[thresholds]\nready_score = 1\n")
    (tmp_path / "project").mkdir()
    assert Overlay.find(tmp_path / "project", root=tmp_path / "project") == Overlay()


def test_no_settings_at_all_are_an_empty_overlay(tmp_path: Path) -> None:
    overlay = Overlay.load(_written(tmp_path / "mcp-assay.toml", "\n# nothing\n[servers]\n"))
    assert overlay.tool("a", "b") == ToolRule()
    assert overlay.required("a") is None


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


PLAIN = 'grant = "client_credentials"\nissuer = "https://a"\nclient_id = "me"\nclient_secret = "hunter22"\n'
RELATIVE = PLAIN.replace("https://a", "auth.corp").replace("hunter22", "${env:S}")
UNBOUND = 'grant = "interactive"\nclient_id = "me"\nclient_secret = "${env:S}"\n'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[servers.s]\nrequird = true\n", 2, "did you mean 'required'?"),
        ('[servers.s.tools."x"]\ncal = true\n', 2, "did you mean 'call'?"),
        ("[servers.s]\nrequired = 1\n", 2, "must be true or false, not a number"),
        ("[weights]\nspeed = 1\n", 2, "unknown key 'speed' in weights"),
        ("[weights]\nschema = 0\n", 1, "all zero"),
        ("[weights]\nschema = -1\n", 2, "must not be negative"),
        ("[thresholds]\nready_score = 101\n", 2, "at most 100"),
        ("[budgets]\np95 = 1\n", 2, "did you mean 'p95_s'?"),
        ('[servers.s]\naccept = [{tool = "x"}]\n', 2, "names no check"),
        ('[servers.s]\naccept = ["X"]\n', 2, "must be an object, not a string"),
        ('[servers.s.secrets]\nkey = "hunter22"\n', 2, "must be a reference"),
        ("[servers.s.auth]\nissuer = 'https://a'\n", 1, "one of client_credentials, private_key_jwt, interactive"),
        ('[servers.s.auth]\ngrant = "client_credential"\n', 2, "did you mean 'client_credentials'?"),
        ('[servers.s.auth]\ngrant = "interactive"\nscopes = "x"\n', 3, "did you mean 'scope'?"),
        ('[servers.s.auth]\ngrant = "interactive"\nport = 70000\n', 3, "must be a port from 1 to 65535"),
        (f"[servers.s.auth]\n{PLAIN}", 5, "client_secret must be a reference\nhint: refer to it"),
        (f"[servers.s.auth]\n{RELATIVE}", 3, "must be an http or https address"),
        (
            '[servers.s.auth]\ngrant = "client_credentials"\nclient_id = "me"\n',
            1,
            "servers.s.auth has no client_secret",
        ),
        (f"[servers.s.auth]\n{UNBOUND}", 1, "has no issuer\nhint: the only authorization server that may see"),
        ("[servers.s]\n[servers.s]\n", 2, "twice"),
        ('[servers.s.sandbox]\nfolders = ["data"]\n', 2, "must be an absolute path below /"),
        ("[servers.s.sandbox]\nnet = true\n", 2, "did you mean 'network'?"),
        ("servers = [1]\n", 1, "must be an object, not a list"),
    ],
)
def test_a_mistake_is_one_error_with_its_line(text: str, line: int, words: str, tmp_path: Path) -> None:
    error = refused(tmp_path, text)
    assert error.line == line
    assert words in str(error)
    assert "hunter22" not in str(error)


GRANT = """
[servers."*".auth]
grant = "private_key_jwt"
issuer = "https://auth.example.com"
client_id = "${input:client}"
private_key = "${file:keys/me.pem}"
"""


def _servers(tmp_path: Path, **entries: dict[str, object]) -> dict[str, ServerSpec]:
    document = _written(tmp_path / "servers.json", json.dumps({"mcpServers": entries}))
    return {spec.name: spec for spec in load(document, config_id="servers.json")}


def test_a_grant_takes_the_place_of_the_documents_own_credential(tmp_path: Path) -> None:
    overlay = Overlay.load(_written(tmp_path / "mcp-assay.toml", GRANT))
    _written(tmp_path / "key", "")
    (tmp_path / "keys").mkdir()
    _written(tmp_path / "keys" / "me.pem", "a-private-key\n")
    headers = {"authorization": "Bearer ${UNSET_TOKEN}", "X-Team": "blue"}
    servers = _servers(tmp_path, web={"type": "http", "url": "https://x/mcp", "headers": headers})
    spec = overlay.signing_in(servers["web"])
    launch = spec.resolve(EnvironmentVariables(environ={}, inputs={"client": "assay-ci"}))
    assert launch.headers == {"X-Team": "blue"}
    assert launch.auth == PrivateKey(client_id="assay-ci", key="a-private-key", issuer="https://auth.example.com")
    assert "a-private-key" in launch.secrets.values()
    assert "assay-ci" not in launch.secrets.values(), "people see a client's id in the address where they sign in"
    assert str(spec.references[0]) == "${input:client}"
    assert "a-private-key" not in repr(launch.auth) + repr(spec) + repr(spec.auth)


def test_a_grant_for_a_server_that_is_started_is_refused_by_name_and_passed_over_by_pattern(tmp_path: Path) -> None:
    servers = _servers(tmp_path, local={"command": "server"})
    by_pattern = Overlay.load(_written(tmp_path / "mcp-assay.toml", GRANT))
    assert by_pattern.signing_in(servers["local"]) is servers["local"]
    by_name = Overlay.load(_written(tmp_path / "mcp-assay.toml", GRANT.replace('"*"', "local")))
    with pytest.raises(ConfigError, match="local is started by a command") as caught:
        by_name.signing_in(servers["local"])
    assert caught.value.line == 2
