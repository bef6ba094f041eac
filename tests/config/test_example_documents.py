"""One document of each client, read into the normal form that is written down in normal_forms.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_assay.config.describe import normal_form
from mcp_assay.config.dialects import DIALECTS
from mcp_assay.config.loader import load

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE / "examples").iterdir())
EXPECTED = json.loads((HERE / "normal_forms.json").read_text(encoding="utf-8"))


def forms(path: Path) -> object:
    """Return the normal forms of a document, with the places of this machine replaced."""
    found = [normal_form(spec) for spec in load(path, config_id=path.name, platform="linux")]
    text = json.dumps(found).replace(str(path.parent), "<folder>").replace(str(Path.home()), "<home>")
    return json.loads(text)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_document_has_the_expected_normal_form(path: Path) -> None:
    assert forms(path) == EXPECTED[path.name]


def test_every_expectation_has_a_document() -> None:
    assert sorted(EXPECTED) == [path.name for path in EXAMPLES]


def test_there_is_a_document_for_each_of_fourteen_dialects() -> None:
    found = {spec["dialect"] for specs in EXPECTED.values() for spec in specs}
    assert len(EXAMPLES) == len(found) == 14
    assert found <= {row.name for row in DIALECTS}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_server_knows_the_line_of_its_entry(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for spec in load(path, config_id=path.name):
        assert 1 <= spec.line <= len(lines)
        if spec.dialect not in {"registry", "mcpb"}:
            assert spec.name in lines[spec.line - 1]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_text_knows_its_line(path: Path) -> None:
    for spec in load(path, config_id=path.name):
        texts = [*spec.command, *spec.env.values(), *spec.headers.values(), *([spec.url] if spec.url else [])]
        assert texts
        assert all(text.line >= 1 and text.column >= 1 for text in texts)
