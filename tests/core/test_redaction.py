from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_assay.core.redaction import Redactor, is_secret_worthy

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = 'pä$$/wörd+"x"&<y> \\ 100%'
ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": json.dumps,
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "json unescaped": lambda text: json.dumps(text, ensure_ascii=False),
    "json slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "repr": repr,
    "url": lambda text: quote(text, safe=""),
    "url lower case": lambda text: re.sub("%..", lambda escape: escape.group().lower(), quote(text, safe="")),
    "url path": quote,
    "form": quote_plus,
    "html": html.escape,
    "html text": lambda text: html.escape(text, quote=False),
    "hex": lambda text: text.encode().hex(),
    "upper hex": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "basic auth": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "base64 inside": lambda text: base64.b64encode(f"ab{text}cd".encode()).decode(),
    "wrapped": lambda text: text[:5] + "\n    " + text[5:],
    "wrapped base64": lambda text: "\r\n".join(base64.encodebytes(text.encode() * 3).decode().split("\n")),
    "escaped line end": lambda text: text[:5] + "\\n" + text[5:],
    "coloured": lambda text: text[:4] + "\x1b[1;31m" + text[4:8] + "\x1b[0m" + text[8:],
    "zero width": "\u200b".join,
    "spaced": " ".join,
}
PLAIN = "kR8-vTq2ZpLw9sXf"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", [PLAIN, SECRET.replace(" ", "_")])
def test_a_secret_is_found_in_every_encoding(encoding: str, secret: str) -> None:
    text = f"before {ENCODINGS[encoding](secret)} after"
    shown = Redactor({"env KEY": secret}).redact(text)
    assert "<redacted:env KEY>" in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert secret[2:-2] not in shown


@given(st.text(st.characters(codec="utf-8"), min_size=12, max_size=40).filter(is_secret_worthy), st.text(), st.text())
def test_a_secret_never_survives(secret: str, before: str, after: str) -> None:
    redactor = Redactor({"k": secret})
    assert secret not in redactor.redact(f"{before}{secret}{after}").replace("<redacted:k>", "")
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    assert encoded not in redactor.redact(f"{before}{encoded}{after}")


@given(st.text())
def test_text_without_secrets_stays_as_it_is(text: str) -> None:
    assert Redactor({"k": "kR8-vTq2ZpLw9sXf"}).redact(text) == text


def test_overlapping_secrets_leave_no_tail() -> None:
    redactor = Redactor({"a": "abcdefgh", "b": "efghijkl"})
    assert redactor.redact("-abcdefghijkl-") == "-<redacted:a>-"


def test_the_longest_of_two_secrets_names_the_label() -> None:
    redactor = Redactor({"short": "abcdefgh", "long": "abcdefghijkl"})
    assert redactor.redact("abcdefghijkl abcdefgh") == "<redacted:long> <redacted:short>"


def test_each_line_of_a_secret_is_a_secret_but_not_its_harmless_ones() -> None:
    redactor = Redactor({"k": "first-secret-line\nproduction\n}\nlast-secret-line"})
    shown = redactor.redact("x first-secret-line y production } last-secret-line")
    assert shown == "x <redacted:k> y production } <redacted:k>"


def test_a_secret_with_blanks_around_it_is_found_without_them() -> None:
    assert Redactor({"k": "  kR8-vTq2ZpLw9sXf\n"}).redact("(kR8-vTq2ZpLw9sXf)") == "(<redacted:k>)"


@pytest.mark.parametrize("value", ["true", "8080", "3.14", "debug", "abc", "", "   ", "PRODUCTION"])
def test_switches_numbers_and_levels_are_no_secrets(value: str) -> None:
    assert not is_secret_worthy(value)
    text = f"the value is {value or 'empty'}, truly"
    assert Redactor({"k": value}).redact(text) == text


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a1B2" * 9,
        "gho_" + "a1B2" * 9,
        "github_pat_" + "a1B2_" * 8,
        "glpat-" + "a1B2" * 5,
        "sk-proj-" + "a1B2" * 8,
        "sk_live_" + "a1B2" * 6,
        "xoxb-123456789012-abcdef",
        "AKIA" + "A1B2" * 4,
        "AIza" + "a1B2-" * 7,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_known_token_shapes_are_redacted_unasked(token: str) -> None:
    assert Redactor().redact(f"got {token}, thanks") == "got <redacted:token>, thanks"


def test_a_private_key_without_its_end_is_redacted_to_the_end() -> None:
    shown = Redactor().redact("x -----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA")
    assert shown == "x <redacted:token>"


def test_the_password_of_an_address_is_redacted() -> None:
    assert Redactor().redact("postgres://bob:hunter22@db:5432/x") == "postgres://<redacted:token>@db:5432/x"
    assert Redactor().redact("http://localhost:8080/a@b") == "http://localhost:8080/a@b"


@pytest.mark.parametrize("text", ["risk-assessment-of-the-whole-enterprise", "task-sk-1", "eyJ.a.b"])
def test_ordinary_words_are_no_tokens(text: str) -> None:
    assert Redactor().redact(text) == text


@pytest.mark.parametrize(
    "piece", ["-----BEGIN PRIVATE KEY-----", "eyJ", "eyJaaaaaaaa.", "sk-", "https://a:", "\\n", "\x1b[", " ", "abcdefg"]
)
def test_no_text_makes_redaction_slow(piece: str) -> None:
    # Two million characters in quadratic time would not end within the lifetime of the test run.
    text = piece * (2_000_000 // len(piece))
    assert Redactor({"k": "abcdefgh"}).redact(text)


def test_a_repr_shows_no_secret() -> None:
    redactor = Redactor({"env KEY": PLAIN}).with_secrets({"header X": SECRET})
    assert repr(redactor) == "Redactor(['env KEY', 'header X'])"
    assert redactor.redact(f"{PLAIN} {SECRET}") == "<redacted:env KEY> <redacted:header X>"


@pytest.mark.parametrize("mark", ["", "…", " … [99 bytes cut]"])
@pytest.mark.parametrize("kept", [6, 12, 23])
def test_the_beginning_of_a_secret_at_a_cut_is_no_longer_shown(mark: str, kept: int) -> None:
    secret = "canary-0123456789-abcdef"
    shown = Redactor({"env TOKEN": secret}).redact(f"the token is {secret[:kept]}{mark}")
    assert shown == f"the token is <redacted:env TOKEN>{mark}"


def test_an_ordinary_word_at_the_end_is_left_alone() -> None:
    redactor = Redactor({"env TOKEN": "canary-0123456789"})
    assert redactor.redact("it ends in canar") == "it ends in canar"
