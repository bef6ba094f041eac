"""`report`, `merge`, `checks` and `plan`."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from gated import facts, report, write
from projects import RAW_SERVER, raw_server

from mcp_assay.cli.checks import catalogue
from mcp_assay.cli.main import main
from mcp_assay.core.errors import UsageError
from mcp_assay.readiness.document import ServerStatus
from mcp_assay.wire.sandbox import Sandbox
from mcp_assay_reports import WRITERS
from mcp_assay_suites import all_checks
from mcp_assay_suites.catalogue import CATALOGUE

MIRROR = RAW_SERVER.with_name("mirror.py")


def run(*words: str | Path) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


def test_report_writes_every_format_beside_the_run(tmp_path: Path) -> None:
    result = run("report", write(tmp_path, report()), "--to", "html,markdown, junit,sarif")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["run.html", "run.json", "run.md", "run.sarif", "run.xml"]
    assert "<!doctype html" in (tmp_path / "run.html").read_text().lower()
    assert (tmp_path / "run.md").read_text().startswith("## MCP readiness: READY")
    assert ET.parse(tmp_path / "run.xml").getroot().get("tests") == "10"
    assert json.loads((tmp_path / "run.sarif").read_text())["version"] == "2.1.0"


def test_report_writes_what_the_run_itself_would_have_written(tmp_path: Path) -> None:
    document = report()
    run("report", write(tmp_path, document), "--to", ",".join(w.name for w in WRITERS), "--out", tmp_path / "out")
    for writer in WRITERS:
        assert (tmp_path / "out" / f"run{writer.suffix}").read_text() == writer.render(document)  # type: ignore[arg-type]


def test_report_without_a_format_shows_the_summary(tmp_path: Path) -> None:
    result = run("report", write(tmp_path, report()))
    assert result.exit_code == 0
    assert result.stdout.endswith("readiness: READY, score 100.0 of 100\n")


def test_report_writes_one_format_to_standard_output(tmp_path: Path) -> None:
    path = write(tmp_path, report())
    assert run("report", path, "--to", "markdown", "--out", "-").stdout.startswith("## MCP readiness")
    assert run("report", path, "--to", "markdown,html", "--out", "-").exit_code == 4
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]


def test_report_names_the_closest_format(tmp_path: Path) -> None:
    result = run("report", write(tmp_path, report()), "--to", "htlm")
    assert result.exit_code == 4
    assert "did you mean html?" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0 and not os.access("/dev/full", os.W_OK), reason="needs /dev/full")
def test_report_says_which_report_is_missing_and_writes_the_others(tmp_path: Path) -> None:
    path = write(tmp_path, report())
    (tmp_path / "run.md").symlink_to("/dev/full")
    result = run("report", path, "--to", "markdown,junit")
    assert result.exit_code == 4
    assert f"the markdown report {tmp_path}/run.md is missing: No space left on device" in result.stderr
    assert (tmp_path / "run.xml").exists()


def test_a_report_that_cannot_be_read_ends_with_4(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path, write(tmp_path, "{}"), Path("/dev/null")):
        for words in (("report", path), ("merge", path)):
            result = run(*words)
            assert (result.exit_code, result.stdout) == (4, ""), words
            assert str(path) in result.stderr


def test_merge_joins_shards_into_a_report_that_passes_the_gate(tmp_path: Path) -> None:
    left = write(tmp_path, report(servers=(facts("memory"),)), "a.json")
    right = write(tmp_path, report(servers=(facts("time"),)), "b.json")
    result = run("merge", left, right, "-o", tmp_path / "all.json")
    assert result.exit_code == 0, result.output
    merged = json.loads((tmp_path / "all.json").read_text())
    assert [server["name"] for server in merged["servers"]] == ["memory", "time"]
    assert merged["run"]["planned"] == len(merged["results"]) == 10
    assert run("gate", tmp_path / "all.json").exit_code == 0


def test_merging_keeps_what_keeps_the_gate_closed(tmp_path: Path) -> None:
    bad = report(servers=(facts("time"),), exit_status=1, problems=("2 failures besides",), planned=7)
    whole, part = write(tmp_path, report(servers=(facts("memory"),)), "a.json"), write(tmp_path, bad, "b.json")
    run("merge", whole, part, "-o", tmp_path / "all.json")
    told = run("gate", tmp_path / "all.json")
    assert told.exit_code == 1
    assert "2 failures besides" in told.stdout
    assert "only 10 of 12 planned checks" in told.stdout


def test_a_shard_that_does_not_say_what_was_planned_leaves_the_whole_unknown(tmp_path: Path) -> None:
    shards = [report(servers=(facts("memory"),)), report(servers=(facts("time"),), planned=None)]
    paths = [write(tmp_path, shard, f"{n}.json") for n, shard in enumerate(shards)]
    assert "planned" not in json.loads(run("merge", *paths).stdout)["run"]


def test_the_same_server_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, report())
    result = run("merge", path, path, "-o", tmp_path / "all.json")
    assert result.exit_code == 4
    assert "two reports have results on memory" in result.stderr
    assert not (tmp_path / "all.json").exists()


def test_a_server_that_one_shard_skipped_comes_from_the_other(tmp_path: Path) -> None:
    left = report(servers=(facts("memory"), facts("time", status=ServerStatus.SKIPPED)))
    right = report(servers=(facts("memory", status=ServerStatus.SKIPPED), facts("time")))
    paths = [write(tmp_path, shard, f"{n}.json") for n, shard in enumerate((left, right))]
    merged = json.loads(run("merge", *paths).stdout)
    assert {server["status"] for server in merged["servers"]} == {"connected"}


def test_checks_lists_every_rule_and_says_which_are_judged() -> None:
    result = run("checks", "--json")
    assert result.exit_code == 0
    listed = {entry["id"]: entry for entry in json.loads(result.stdout)["checks"]}
    assert list(listed) == list(CATALOGUE)
    judged = {check.id for check in all_checks()}
    assert {name for name, entry in listed.items() if entry["judged"]} == judged & set(CATALOGUE)
    for entry in listed.values():
        assert entry["judged"] == (entry["why_not"] is None)
    rule = listed["TOOL-003"]
    assert (rule["category"], rule["scope"], rule["levels"]["2025-11-25"]) == ("schema", "tool", "MUST")
    assert rule["spec"]["2025-11-25"].startswith("https://modelcontextprotocol.io/specification/2025-11-25/")


def test_the_table_of_checks_has_a_line_for_each_and_the_totals() -> None:
    lines = run("checks").stdout.splitlines()
    entries = catalogue()
    assert [line.split()[0] for line in lines[2 : 2 + len(entries)]] == [entry.row.id for entry in entries]
    assert lines[-1].startswith(f"{len(entries)} rules, {sum(entry.check is not None for entry in entries)} judged, ")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def configured(folder: Path, **servers: object) -> Path:
    path = folder / "servers.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


def test_plan_says_what_would_be_called_and_calls_nothing(folder: Path) -> None:
    server = {"command": sys.executable, "args": [str(MIRROR), "word"], "env": {"MIRROR_LOG": str(folder / "log")}}
    result = run("plan", configured(folder, mirror=server))
    assert result.exit_code == 0, result.output
    assert "starting mirror: " in result.stderr
    assert "mirror: would call " in result.stdout
    assert re.search(r"^mirror +yes +it claims readOnlyHint: true$", result.stdout, re.MULTILINE)
    assert re.search(r"^broken +no +it has no annotations", result.stdout, re.MULTILINE)
    methods = (folder / "log").read_text().split()
    assert "tools/list" in methods
    assert "tools/call" not in methods


def test_plan_in_a_sandbox_starts_the_server_inside_and_says_that_all_tools_would_be_called(folder: Path) -> None:
    try:
        Sandbox.find()
    except UsageError as problem:
        pytest.skip(problem.message)
    outside = folder / "mcp-assay-log"
    server = {"command": sys.executable, "args": [str(MIRROR), "word"], "env": {"MIRROR_LOG": str(outside)}}
    result = run("plan", configured(folder, mirror=server), "--sandbox")
    assert result.exit_code == 0, result.output
    assert re.search(r"^broken +yes +its server runs in a sandbox$", result.stdout, re.MULTILINE)
    assert not outside.exists()


def test_plan_starts_nothing_where_there_is_no_sandbox(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    result = run("plan", configured(folder, raw=raw_server()), "--sandbox")
    assert result.exit_code == 4
    assert "--sandbox needs bubblewrap" in result.stderr
    assert "starting" not in result.stderr


def test_plan_heeds_the_settings_beside_the_configuration(folder: Path) -> None:
    (folder / "mcp-assay.toml").write_text('[servers."raw".tools."*"]\ncall = false\n')
    result = run("plan", configured(folder, raw=raw_server()), "--json")
    (server,) = json.loads(result.stdout)["servers"]
    assert {(tool["call"], tool["reason"]) for tool in server["tools"]} == {(False, "closed by mcp-assay.toml")}


def test_plan_of_a_server_that_does_not_start_says_why_and_ends_with_1(folder: Path) -> None:
    dead = {"command": sys.executable, "args": ["-c", "import sys; sys.exit('no key')"]}
    result = run("plan", configured(folder, dead=dead, raw=raw_server()))
    assert result.exit_code == 1
    assert result.stdout.startswith("dead: ")
    assert "raw: would call" in result.stdout


def test_plan_shows_no_secret(folder: Path) -> None:
    server = {**raw_server("--fault", "leak-environment=API_KEY"), "env": {"API_KEY": "cAnArY-7Qx9vLzTr0ub4dor"}}
    for option in ([], ["--json"]):
        result = run("plan", configured(folder, raw=server), *option)
        assert "cAnArY" not in result.output


@pytest.mark.parametrize(
    ("entry", "words", "told"),
    [
        ({"command": "x", "env": {"A": "${MCP_ASSAY_TEST_UNSET}"}}, [], "MCP_ASSAY_TEST_UNSET"),
        ({"comand": "x"}, [], "did you mean"),
        ({"command": "x"}, ["--server", "other"], "no configured server is called 'other'"),
    ],
)
def test_plan_ends_with_4_before_anything_is_started(
    folder: Path, entry: dict[str, object], words: list[str], told: str
) -> None:
    result = run("plan", configured(folder, s=entry), *words)
    assert result.exit_code == 4
    assert told in result.stderr
    assert "starting" not in result.stderr


def test_repro_of_a_report_without_arguments_is_a_usage_error(tmp_path: Path) -> None:
    result = run("repro", write(tmp_path, report()), "--out", tmp_path / "test_repro.py")
    assert result.exit_code == 4
    assert "holds no such finding" in result.stderr
    assert not (tmp_path / "test_repro.py").exists()
