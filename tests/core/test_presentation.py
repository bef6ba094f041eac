from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.core.presentation import Presenter, cut, neutralise
from mcp_assay.core.redaction import Redactor

NASTY = st.text(
    alphabet=st.one_of(st.characters(exclude_categories=[]), st.sampled_from("\x1b\x00\r\n\t :#[\u200b\u202e\ud800…"))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NASTY,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NASTY, inner, max_size=5),
    max_leaves=20,
)


@given(NASTY)
def test_nothing_invisible_or_steering_is_left(text: str) -> None:
    shown = neutralise(text).replace(":\u200b", ":").replace("#\u200b", "#")
    left = {unicodedata.category(character) for character in shown if character not in "\n\t"}
    assert not left & {"Cc", "Cs"}
    assert not set(shown) & set("\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff\u2028\u2029\x85\x9b")


@given(NASTY)
def test_no_line_reads_as_a_command_of_a_ci_runner_however_it_is_wrapped(text: str) -> None:
    shown = neutralise(text)
    assert "##[" not in shown
    assert not any(word.startswith("::") for word in shown.split())


@given(NASTY)
def test_neutralising_twice_changes_nothing(text: str) -> None:
    assert neutralise(neutralise(text)) == neutralise(text)


@given(NASTY, st.integers(0, 200))
def test_presenting_twice_changes_nothing(text: str, limit: int) -> None:
    once = Presenter().text(text, limit)
    assert len(once) <= limit
    assert Presenter().text(once, limit) == once


@given(JSON)
def test_presented_json_is_json_and_stays_as_it_is(value: object) -> None:
    once = Presenter().json(value)
    assert json.loads(json.dumps(once, allow_nan=False)) == once
    assert Presenter().json(once) == once


def test_ordinary_text_of_any_language_stays() -> None:
    text = "Größe 大きさ الحجم 🦊 std::vector servers.json::memory a # b\n\ttab"
    assert neutralise(text) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\rb", "a\\x0db"),
        ("\u202egpj", "\\u202egpj"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("\ufffe", "\\ufffe"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(raw: str, shown: str) -> None:
    assert neutralise(raw) == shown


def test_a_cut_keeps_both_ends_and_counts_the_rest() -> None:
    text = cut("a" * 500 + "b" * 500, 100)
    assert len(text) <= 100
    assert text.startswith("aaaa")
    assert text.endswith("bbbb")
    shown = text.count("a") - 1 - 1 + text.count("b")  # "characters" holds two
    assert f"[{1000 - shown + 1} characters cut]" in text or f"[{1000 - shown} characters cut]" in text


def test_a_cut_never_leaves_half_a_secret() -> None:
    presenter = Presenter(Redactor({"env TOKEN": "correct-horse-battery-staple"}))
    for limit in range(20, 120):
        text = presenter.text("x" * 30 + "correct-horse-battery-staple" + "y" * 100, limit)
        assert "corr" not in text
        assert "aple" not in text


def test_a_huge_text_shows_its_ends_only() -> None:
    text = Presenter().text("\x00" * 10_000_000 + "end", 200)
    assert len(text) <= 200
    assert text.startswith("\\x00\\x00")
    assert text.endswith("end")


def test_a_line_has_no_line_ends() -> None:
    assert Presenter().line("a\n  b\t\tc\r\nd") == "a b c\\x0d d"


def test_long_containers_say_how_much_is_missing() -> None:
    shown = Presenter().json(list(range(1_000)))
    assert len(shown) == 200
    assert shown[-1] == "… [801 entries cut]"
    mapping = Presenter().json({str(number): number for number in range(300)})
    assert len(mapping) == 200
    assert mapping["…"] == "[101 entries cut]"


def test_deep_values_end_somewhere() -> None:
    value: Any = "bottom"
    for _ in range(5_000):
        value = [value]
    assert "bottom" not in json.dumps(Presenter().json(value))


def test_a_wide_and_deep_value_stays_bounded_as_a_whole() -> None:
    wide = [[["text " * 40] * 150] * 150] * 150
    assert len(json.dumps(Presenter().json(wide))) < 2_000_000


def test_keys_that_look_alike_are_all_kept() -> None:
    presenter = Presenter(Redactor({"env A": "secret-number-one", "header B": "secret-number-two"}))
    shown = presenter.json({"\x00": 1, "\\x00": 2, "secret-number-one": 3})
    assert sorted(shown.values()) == [1, 2, 3]
    assert "secret-number-one" not in json.dumps(shown)


def test_numbers_that_json_cannot_hold_become_texts() -> None:
    assert Presenter().json([float("nan"), float("inf"), 1.5, 10**5_000]) == [
        "nan",
        "inf",
        1.5,
        "… [an integer of more than 1,024 bits]",
    ]


def test_values_of_other_types_are_shown_as_text() -> None:
    assert Presenter().json({"a": b"\x00", 7: ("x",)}) == {"a": "b'\\x00'", "7": ["x"]}


def test_none_stays_none() -> None:
    assert Presenter().optional(None) is None
    assert Presenter().optional("x\x07") == "x\\x07"
