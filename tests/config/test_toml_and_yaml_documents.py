"""TOML and YAML: values with their places, and hostile documents."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mcp_assay.config.toml_reader import parse_toml
from mcp_assay.config.tree import Array, Node, Table
from mcp_assay.config.yaml_reader import parse_yaml
from mcp_assay.core.errors import ConfigError

PATH = Path("x")

TOML = """\
title = "é" # comment
[a.b]
"q.r" = [1, {x = true}, # inside
  "two"]
c.d = 1.5
[[list]]
n = 1
[list.inner]
m = 2
[[list]]
n = 3
"""


def plain(node: Node) -> object:
    """Return a tree as plain values."""
    if isinstance(node, Table):
        return {member.key: plain(member.value) for member in node.members}
    return [plain(item) for item in node.items] if isinstance(node, Array) else node.value


def places(node: Node, path: str = "") -> dict[str, tuple[int, int]]:
    """Return the place of every key, by its path."""
    found: dict[str, tuple[int, int]] = {}
    if isinstance(node, Table):
        for member in node.members:
            here = f"{path}/{member.key}"
            found |= {here: (member.mark.line, member.mark.column), **places(member.value, here)}
    for index, item in enumerate(node.items if isinstance(node, Array) else ()):
        found |= {f"{path}/{index}": (item.mark.line, item.mark.column), **places(item, f"{path}/{index}")}
    return found


def test_toml_has_the_values_of_the_standard_library() -> None:
    assert plain(parse_toml(TOML, PATH).root) == tomllib.loads(TOML)


def test_toml_keys_know_their_places() -> None:
    assert places(parse_toml(TOML, PATH).root) == {
        "/title": (1, 1),
        "/a": (2, 2),
        "/a/b": (2, 4),
        "/a/b/q.r": (3, 1),
        "/a/b/q.r/0": (3, 10),
        "/a/b/q.r/1": (3, 13),
        "/a/b/q.r/1/x": (3, 14),
        "/a/b/q.r/2": (4, 3),
        "/a/b/c": (5, 1),
        "/a/b/c/d": (5, 3),
        "/list": (6, 3),
        "/list/0": (6, 1),
        "/list/0/n": (7, 1),
        "/list/0/inner": (8, 7),
        "/list/0/inner/m": (9, 1),
        "/list/1": (10, 1),
        "/list/1/n": (11, 1),
    }


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a = 1\na = 2", 2, "twice"),
        ("[a]\nx = 1\n[a]", 3, "twice"),
        ("a = \n", 1, "TOML"),
        ("a = [1,\n2", 2, "TOML"),
        ("a = " + "[" * 50_000, None, "nested too deeply"),
        (".".join(["a"] * 50_000) + " = 1", 1, "more than 32 parts"),
        ("\n[" + " . ".join(['"a"'] * 5_000) + "]", 2, "more than 32 parts"),
    ],
)
def test_bad_toml_is_refused(text: str, line: int | None, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_toml(text, PATH)
    assert caught.value.line == line
    assert words in str(caught.value)


def test_yaml_follows_the_core_schema_of_1_2() -> None:
    text = "a: no\nb: 'true'\nc: true\nd: ~\ne: 010\nf: 1.5\ng: 0x1\nh: 2020-01-01\ni: |\n  x\n"
    assert plain(parse_yaml(text, PATH).root) == {
        "a": "no", "b": "true", "c": True, "d": None, "e": 10, "f": 1.5, "g": "0x1", "h": "2020-01-01", "i": "x\n",
    }  # fmt: skip


def test_yaml_keys_know_their_places() -> None:
    root = parse_yaml("# c\nservers:\n  - name: x\n    args: [a, 'b']\n", PATH).root
    assert places(root) == {
        "/servers": (2, 1),
        "/servers/0": (3, 5),
        "/servers/0/name": (3, 5),
        "/servers/0/args": (4, 5),
        "/servers/0/args/0": (4, 12),
        "/servers/0/args/1": (4, 15),
    }


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1\nb: 2", "YAML"),
        ("a:\n\tb: 1", "cannot start any token"),
        ("a: 1\n---\nb: 2", "another document"),
        ("# only this\n", "nothing but comments"),
        ("a: *nowhere", "undefined alias"),
        ("? [1]\n: 2", "key must be a text"),
        ("[" * 100_000, "deeper than 64 levels"),
        ("- " * 100_000, "deeper than 64 levels"),
        ("a: &a [*a]", "deeper than 64 levels"),
        (BOMB, "aliases written out"),
    ],
)
def test_bad_yaml_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_yaml(text, PATH)


def test_a_yaml_tag_constructs_nothing() -> None:
    root = parse_yaml("a: !!python/object/apply:os.system ['true']", PATH).root
    assert plain(root) == {"a": ["true"]}
