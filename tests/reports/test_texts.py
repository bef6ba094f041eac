from __future__ import annotations

import pytest

from mcp_assay_reports import texts


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0.0, "0 us"),
        (0.00000123, "1.23 us"),
        (0.0288, "28.8 ms"),
        (0.9996, "1 s"),
        (12.345, "12.3 s"),
        (1234.5, "1234 s"),
    ],
)
def test_durations_read_well(value: float | None, shown: str) -> None:
    assert texts.seconds(value) == shown


def test_a_score_below_a_bar_is_never_shown_as_the_bar() -> None:
    assert texts.score(89.99) == "89.9"
    assert texts.score(90.0) == "90.0"
    assert texts.percent(0.7999) == "79 %"
    assert texts.percent(0.29) == "29 %"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://plain.example/",
        "https://a.example/)](x",
        "https://a.example/ b",
        "",
        "https://u@h/",
    ],
)
def test_only_plain_https_addresses_become_links(url: str) -> None:
    assert texts.link(url) is None


def test_a_page_of_the_specification_becomes_a_link() -> None:
    url = "https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool"
    assert texts.link(url) == url


def test_lists_say_how_much_is_missing() -> None:
    assert texts.listing(["a", "b", "c"], 2) == "a, b and 1 more"
    assert texts.plural(1, "tool") == "1 tool"
    assert texts.plural(0, "tool") == "0 tools"
