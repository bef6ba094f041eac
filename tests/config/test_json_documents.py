"""JSON and JSONC: what is read, with which places, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_assay.config.json_reader import parse_json
from mcp_assay.config.tree import Array, Node, Scalar, Table
from mcp_assay.core.errors import ConfigError

PATH = Path("x.json")

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def plain(node: Node) -> object:
    """Return a tree as plain values."""
    if isinstance(node, Table):
        return {member.key: plain(member.value) for member in node.members}
    return [plain(item) for item in node.items] if isinstance(node, Array) else node.value


@given(values, st.sampled_from([None, 2]), st.booleans())
@settings(max_examples=150)
def test_what_json_writes_is_read_back(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    document = parse_json(text, PATH)
    assert plain(document.root) == value
    assert document.extension is None


@given(st.text(alphabet='{}[]",:/*\\ \n0123456789eE+-.truefalsn\u2028é', max_size=60))
@settings(max_examples=300)
def test_any_text_is_either_read_like_the_standard_library_does_or_refused(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        expected = ConfigError
    try:
        document = parse_json(text, PATH)
    except ConfigError:
        assert expected is ConfigError
        return
    if document.extension is None:
        assert plain(document.root) == expected


def test_every_value_knows_its_line_and_column() -> None:
    root = parse_json('{"a": 1,\n  "é": [true,\n "x"]}', PATH).root
    assert isinstance(root, Table)
    second = root.members[1]
    assert (second.mark.line, second.mark.column) == (2, 3)
    assert isinstance(second.value, Array)
    assert (second.value.items[1].mark.line, second.value.items[1].mark.column) == (3, 2)


def test_comments_and_trailing_commas_are_read_and_reported() -> None:
    document = parse_json('{ // one\n "a": [1,], /* two\n */ "b": "//no",\n}', PATH)
    assert plain(document.root) == {"a": [1], "b": "//no"}
    assert document.extension is not None
    mark, what = document.extension
    assert (mark.line, mark.column, what) == (1, 3, "a comment")


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('{"a": 1', 1, 8, "end of the file"),
        ('{"a": 1\n "b": 2}', 2, 2, "expected ','"),
        ('{"a" 1}', 1, 6, "expected ':'"),
        ("{'a': 1}", 1, 2, "double quotes"),
        ('{"a": tru}', 1, 7, "'tru' is not a JSON value"),
        ('{"a": "x\n"}', 1, 7, "not closed"),
        ('{"a": "\\q"}', 1, 8, "unknown escape"),
        ('{"a": "\\ud800"}', 1, 7, "surrogate"),
        ('{"a": NaN}', 1, 7, "'NaN'"),
        ('{"a": 01}', 1, 7, "'01'"),
        ("{} {}", 1, 4, "more text"),
        ("[1,,2]", 1, 4, "expected a value"),
        ("/* open", 1, 1, "expected a value"),
        ('{"a": ' + "9" * 5000 + "}", 1, 7, "not a JSON value"),
        ("[" * 100_000, 1, 66, "deeper than 64 levels"),
        ('{"a":' * 100_000, 1, 326, "deeper than 64 levels"),
    ],
)
def test_broken_text_is_refused_at_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_json(text, PATH)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in str(caught.value)


def test_a_long_document_is_read_in_linear_time_without_recursion_trouble() -> None:
    root = parse_json("[" + "{},\n" * 20_000 + "0]", PATH).root
    assert isinstance(root, Array)
    assert isinstance(root.items[-1], Scalar)
    assert root.items[-1].mark.line == 20_001
