"""A secret that was cut, wrapped or spelled out is still found."""

from __future__ import annotations

import json
import pprint

import pytest

from mcp_assay.core.redaction import Redactor

SECRET = "kR8/vTq2+ZpLw9sXf=Qe"
HALVES = SECRET[:9], SECRET[9:]
GAPS = ["\r\n\t", "\x1b[31m", "\x1b[1;31m", "\u200b", "\u2066"]


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("times", [0, 1, 2], ids=["raw", "in JSON", "in JSON within JSON"])
def test_a_secret_with_something_inside_is_found_however_that_is_spelled(gap: str, times: int) -> None:
    text = f"-{gap.join(HALVES)}-"
    for _ in range(times):
        text = json.dumps(text)
    assert_gone(Redactor({"k": SECRET}).redact(text))


@pytest.mark.parametrize("mark", ["…", "...", " … [12 characters cut] … "])
@pytest.mark.parametrize("kept", [6, 9, 19])
def test_what_a_cut_leaves_of_a_secret_is_not_shown(mark: str, kept: int) -> None:
    for text in (f"the end {SECRET[:kept]}{mark} of it", f"the start {mark}{SECRET[-kept:]} of it", SECRET[-kept:]):
        assert SECRET[:6] not in Redactor({"k": SECRET}).redact(text)
        assert SECRET[-6:] not in Redactor({"k": SECRET}).redact(text)


def test_a_secret_that_is_split_and_cut_is_found() -> None:
    text = json.dumps(f"x {HALVES[0]}\r\n\t{HALVES[1]}")
    for end in range(text.index(HALVES[0]) + 6, len(text) - 1):
        shown = Redactor({"k": SECRET}).redact(f"{text[:end]}…; next")
        assert SECRET[:6] not in shown, shown


def test_a_literal_over_several_lines_hides_no_secret() -> None:
    printed = pprint.pformat({"text": f"{'word ' * 20}\n{HALVES[0]}\r\n\t{HALVES[1]}\n{'word ' * 20}"}, width=60)
    assert "'\n" in printed
    assert_gone(Redactor({"k": SECRET}).redact(printed))
    assert_gone(Redactor({"k": SECRET}).redact(printed.replace("\n", "\nE    ")))


@pytest.mark.parametrize(
    "text",
    ["a sentence that goes on... and ends", "C:\\new\\table\\x01.txt", "'one',\n'two'", "... Qe", "the\u2026 rest"],
)
def test_other_text_with_such_marks_stays_as_it_is(text: str) -> None:
    assert Redactor({"k": SECRET}).redact(text) == text


@pytest.mark.parametrize(
    "piece",
    ["\\", "\\\\n", "'\n", "'\n" + " " * 80, "...", "\\u001b[", "\\u001b[1;", "…\\u2", "kR8/vT...", "...9sXf=Qe"],
)
def test_no_text_of_such_marks_makes_redaction_slow(piece: str) -> None:
    text = f"{SECRET[:7]}{piece * (200_000 // len(piece))}{SECRET[-7:]}"
    assert len(Redactor({"k": SECRET}).redact(text)) > 100_000


def assert_gone(text: str) -> None:
    for half in HALVES:
        assert half not in text, text
