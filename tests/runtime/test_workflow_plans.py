# ruff: noqa: E501  (a table reads best with one case on a line)
from __future__ import annotations

import dataclasses

import jmespath
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.core.errors import ConfigError
from mcp_assay.runtime.inventory import ToolDefinition
from mcp_assay.runtime.registry import DynamicToolRegistry, RegisteredTool
from mcp_assay.runtime.workflow.builder import CrossServerWorkflowBuilder
from mcp_assay.runtime.workflow.document import workflow_schema
from mcp_assay.runtime.workflow.drawing import mermaid
from mcp_assay.runtime.workflow.references import ReferenceProblemError, filled, parts
from mcp_assay.runtime.workflow.values import Action, Retry, WorkflowError


def tool(server, name, inputs=None, outputs=None, *, required=None, closed=True, **raw):
    schema = {
        "type": "object",
        "properties": inputs or {},
        "required": list(inputs or {} if required is None else required),
    }
    if closed:
        schema["additionalProperties"] = False
    definition = {"name": name, "inputSchema": schema, **raw}
    if outputs is not None:
        definition["outputSchema"] = {"type": "object", "properties": outputs}
    return RegisteredTool(server=server, server_id=f"c::{server}", definition=ToolDefinition(name=name, raw=definition))


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
TOOLS = [
    tool(
        "git",
        "log",
        {"repo": TEXT},
        {"commits": {"type": "array", "items": {"type": "object", "properties": {"hash": TEXT, "size": WHOLE}}}},
        description="Read the commits of a repository",
    ),
    tool("git", "status", {"repo": TEXT}),
    tool(
        "memory", "store", {"key": TEXT, "count": WHOLE}, {"id": TEXT, "stored": {"type": "boolean"}}, required=["key"]
    ),
    tool("memory", "forget", {"id": TEXT}),
    tool("files", "write", {"path": TEXT, "lines": {"type": "array", "items": TEXT}}),
    tool("files", "count", {"n": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, closed=False),
    tool("left", "ping", {}, {"ok": WHOLE}),
    tool("right", "ping", {}, {"ok": WHOLE}),
]


def builder(**options):
    return CrossServerWorkflowBuilder(DynamicToolRegistry(TOOLS), inputs={"repo": TEXT}, **options)


def test_a_good_workflow_becomes_an_immutable_plan_in_order():
    plan = (
        builder(outputs={"ids": "steps.keep.structured[].id"})
        .step("keep", "memory.store", {"key": "${item.hash}"}, foreach="steps.log.structured.commits")
        .step("log", "git.log", {"repo": "${inputs.repo}"})
        .build()
    )
    assert [step.id for step in plan.steps] == ["log", "keep"]
    assert [step.action.tool for step in plan.steps] == ["c::git.log", "c::memory.store"]
    assert plan.dependencies == {"keep": frozenset({"log"}), "log": frozenset()}
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.name = "other"
    assert plan.digest == dataclasses.replace(plan).digest


def built_from(steps):
    built = builder()
    for step in steps:
        built.step(step[0], step[1], step[2] if len(step) > 2 else {}, **(step[3] if len(step) > 3 else {}))
    return built


LOG = ("log", "git.log", {"repo": "r"})


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([], "it has no steps"),
        ([("a", "git.nothing")], "no connected server lists a tool 'git.nothing'"),
        ([("a", "git.status", {"repo": "${steps.b.text}"}), ("b", "git.status", {"repo": "${steps.a.text}"})], "steps wait for each other in a circle"),
        ([("a", "git.status", {"repo": "${steps.a.text}"})], "steps wait for each other in a circle: a -> a"),
        ([LOG, LOG], "step 'log' is there twice"),
        ([("a b", "git.log", {"repo": "r"})], "an id is made of letters, digits and underscores"),
        ([("a", "git.log", {"repo": "r"}, {"needs": ["z"]})], "step 'a' needs 'z', which is no step"),
        ([("a", "git.log", {"repo": "${steps.z.text}"})], "there is no 'z' (there are a)"),
        ([("a", "git.log", {"repo": "${inputs.rep}"})], "there is no 'rep' (did you mean 'repo'?)"),
        ([("a", "git.log", {"repo": "${steps.a.structured"})], "does not end"),
        ([("a", "git.log", {"repo": "${inputs..}"})], "is no JMESPath"),
        ([("a", "git.log", {"repo": "r"}, {"when": "${inputs.repo}"})], "an expression stands here without ${ }"),
        ([("a", "git.log", {"repo": 7})], "argument 'repo' is integer where string is wanted"),
        ([("a", "git.log")], "log needs the argument 'repo'"),
        ([("a", "git.log", {"repo": "r", "x": 1})], "log takes no argument 'x'"),
        ([LOG, ("b", "memory.store", {"key": "k", "count": "${steps.log.structured.commits}"})], "${steps.log.structured.commits} is array where integer is wanted"),
        ([LOG, ("b", "memory.store", {"key": "k", "count": "n: ${steps.log.text}"})], "is string where integer is wanted"),
        ([LOG, ("b", "git.log", {"repo": "${steps.log.structured.commit}"})], "did you mean 'commits'?"),
        ([LOG, ("b", "git.log", {"repo": "${steps.log.structured.commits[0].size}"})], "is integer where string is wanted"),
        ([LOG, ("b", "git.log", {"repo": "${steps.log.structured.commits.hash}"})], "a value of type array has no member 'hash'"),
        ([LOG, ("b", "files.write", {"path": "p", "lines": "${steps.log.structured.commits[].size}"})], "a list of integer where string is wanted in a list"),
        ([LOG, ("b", "files.count", {"n": "${steps.log.text}"})], "is string where integer or null is wanted"),
        ([LOG, ("b", "git.log", {"repo": "${item}"})], "there is no 'item'"),
        ([LOG, ("b", "git.log", {"repo": "${item}"}, {"foreach": "steps.log.text"})], "foreach: string where a list is wanted"),
        ([LOG, ("b", "git.log", {"repo": "${item.hashes}"}, {"foreach": "steps.log.structured.commits"})], "did you mean 'hash'?"),
        ([LOG, ("b", "git.log", {"repo": "r"}, {"when": "!steps.log.ok && steps.log.okay"})], "a value of type boolean has no member"),
        ([LOG, ("b", "git.log", {"repo": "${keys(steps.*)[0]}"})], "a wildcard over all steps"),
        ([("a", "memory.store", {"key": "k"}, {"compensate": Action(tool="memory.forget", arguments={"id": "${steps.a.structured.stored}"})})], "compensate: argument 'id': ${steps.a.structured.stored} is boolean where string is wanted"),
        ([("a", "git.log", {"repo": "r"}, {"fallback": [Action(tool="git.status")]})], "fallback 1: status needs the argument 'repo'"),
        ([("a", "git.log", {"repo": "r"}, {"parallel": 0})], "must be 1 or more"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_before_anything_runs(steps, problem):
    built = built_from(steps)
    assert any(problem in text for text in built.problems()), built.problems()
    with pytest.raises(WorkflowError):
        built.build()


@pytest.mark.parametrize(
    "reference",
    [
        "${steps.log.structured.commits[0].hash}",
        "${steps.log.structured.commits[?size > `3`].hash | [0]}",
        "${join(', ', steps.log.structured.commits[].hash)}",
        "${steps.log.structured.commits[0].hash || 'none'}",
        "${to_string(steps.log.structured.commits[0].size)}",
        "${steps.status.structured.whatever}",
        "${{a: steps.log.text}.a}",
        "of ${steps.log.structured.commits[0].size} and ${index}",
        "$${steps.nothing}",
        "${max_by(steps.log.structured.commits, &size).hash}",
    ],
)
def test_what_may_work_is_let_through(reference):
    steps = [
        LOG,
        ("status", "git.status", {"repo": "r"}),
        ("b", "git.log", {"repo": reference}, {"foreach": "steps.log.structured.commits"}),
    ]
    assert built_from(steps).problems() == ()


def test_what_undoes_an_item_sees_the_result_of_that_item():
    undo = Action(tool="memory.forget", arguments={"id": "${steps.keep.structured.id}"})
    keep = (
        "keep",
        "memory.store",
        {"key": "${item.hash}"},
        {"foreach": "steps.log.structured.commits", "compensate": undo},
    )
    assert built_from([LOG, keep]).problems() == ()


def test_a_name_that_equal_tools_share_goes_to_the_server_with_the_least_to_do():
    built = builder()
    for number in range(4):
        built.step(f"p{number}", "ping")
    built.step("left", "left.ping").step("right", "right.ping")
    used = built.optimize_server_usage()
    assert {server: len(steps) for server, steps in used.by_server.items()} == {"c::left": 3, "c::right": 3}
    assert (used.shortest, len(used.assigned)) == (1, 4)
    assert {step.action.tool for step in built.build().steps} == {"c::left.ping", "c::right.ping"}


def test_wishes_are_matched_with_tools_and_what_is_missing_is_said():
    found = builder().analyze_workflow_requirements(["read the commit log", "store", "paint a picture"])
    assert found.wishes[0].candidates[0].tool.qualified_name == "git.log"
    assert found.wishes[1].candidates[0].tool.qualified_name == "memory.store"
    assert found.missing == ("paint a picture",)
    assert "memory" in found.servers


def test_a_picture_has_a_box_for_each_step_and_no_markup_of_servers():
    evil = tool('e"vil', 'x"]; click a "javascript:alert(1)"')
    built = CrossServerWorkflowBuilder(DynamicToolRegistry([evil, *TOOLS]))
    drawn = mermaid(
        built.step("end", evil.qualified_name, fallback=[Action(tool="left.ping")])
        .step("next", "right.ping", needs=["end"], compensate=Action(tool="left.ping"))
        .build()
    )
    assert drawn.startswith("flowchart TD\n")
    assert "step_end --> step_next" in drawn
    assert "step_next -. undone by .-> step_next_undo" in drawn
    assert '"javascript' not in drawn
    assert 'e"vil' not in drawn


YAML = """
name: keep commits
inputs:
  repo: {type: string}
steps:
  log:
    tool: git.log
    arguments: {repo: "${inputs.repo}"}
    retry: {attempts: 2, on: [timeout]}
  keep:
    tool: memory.store
    foreach: ${steps.log.structured.commits}
    parallel: 2
    when: steps.log.ok
    arguments: {key: "${item.hash}"}
    fallback:
      - tool: files.count
        arguments: {n: 1}
    compensate:
      tool: memory.forget
      arguments: {id: "${steps.keep.structured.id}"}
outputs:
  ids: steps.keep.structured[].id
"""


def test_yaml_and_python_make_the_same_plan():
    registry = DynamicToolRegistry(TOOLS)
    written = CrossServerWorkflowBuilder.from_yaml(YAML, registry).build()
    built = (
        CrossServerWorkflowBuilder(
            registry, name="keep commits", inputs={"repo": TEXT}, outputs={"ids": "steps.keep.structured[].id"}
        )
        .step("log", "git.log", {"repo": "${inputs.repo}"}, retry=Retry(attempts=2, on=frozenset({"timeout"})))
        .step(
            "keep",
            "memory.store",
            {"key": "${item.hash}"},
            foreach="steps.log.structured.commits",
            parallel=2,
            when="steps.log.ok",
            fallback=[Action(tool="files.count", arguments={"n": 1})],
            compensate=Action(tool="memory.forget", arguments={"id": "${steps.keep.structured.id}"}),
        )
        .build()
    )
    assert written == built
    assert written.digest == built.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: {}", r"<w>:1:1: steps:"),
        ("steps:\n  a:\n    tol: x", r"<w>:2:3: steps/a: "),
        ("steps:\n  a:\n    tool: x\n    retry: 0", r"<w>:4:5: steps/a/retry"),
        ("steps:\n  a: {tool: x}\n  a: {tool: y}", r"<w>:3:3: 'a' is there twice"),
        ("- a", r"<w>:1:1: .*object"),
    ],
)
def test_a_broken_document_is_told_with_its_place(text, message):
    with pytest.raises(ConfigError, match=message):
        CrossServerWorkflowBuilder.from_yaml(text, DynamicToolRegistry(TOOLS), name="w")


