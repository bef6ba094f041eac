"""The user's own settings beside the clients' files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcp_assay.config.overlay import Overlay
from mcp_assay.config.rules import Accepted, ToolRule
from mcp_assay.config.spec import Reference
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.core.errors import ConfigError
from mcp_assay.core.verdicts import Category

if TYPE_CHECKING:
    from pathlib import Path

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
[servers.memory.secrets]
api-key = "${env:STAGING_KEY}"

[servers."*"]
required = false
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
        ("[servers.s]\n[servers.s]\n", 2, "twice"),
        ("servers = [1]\n", 1, "must be an object, not a list"),
    ],
)
def test_a_mistake_is_one_error_with_its_line(text: str, line: int, words: str, tmp_path: Path) -> None:
    error = refused(tmp_path, text)
    assert error.line == line
    assert words in str(error)
    assert "hunter22" not in str(error)
