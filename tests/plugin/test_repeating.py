"""A finding ends with the line that repeats it, is kept for the next run, and becomes a test of its own."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from mcp_assay.core.errors import UsageError
from mcp_assay.plugin.repeating import arguments_of, calls_before

SERVERS = Path(__file__).parent.parent / "servers"
PLANTED = SERVERS / "planted.py"
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
TOOLS = ("scale", "divide", "find_user")
NAMES = ("execution::TOOL-022.scale", "execution::TOOL-026.divide", "execution::TOOL-025.find_user")


@pytest.fixture
def planted(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose one server has faults in three tools."""
    only = [word for tool in TOOLS for word in ("--only", tool)]
    server = {"command": sys.executable, "args": ["-S", "-E", str(PLANTED), *only]}
    pytester.makefile(".json", servers=json.dumps({"mcpServers": {"planted": server}}))
    pytester.makefile(".ini", pytest=INI)
    return pytester


def judged(pytester: pytest.Pytester, *options: str) -> list[dict[str, object]]:
    """Return the results of a run with the given options."""
    pytester.runpytest("-q", "--mcp-level", "all", "--mcp-report", "json=run.json", *options)
    results: list[dict[str, object]] = json.loads((pytester.path / "run.json").read_text())["results"]
    return results


def kept(pytester: pytest.Pytester) -> list[str]:
    return sorted(
        str(path.relative_to(pytester.path / ".mcp-assay" / "examples"))
        for path in (pytester.path / ".mcp-assay" / "examples").rglob("*.json")
    )


def test_the_last_line_of_a_finding_repeats_it_and_nothing_else(planted: pytest.Pytester) -> None:
    found = judged(planted, *(f"servers.json::planted::{name}" for name in NAMES), "--mcp-examples", "none")
    assert [result["verdict"] for result in found] == ["fail"] * 3
    assert kept(planted) == []
    words = [shlex.split(str(result["reproduce"])) for result in found]
    assert [words[-2] for words in words] == ["--mcp-args"] * 3
    assert [json.loads(words[-1]) for words in words] == [json.loads(str(result["arguments"])) for result in found]
    (again,) = judged(planted, *words[0][1:])
    assert (again["verdict"], again["arguments"]) == ("fail", found[0]["arguments"])


@pytest.mark.parametrize("kept_in", [None, "none"])
def test_arguments_too_long_for_a_line_are_repeated_from_their_file_or_made_again(
    pytester: pytest.Pytester, kept_in: str | None
) -> None:
    server = {"command": sys.executable, "args": ["-S", "-E", str(SERVERS / "lengthy.py")]}
    pytester.makefile(".json", servers=json.dumps({"mcpServers": {"lengthy": server}}))
    pytester.makefile(".ini", pytest=INI)
    name = "servers.json::lengthy::execution::TOOL-016.count_words"
    (found,) = judged(pytester, name, *(["--mcp-examples", kept_in] if kept_in else []))
    command, *words = shlex.split(str(found["reproduce"]))
    assert (command, "--mcp-args" in words) == ("pytest", kept_in is None)
    assert len(str(found["reproduce"])) < 300
    if kept_in is None:
        assert json.loads((pytester.path / words[-1]).read_text()) == json.loads(str(found["arguments"]))
    (again,) = judged(pytester, *words, *(["--mcp-examples", kept_in] if kept_in else []))
    assert (again["verdict"], again["observed"]) == ("fail", found["observed"])


def test_a_finding_is_repeated_with_the_options_that_it_was_found_with(planted: pytest.Pytester) -> None:
    how = ["--mcp-seed", "3", "--mcp-max-examples", "2", "--mcp-budget", "30s"]
    how += ["--mcp-bench-budget", "2s", "--mcp-soak", "3s", "--mcp-call-timeout", "9"]
    (found,) = judged(planted, f"servers.json::planted::{NAMES[0]}", *how)
    words = shlex.split(str(found["reproduce"]))
    assert words[: 3 + len(how)] == ["pytest", "--mcp-level", "all", *how]


def test_arguments_that_showed_a_fault_are_kept_and_tried_first(planted: pytest.Pytester) -> None:
    folder = planted.path / ".mcp-assay" / "examples" / "planted"
    (folder / "find_user").mkdir(parents=True)
    (folder / "find_user" / "from-an-earlier-run.json").write_text('{"id": 555}')
    (folder / "find_user" / "broken.json").write_bytes(b"\xff{")
    (found,) = judged(planted, f"servers.json::planted::{NAMES[2]}", "--mcp-max-examples", "1")
    assert (found["verdict"], found["arguments"]) == ("fail", '{"id": 101}')
    (shrunk,) = (folder / "find_user").glob("TOOL-025-*.json")
    assert json.loads(shrunk.read_text()) == {"id": 101}