def test_the_published_schema_is_a_valid_schema():
    schema = workflow_schema()
    jsonschema_rs.meta.validate(schema)
    assert schema["$id"].startswith("urn:")


def test_a_workflow_file_is_read(tmp_path):
    path = tmp_path / "keep.yaml"
    path.write_text(YAML.replace("name: keep commits\n", ""))
    assert CrossServerWorkflowBuilder.from_file(path, DynamicToolRegistry(TOOLS)).build().name == "keep"


@given(text=st.text(alphabet="${}'\"`a.\\ ", max_size=30))
def test_any_text_is_parts_or_a_problem(text):
    try:
        found = parts(text)
    except ReferenceProblemError:
        return
    if "${" not in text:
        assert found == (text,)


@pytest.mark.parametrize("text", ["${``}", "${steps.a[?size==`big`]}"])
def test_a_literal_of_the_old_style_is_taken_without_a_warning(text):
    (found,) = parts(text)
    assert found.value({"steps": {"a": [{"size": "big"}]}}) in ("", [{"size": "big"}])


@given(value=st.text(alphabet="ab'\"{}$`", max_size=8), before=st.text(alphabet="ab{}", max_size=4))
def test_a_reference_gives_its_value_alone_and_its_text_among_others(value, before):
    scope = {"inputs": {"x": value}, "steps": {}}
    assert filled("${inputs.x}", scope) == value
    assert filled(before + "${ inputs.x }!", scope) == f"{before}{value}!"
    assert filled({"a": ["${{k: inputs.x}}"]}, scope) == {"a": [{"k": value}]}


def test_a_brace_in_quotes_does_not_end_a_reference():
    assert filled("${inputs.x || '}'}", {"inputs": {}}) == "}"
    assert jmespath.search("'}'", {}) == "}"


def test_a_reference_without_a_value_is_a_problem():
    with pytest.raises(ReferenceProblemError, match="has no value"):
        filled("${inputs.x}", {"inputs": {}})
    with pytest.raises(ReferenceProblemError, match="cannot be worked out"):
        filled("${length(inputs)}", {"inputs": 7})
