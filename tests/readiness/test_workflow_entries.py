"""What the report says of a step whose own call failed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mcp_assay.readiness.workflows import _entry
from mcp_assay.runtime.outcome import OutcomeKind
from mcp_assay.runtime.workflow.results import CallResult, StepResult, StepStatus


@pytest.mark.parametrize(
    ("made_by", "stood_in"), [("echo", ["everything.echo"]), ("convert_time", [])], ids=["the fallback", "its own"]
)
def test_a_step_names_the_tool_that_stood_in(made_by: str, stood_in: list[str]) -> None:
    own, other = (
        SimpleNamespace(tool=f"servers.json::{name}") for name in ("everything.convert_time", "everything.echo")
    )
    step = SimpleNamespace(id="say", action=own, fallback=(other,), compensate=None)
    plan: Any = SimpleNamespace(step=lambda _: step, dependencies={"say": ()})
    call = CallResult(kind=OutcomeKind.RESULT, server="servers.json::everything", tool=made_by)
    entry = _entry(plan, StepResult(id="say", status=StepStatus.SUCCEEDED, calls=(call,)), ())
    assert (entry["fallback"], entry["stood_in"]) == (["everything.echo"], stood_in)
    assert (entry["server"], entry["tool"]) == ("everything", "convert_time")
