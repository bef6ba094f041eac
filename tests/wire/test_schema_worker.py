"""The schema worker: right judgements, bounded time, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from mcp_assay.wire.schemas import ProblemKind, SchemaJudge, SchemaVerdict, SchemaWorkerError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from mcp_assay.core.json_types import Json

OUTER_S = 60.0
DRAFT_04 = "http://json-schema.org/draft-04/schema"
DRAFT_07 = "http://json-schema.org/draft-07/schema#"


def run(work: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(OUTER_S):
            return await work

    return asyncio.run(bounded())


def checked(*schemas: Json, budget_s: float = 20.0) -> list[SchemaVerdict]:
    async def work() -> list[SchemaVerdict]:
        async with SchemaJudge(budget_s=budget_s) as judge:
            return [await judge.check_schema(schema) for schema in schemas]

    return run(work())


def judged(schema: Json, *instances: Json, budget_s: float = 20.0) -> list[SchemaVerdict]:
    async def work() -> list[SchemaVerdict]:
        async with SchemaJudge(budget_s=budget_s) as judge:
            return [await judge.validate(schema, instance) for instance in instances]

    return run(work())


def judged_at_once(schema: Json, *instances: Json, budget_s: float = 20.0) -> list[SchemaVerdict]:
    async def work() -> list[SchemaVerdict]:
        async with SchemaJudge(budget_s=budget_s) as judge:
            return await judge.validate_each(schema, instances)

    return run(work())


def started_since(before: set[psutil.Process]) -> int:
    return len(set(psutil.Process().children()) - before)


def summary(verdict: SchemaVerdict) -> list[tuple[str, str]]:
    return [(problem.kind.value, problem.path) for problem in verdict.problems]


def nested(levels: int) -> Json:
    schema: Json = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


def laugh(levels: int) -> Json:
    steps: dict[str, Json] = {
        f"l{level}": {"allOf": [{"$ref": f"#/$defs/l{level + 1}"}, {"$ref": f"#/$defs/l{level + 1}"}]}
        for level in range(levels)
    }
    return {"$ref": "#/$defs/l0", "$defs": {**steps, f"l{levels}": {"type": "string"}}}


RIGHT: list[Json] = [
    True,
    False,
    {},
    {"type": "object", "properties": {"a": True, "b": False}, "additionalProperties": False},
    {"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}, "pattern": {"type": "string"}}},
    {"default": {"$ref": "#/nowhere"}, "examples": [{"pattern": "("}], "const": {"$ref": "http://a.invalid/"}},
    {"x-custom": {"$ref": 5}, "nullable": True, "format": "made-up", "deprecated": True},
    {"pattern": r"^\p{L}+$"},
    {"pattern": r"^[^]$"},
    {"pattern": r"(?<year>\d{4})-\k<year>"},
    {"pattern": r"a{,3}"},
    {"pattern": "^[\\w\\-.]+\\@$"},
    {"pattern": "\ud800"},
    {"patternProperties": {r"^[^]\p{Lu}": {"type": "string"}}},
    {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {"a": {"$anchor": "x"}}, "$ref": "#x"},
    {"$schema": "https://json-schema.org/draft/2020-12/schema#", "prefixItems": [{}]},
    {"$schema": "http://json-schema.org/draft-07/schema", "items": [{}], "additionalItems": False},
    {"$schema": DRAFT_07, "definitions": {"a": {}}, "properties": {"b": {"$ref": "#/definitions/a", "pattern": "("}}},
    {"$schema": DRAFT_04, "minimum": 1, "exclusiveMinimum": True, "id": "#here"},
    {"$schema": f"{DRAFT_04}#", "$ref": "#/definitions/a", "definitions": {"a": {}}},
    {"properties": {"child": {"$ref": "#"}}},
    {"$dynamicRef": "#node", "$dynamicAnchor": "node"},
    {"$defs": {"a/b": {}, "c%d": {}}, "allOf": [{"$ref": "#/$defs/a~1b"}, {"$ref": "#/$defs/c%25d"}]},
    {"$id": "https://a.invalid/root", "$defs": {"x": {"$id": "leaf", "type": "null"}}, "$ref": "leaf"},
    {"properties": {"schema": {"$ref": "http://json-schema.org/draft-07/schema#"}}},
    {"enum": []},
]

WRONG: list[tuple[Json, list[tuple[str, str]]]] = [
    (None, [("schema", "")]),
    ([], [("schema", "")]),
    ({"type": "objct"}, [("schema", "/type")]),
    ({"properties": {"a": 5}, "required": "a"}, [("schema", "/properties/a"), ("schema", "/required")]),
    ({"items": [{}]}, [("schema", "/items")]),
    ({"minimum": 1, "exclusiveMinimum": True}, [("schema", "/exclusiveMinimum")]),
    ({"$schema": DRAFT_07, "exclusiveMinimum": True}, [("schema", "/exclusiveMinimum")]),
    ({"properties": {"a": {"$ref": "#/$defs/a"}}}, [("reference", "/properties/a/$ref")]),
    ({"allOf": [{"$ref": "#gone"}]}, [("reference", "/allOf/0/$ref")]),
    ({"$ref": "https://a.invalid/schema.json#/x"}, [("external", "/$ref")]),
    ({"$ref": "file:///etc/passwd"}, [("external", "/$ref")]),
    ({"$ref": "other.json"}, [("external", "/$ref")]),
    ({"items": {"pattern": "("}}, [("pattern", "/items/pattern")]),
    ({"patternProperties": {"a/[": {}}}, [("pattern", "/patternProperties/a~1[")]),
    ({"pattern": "(?P<name>a)"}, [("foreign-pattern", "/pattern")]),
    ({"pattern": "(?i)a"}, [("foreign-pattern", "/pattern")]),
    ({"$schema": "https://a.invalid/mine", "type": "objct"}, [("dialect", "/$schema"), ("schema", "/type")]),
]


def test_right_schemas_are_not_accused() -> None:
    assert [summary(verdict) for verdict in checked(*RIGHT)] == [[] for _ in RIGHT]


def test_wrong_schemas_are_named_with_their_place() -> None:
    verdicts = checked(*(schema for schema, _ in WRONG))
    assert [summary(verdict) for verdict in verdicts] == [expected for _, expected in WRONG]


def test_every_dangling_and_external_reference_is_listed() -> None:
    schema: Json = {"properties": {"a": {"$ref": "#/x"}, "b": {"$ref": "http://a.invalid/"}, "c": {"$ref": "#/y"}}}
    (verdict,) = checked(schema)
    assert summary(verdict) == [
        ("reference", "/properties/a/$ref"),
        ("external", "/properties/b/$ref"),
        ("reference", "/properties/c/$ref"),
    ]
    assert verdict.of_kind(ProblemKind.EXTERNAL)[0].message == (
        '$ref "http://a.invalid/" is not in this document and is never fetched'
    )


def test_the_size_of_a_schema_is_measured() -> None:
    (verdict,) = checked({"properties": {"a": {"items": {"type": "string"}}, "b": {}}})
    assert verdict.size is not None
    assert (verdict.size.depth, verdict.size.subschemas, verdict.size.size_bytes) == (4, 4, 55)


def test_problems_are_bounded_in_number_and_size() -> None:
    (verdict,) = checked({"properties": {f"p{'x' * 2000}{index}": {"type": "y" * 5000} for index in range(300)}})
    assert len(verdict.problems) == 20
    assert all(len(problem.message) <= 300 and len(problem.path) <= 300 for problem in verdict.problems)


def test_an_instance_is_judged_with_paths_on_both_sides() -> None:
    schema: Json = {"properties": {"a/b": {"type": "integer"}}, "required": ["c"]}
    good, bad = judged(schema, {"c": 1, "a/b": 1.0}, {"a/b": "x"})
    assert good.clean
    assert {(problem.path, problem.keyword, problem.schema_path) for problem in bad.problems} == {
        ("/a~1b", "type", "/properties/a~1b/type"),
        ("", "required", "/required"),
    }


def test_the_declared_dialect_judges_the_instance() -> None:
    schema: Json = {"$schema": f"{DRAFT_04}#", "minimum": 1, "exclusiveMinimum": True}
    assert [verdict.clean for verdict in judged(schema, 1, 2)] == [False, True]


def test_formats_and_content_are_annotations() -> None:
    schema: Json = {"$schema": DRAFT_07, "format": "email", "contentEncoding": "base64"}
    assert judged(schema, "!!")[0].clean


def test_a_pattern_only_an_ecma_engine_reads_is_enforced() -> None:
    verdicts = judged({"pattern": "^[^]$"}, "\n", "ab")
    assert [verdict.clean for verdict in verdicts] == [True, False]
    assert verdicts[1].problems[0].keyword == "pattern"


def test_lone_surrogates_are_text_like_any_other() -> None:
    assert [verdict.clean for verdict in judged({"type": "string", "maxLength": 2}, "\ud800a", "\ud800ab")] == [
        True,
        False,
    ]


@pytest.mark.parametrize("schema", [{"type": "string", "maxLength": 2}, {"$ref": "#/gone"}])
def test_instances_asked_about_at_once_are_judged_as_alone(schema: Json) -> None:
    instances: list[Json] = ["a", "abc", 1, "a", "\ud800ab", *range(40), "x" * 9_000]
    assert judged_at_once(schema, *instances) == judged(schema, *instances)


def test_an_instance_without_an_answer_costs_its_neighbours_none() -> None:
    verdicts = judged_at_once({"pattern": "^([^]+)+$\\b"}, "a", "a" * 60 + "!", "b", budget_s=1.0)
    assert [verdict.exceeded for verdict in verdicts] == [False, True, False]


def test_an_instance_is_not_blamed_for_a_broken_schema() -> None:
    (verdict,) = judged({"$ref": "#/gone"}, 1)
    assert verdict.unusable
    assert summary(verdict) == [("reference", "/$ref")]


@pytest.mark.parametrize(
    ("schema", "instance"),
    [
        pytest.param({"pattern": "^([^]+)+$\\b"}, "a" * 60 + "!", id="backtracking pattern"),
        pytest.param(laugh(40), 5, id="exponential references"),
    ],
)
def test_a_bomb_costs_its_budget_and_the_next_question_is_answered(schema: Json, instance: Json) -> None:
    async def work() -> tuple[SchemaVerdict, SchemaVerdict]:
        async with SchemaJudge(budget_s=0.3) as judge:
            bomb = await judge.validate(schema, instance)
            judge.budget_s = 20.0
            return bomb, await judge.validate({"type": "null"}, None)

    bomb, after = run(work())
    assert bomb.exceeded
    assert bomb.reason == "no answer within 0.3 s"
    assert not bomb.problems
    assert after.clean


def test_a_backtracking_pattern_the_validator_survives_is_judged() -> None:
    assert [verdict.clean for verdict in judged({"pattern": "^(a+)+$"}, "a" * 60, "a" * 60 + "!")] == [True, False]


def test_many_unique_items_are_judged_within_the_budget() -> None:
    items: list[Json] = [{"a": index} for index in range(10_000)]
    assert [verdict.clean for verdict in judged({"uniqueItems": True}, items, [*items, {"a": 1}])] == [True, False]


def test_bottomless_nesting_has_no_answer_and_no_crash() -> None:
    deep, deeper, shallow = checked(nested(400), nested(100_000), nested(40))
    assert (deep.exceeded, deeper.exceeded) == (True, True)
    assert deep.reason == deeper.reason == "the schema or instance is nested too deeply to be judged"
    assert shallow.clean


def test_an_endless_integer_has_no_answer_and_no_crash() -> None:
    assert judged({"type": "integer"}, 10**5_000)[0].exceeded


def test_memory_is_bounded() -> None:
    async def work() -> SchemaVerdict:
        async with SchemaJudge(budget_s=20.0, memory_mib=150) as judge:
            return await judge.validate({"uniqueItems": True}, [f"{index:020}" for index in range(1_500_000)])

    assert run(work()).exceeded


def test_questions_from_many_tasks_get_their_own_answers() -> None:
    async def work() -> list[SchemaVerdict]:
        async with SchemaJudge(budget_s=20.0) as judge:
            return await asyncio.gather(*(judge.validate({"const": number % 3}, 0) for number in range(30)))

    assert [verdict.clean for verdict in run(work())] == [number % 3 == 0 for number in range(30)]


def test_a_cancelled_question_does_not_spoil_the_next() -> None:
    async def work() -> SchemaVerdict:
        async with SchemaJudge(budget_s=20.0) as judge:
            await judge.validate(True, 1)
            task = asyncio.create_task(judge.validate(laugh(40), 5))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await judge.validate({"type": "string"}, 1)

    assert [problem.keyword for problem in run(work()).problems] == ["type"]


def test_nothing_is_started_before_the_first_question_and_nothing_is_left_after() -> None:
    before = set(psutil.Process().children())

    async def work() -> tuple[int, int, int]:
        async with SchemaJudge() as judge:
            idle = started_since(before)
            await judge.check_schema({})
            busy = started_since(before)
        return idle, busy, started_since(before)

    assert run(work()) == (0, 1, 0)


def test_a_closed_judge_refuses_questions() -> None:
    async def work() -> None:
        async with SchemaJudge() as judge:
            pass
        await judge.check_schema({})

    with pytest.raises(SchemaWorkerError, match="closed"):
        run(work())


def test_a_worker_killed_from_outside_is_replaced() -> None:
    async def work() -> tuple[SchemaVerdict, SchemaVerdict]:
        async with SchemaJudge(budget_s=20.0) as judge:
            before = set(psutil.Process().children())
            await judge.check_schema({})
            (child,) = set(psutil.Process().children()) - before
            question = asyncio.create_task(judge.validate(laugh(40), 5))
            await asyncio.sleep(0)
            os.kill(child.pid, signal.SIGKILL)
            return await question, await judge.check_schema({})

    killed, after = run(work())
    assert killed.exceeded
    assert killed.reason == "judging it ended the schema worker with SIGKILL"
    assert after.clean


def test_the_worker_ends_when_its_stdin_does() -> None:
    command = [sys.executable, "-m", "mcp_assay.wire.schemas.worker", "2", "1024"]
    answer = subprocess.run(
        command, input=b'check\n{"type":5}\nnull\n', capture_output=True, timeout=OUTER_S, check=False
    )
    assert answer.returncode == 0
    assert answer.stdout.startswith(b'{"ready":true}\n{"problems": [{"kind": "schema", "path": "/type"')


def test_an_orphaned_worker_ends_itself() -> None:
    command = [sys.executable, "-m", "mcp_assay.wire.schemas.worker", "0.1", "1024"]
    question = b'validate\n{"pattern":"^([^]+)+$\\\\b"}\n"' + b"a" * 80 + b'!"\n'
    answer = subprocess.run(command, input=question, capture_output=True, timeout=OUTER_S, check=False)
    assert answer.returncode == -signal.SIGALRM