@pytest.mark.parametrize(
    ("given", "says"),
    [('{"a"', "no JSON"), ("[1]", "arguments are a JSON object"), ("nowhere.json", "nowhere.json cannot be read")],
)
def test_arguments_that_cannot_be_used_are_a_usage_error(tmp_path: Path, given: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        arguments_of(given, tmp_path)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{", "no JSON"),
        ("{}", "calls are a JSON array"),
        ('[{"name": "a"}]', "a call is an object such as"),
        ('[{"tool": "a", "arguments": []}]', "a call is an object such as"),
        ("missing.json", "cannot be read"),
    ],
)
def test_calls_before_that_cannot_be_used_are_a_usage_error(tmp_path: Path, given: str, says: str) -> None:
    with pytest.raises(UsageError, match=f"--mcp-before: .*{says}"):
        calls_before(given, arguments={}, invoked_in=tmp_path)


def test_calls_before_need_a_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--mcp-args, which is missing"):
        calls_before("[]", arguments=None, invoked_in=tmp_path)


def test_calls_before_are_read_from_a_line_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "calls.json").write_text('[{"tool": "a"}, {"tool": "b", "arguments": {"c": 1}}]')
    made = calls_before("calls.json", arguments={}, invoked_in=tmp_path)
    assert [call.as_json() for call in made] == [{"tool": "a", "arguments": {}}, {"tool": "b", "arguments": {"c": 1}}]


def test_a_finding_that_needs_other_calls_becomes_a_test_that_makes_them(pytester: pytest.Pytester) -> None:
    server = {"command": sys.executable, "args": ["-S", "-E", str(SERVERS / "shelf.py")]}
    pytester.makefile(".json", servers=json.dumps({"mcpServers": {"shelf": server}}))
    pytester.makefile(".ini", pytest=INI)
    name = "servers.json::shelf::execution::TOOL-016.open_box"
    before = '[{"tool": "create_box", "arguments": {"label": "tea"}}]'
    again = [name, "--mcp-allow-writes", "--mcp-before", before, "--mcp-args", '{"boxId": "box-7001"}']
    for tool, says in (("create_bo", "did you mean 'create_box'?"), ("create_box", "opens every tool")):
        refused = pytester.runpytest(name, "--mcp-before", f'[{{"tool": "{tool}"}}]', "--mcp-args", "{}")
        assert refused.ret == pytest.ExitCode.USAGE_ERROR
        assert says in refused.stderr.str()
    (found,) = judged(pytester, *again)
    assert found["verdict"] == "fail"
    report = json.loads((pytester.path / "run.json").read_text())
    report["results"][0]["before"] = before
    (pytester.path / "run.json").write_text(json.dumps(report))
    assert pytester.run(Path(sys.executable).with_name("mcp-assay"), "repro", "run.json").ret == 0
    pytester.runpytest("--mcp-config", "servers.json", "test_repro.py").assert_outcomes(failed=1)
    report["results"][0]["reproduce"] = f"pytest --mcp-sandbox {name}"
    (pytester.path / "run.json").write_text(json.dumps(report))
    made = pytester.run(Path(sys.executable).with_name("mcp-assay"), "repro", "run.json", "--force")
    assert made.ret == 0
    text = (pytester.path / "test_repro.py").read_text()
    assert "pytest --mcp-config servers.json --mcp-sandbox --mcp-server shelf" in text
    pytester.runpytest("--mcp-config", "servers.json", "test_repro.py").assert_outcomes(skipped=1)


def test_arguments_are_for_one_tool(planted: pytest.Pytester) -> None:
    result = planted.runpytest("servers.json::planted::execution", "--mcp-args", "{}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "checks of 26 are selected" in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_a_finding_becomes_a_test_that_fails_until_it_is_mended(planted: pytest.Pytester) -> None:
    judged(planted, *(f"servers.json::planted::{name}" for name in NAMES))
    made = planted.run(Path(sys.executable).with_name("mcp-assay"), "repro", "run.json")
    assert made.ret == 0, made.stderr.str()
    configured = planted.path / "servers.json"
    configured.write_text(configured.read_text().replace('"scale"', '"sleep"').replace('"divide"', '"sleep"'))
    result = planted.runpytest("--mcp-config", "servers.json", "test_repro.py", "-q")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*FAILED*find_user_tool_025*"])
