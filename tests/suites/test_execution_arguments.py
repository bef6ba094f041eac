"""Which arguments tools are called with beyond the generated ones."""

from __future__ import annotations

import pytest

from mcp_assay.wire.exchange import Exchange
from mcp_assay_suites.exercising.arguments import value_at
from mcp_assay_suites.exercising.cases import Calls, Case
from mcp_assay_suites.exercising.durations import is_asked_to_wait, lengthened, shortened, unit_of
from mcp_assay_suites.exercising.edges import edges_of
from mcp_assay_suites.exercising.known_values import KnownValues, plain_name, singular


def answered(result: dict[str, object] | None, arguments: dict[str, object] | None = None) -> Case:
    message = None if result is None else {"id": 1, "result": result}
    exchange = Exchange(method="tools/call", id=1, sent=b"", sent_at=0, ended_at=0, message=message)  # type: ignore[arg-type]
    return Case(arguments=arguments or {}, exchange=exchange)  # type: ignore[arg-type]


def known(result: dict[str, object], tool: str = "look", arguments: dict[str, object] | None = None) -> KnownValues:
    found = KnownValues()
    calls = Calls(cases=[answered(result, arguments)])
    found.add_results(tool, calls)
    found.add_arguments(tool, calls)
    return found


def values(found: KnownValues, parameter: str) -> list[object]:
    return [known.value for known in found.of(parameter)]


def test_values_of_structured_results_are_known_by_the_name_of_their_member() -> None:
    found = known({"structuredContent": {"users": [{"id": 7, "name": "Ann"}, {"id": 8, "name": "Bob"}], "total": 2}})
    assert [values(found, name) for name in ("id", "name", "total")] == [[7, 8], ["Ann", "Bob"], [2]]


def test_values_are_known_in_every_style_of_a_name_and_for_one_as_for_many() -> None:
    found = known({"structuredContent": {"ids": ["a"], "repoPaths": ["/r"], "session-id": 3}})
    assert [values(found, name) for name in ("id", "ids", "repo_path", "repoPath", "sessionId")] == [
        ["a"], ["a"], ["/r"], ["/r"], [3],
    ]  # fmt: skip


def test_a_bare_id_is_known_for_the_thing_that_its_tool_is_about() -> None:
    found = known({"structuredContent": {"notes": [{"id": 7}]}}, tool="list_notes")
    assert (values(found, "noteId"), values(found, "user_id")) == ([7], [])
    assert [(known.source, known.member) for known in found.of("note_id")] == [("list_notes", "id")]


def test_lines_that_are_a_path_and_nothing_else_name_one() -> None:
    text = "Allowed directories:\n/srv/data\n  - /home/them/notes\nsee /etc/hosts for more\n//\n/"
    found = known({"content": [{"type": "text", "text": text}]})
    assert values(found, "path") == ["/srv/data", "/home/them/notes"]


def test_lines_of_text_name_values() -> None:
    text = "Session started\n- Session ID: `abc-1`\nPID: 4711\nsee: above, and more"
    found = known({"content": [{"type": "text", "text": text}]})
    assert [values(found, name) for name in ("session_id", "pid")] == [["abc-1"], [4711]]


def test_what_a_tool_did_its_work_with_is_known_too() -> None:
    found = known({"content": []}, arguments={"path": "a", "edits": [{"name": "n", "flag": True}], "empty": ""})
    assert [values(found, name) for name in ("path", "name", "flag", "empty")] == [["a"], ["n"], [], []]


def test_a_text_that_is_json_is_read_where_there_is_no_structure() -> None:
    assert values(known({"content": [{"type": "text", "text": '{"path": "/a"}'}]}), "path") == ["/a"]


@pytest.mark.parametrize(
    "result",
    [
        {"content": [{"type": "text", "text": "a path, /a"}]},
        {"content": "no blocks", "structuredContent": None},
        {"isError": True, "structuredContent": {"id": 1}},
        {"structuredContent": {"long": "x" * 500, "empty": "", "flag": True, "none": None}},
        {"resultType": "input_required", "structuredContent": {"id": 1}},
    ],
)
def test_what_names_no_value_is_passed_over(result: dict[str, object]) -> None:
    found = known(result)
    assert not [name for name in ("path", "id", "long", "empty", "flag", "none") if found.of(name)]


@pytest.mark.parametrize(
    ("name", "one"), [("ids", "id"), ("entries", "entry"), ("address", "address"), ("is", "is"), ("path", "path")]
)
def test_plurals_are_told_by_their_endings(name: str, one: str) -> None:
    assert singular(name) == one


@pytest.mark.parametrize("name", ["repoPath", "repo_path", "repo-path", "RepoPath"])
def test_names_are_the_same_in_every_style(name: str) -> None:
    assert plain_name(name) == "repo_path"


@pytest.mark.parametrize(
    ("part", "edges"),
    [
        ({"type": "integer", "minimum": 3, "maximum": 9}, [3, 9, 0, -1, 1, 2**53 - 1]),
        ({"type": "string"}, ["", "1", "%", "a", "é", "🙂"]),
        ({"type": ["boolean", "null"]}, [True, False]),
        ({"enum": ["a", "b"]}, ["a", "b"]),
        ({"type": "array"}, [[]]),
        ({"type": 5, "enum": "no list"}, []),
        (True, []),
        (None, []),
    ],
)
def test_edges_follow_from_the_schema_of_a_parameter(part: object, edges: list[object]) -> None:
    assert list(edges_of(part)) == edges  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("ms", 0.001), ("delayMs", 0.001), ("timeout_ms", 0.001), ("seconds", 1.0), ("duration", 1.0),
        ("waitTime", 1.0),
        ("steps", None), ("path", None), ("items", None), ("await", None),
    ],
)  # fmt: skip
def test_a_parameter_that_says_how_long_is_told_by_its_name(name: str, unit: float | None) -> None:
    assert unit_of(name) == unit


def test_times_are_made_short_and_nothing_else() -> None:
    assert shortened({"ms": 9000, "duration": 60, "steps": 9000, "delay": 0.05, "wait": True}) == {
        "ms": 100, "duration": 1, "steps": 9000, "delay": 0.05, "wait": True,
    }  # fmt: skip


def test_a_tool_can_be_asked_to_take_its_time() -> None:
    schema = {"properties": {"text": {}, "ms": {}}}
    assert lengthened(schema, {"text": "a"}, 0.6) == {"text": "a", "ms": 600}  # type: ignore[arg-type]
    assert lengthened({"properties": {"text": {}}}, {}, 0.6) is None


def test_a_call_that_asked_for_more_time_than_the_answered_ones_is_excused() -> None:
    quick, slow = answered({}, {"ms": 10}), answered(None, {"ms": 9000})
    assert is_asked_to_wait(slow, [quick, slow])
    assert not is_asked_to_wait(answered(None, {"ms": 10}), [quick])
    assert not is_asked_to_wait(answered(None, {"text": "x"}), [quick])


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("/a", [1, {"b/c": 2}]), ("/a/1/b~1c", 2), ("/a/7", None), ("/x/y", None), ("", {"a": [1, {"b/c": 2}]})],
)
def test_a_pointer_leads_to_its_value_or_to_null(pointer: str, value: object) -> None:
    assert value_at({"a": [1, {"b/c": 2}]}, pointer) == value
