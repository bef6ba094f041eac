"""Secrets of a run, found again in whatever encoding they come back.

The values are those a configuration hands to its servers. Known token shapes are caught as well, because a server
may print a secret that we never gave it. Every pattern here is linear in the length of the text: a server chooses
the text.
"""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Span = tuple[int, int, str]

# An escape may have been cut in two as well.
_CUT = re.compile(r"(?:\\{1,4}[ux]?[0-9a-fA-F]{0,4}|\s)?(?:…|\.\.\.)\s?")
_LONGEST_CUT_SECRET = 4_096
SHORTEST_SECRET = 6
"""Values shorter than this are not redacted: they would blank out ordinary text."""

SHORTEST_SPLIT_SECRET = 8
"""Values shorter than this are not looked for across line breaks: words side by side would match."""

_HARMLESS = frozenset(
    {"true", "false", "null", "none", "debug", "info", "warning", "error", "production", "development", "localhost"}
)
_TOKEN_SHAPES = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{30,}"
    r"|sk-[A-Za-z0-9_-]{20,}|[rs]k_live_[A-Za-z0-9]{16,}|hf_[A-Za-z0-9]{30,}|PMAK-[A-Fa-f0-9-]{30,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}|A[KS]IA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
    # The password of a URL, and a private key up to its end or, when that is missing, to the end of the text.
    r"|(?<=://)[^/\s:@]{0,100}:[^/\s@]{1,300}(?=@)"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:(?!-----END)[\s\S])*+(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
)
# What may stand between the halves of a secret that was wrapped, coloured or spelled with invisible characters; any of
# it may be spelled out, as in JSON and in JSON within JSON. Every repetition inside is bounded, so that no run of
# characters is read again from each of its places.
_GAPS = re.compile(
    r"""(?:
      (?:\x1b|\\{1,4}(?:u001[bB]|x1[bB]|033)) \[ [0-9;]{0,20} [A-Za-z]      # colour
    | \\{1,4} [nrt]
    | \\{1,4} u00 (?:[01][0-9a-fA-F] | 7[fF] | [89][0-9a-fA-F] | [aA][dD])
    | \\{1,4} u20 (?:0[bBcCdDeEfF] | 2[89a-eA-E] | 6[0-9])
    | \\{1,4} (?:u[fF][eE][fF][fF] | x[01][0-9a-fA-F])
    | ['"],?\n [E>|+\ -]{0,80} ['"]      # a Python literal that goes on in the next line, perhaps in a traceback
    | [\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]
    )+""",
    re.VERBOSE,
)


def is_secret_worthy(value: str) -> bool:
    """Return whether a configured value may be a secret rather than a switch, a number or a log level."""
    stripped = value.strip()
    if len(stripped) < SHORTEST_SECRET or stripped.lower() in _HARMLESS:
        return False
    return not stripped.replace(".", "", 1).isdigit()


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces secrets by ``<redacted:LABEL>``.

    Attributes:
        secrets: Secret values by the label that stands in for them, for example ``{"env GITHUB_TOKEN": "…"}``.
    """

    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    _labels: dict[str, str] = field(init=False, repr=False, compare=False)
    _split_labels: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        labels: dict[str, str] = {}
        split: dict[str, str] = {}
        for label, value in self.secrets.items():
            if is_secret_worthy(value):
                for variant in _variants(value):
                    labels.setdefault(variant, label)
                    split.setdefault(_GAPS.sub("", variant), label)
        object.__setattr__(self, "_labels", labels)
        object.__setattr__(self, "_split_labels", {v: s for v, s in split.items() if len(v) >= SHORTEST_SPLIT_SECRET})

    def __repr__(self) -> str:
        """Return the labels only: a repr ends up in tracebacks."""
        return f"Redactor({sorted(self.secrets)})"

    def redact(self, text: str) -> str:
        """Return ``text`` with every known secret, in any known encoding, replaced by its label.

        A secret is found as well when white space, colour codes or invisible characters stand inside it, and what is
        left of it when the text was cut inside it, which shows as an ellipsis or the text's own start or end.
        """
        spans = [*_spans(text, self._labels), *self._find_split(text)]
        spans += [(match.start(), match.end(), "token") for match in _TOKEN_SHAPES.finditer(text)]
        return _replaced(text, spans) if spans else text

    def learn(self, more: Mapping[str, str]) -> None:
        """Know ``more`` secrets from now on, such as a token that was given during the run.

        Everybody who holds this redactor profits. Whoever redacts in another thread meanwhile sees the old or the new
        secrets.
        """
        grown = self.with_secrets(more)
        for name in ("secrets", "_labels", "_split_labels"):
            object.__setattr__(self, name, getattr(grown, name))

    def with_secrets(self, more: Mapping[str, str]) -> Redactor:
        """Return a redactor that knows ``more`` secrets as well."""
        return Redactor({**self.secrets, **more})

    def _find_split(self, text: str) -> list[Span]:
        """Return where secrets stand in ``text`` once its gaps are closed, in positions of ``text``."""
        if not self._split_labels:
            return []
        closed = _GAPS.sub("", text)
        if len(closed) == len(text):
            return []
        found = _spans(closed, self._split_labels)
        if not found:
            return []
        kept = _positions_outside_gaps(text)
        return [(kept[start], kept[end - 1] + 1, label) for start, end, label in found]


def _spans(text: str, labels: Mapping[str, str]) -> list[Span]:
    """Return where each of ``labels``' keys stands in ``text``, and what a cut left of one."""
    return [*_find(text, labels), *_find_starts(text, labels), *_find_ends(text, labels)] if labels else []


def _find_starts(text: str, labels: Mapping[str, str]) -> Iterator[Span]:
    """Yield where the start of a secret stands before a cut or at the end of ``text``."""
    starts = {variant[:SHORTEST_SECRET] for variant in labels}
    if not any(start in text for start in starts):
        return
    window = _window(labels)
    for end in [len(text), *(match.start() for match in _CUT.finditer(text))]:
        tail = text[max(0, end - window) : end]
        if not any(start in tail for start in starts):
            continue
        for variant, label in labels.items():
            length = _overlap(tail, variant)
            if length:
                yield end - length, end, label


def _find_ends(text: str, labels: Mapping[str, str]) -> Iterator[Span]:
    """Yield where the end of a secret stands after a cut or at the start of ``text``."""
    ends = {variant[-SHORTEST_SECRET:] for variant in labels}
    if not any(end in text for end in ends):
        return
    window = _window(labels)
    for start in [0, *(match.end() for match in _CUT.finditer(text))]:
        head = text[start : start + window]
        if not any(end in head for end in ends):
            continue
        for variant, label in labels.items():
            # Read backwards, a secret's end is its start.
            length = _overlap(head[::-1], variant[::-1])
            if length:
                yield start, start + length, label


def _find(text: str, labels: Mapping[str, str]) -> Iterator[Span]:
    """Yield where each of ``labels``' keys stands in ``text``."""
    for needle, label in labels.items():
        start = text.find(needle)
        while start >= 0:
            end = start + len(needle)
            yield start, end, label
            start = text.find(needle, end)


def _window(labels: Mapping[str, str]) -> int:
    """Return how many characters around a cut can be part of a secret."""
    return min(_LONGEST_CUT_SECRET, max(map(len, labels), default=0))


def _overlap(tail: str, secret: str) -> int:
    """Return how many characters of the beginning of ``secret`` end ``tail``, 0 for fewer than a secret has."""
    longest = min(len(secret) - 1, len(tail))
    return next((n for n in range(longest, SHORTEST_SECRET - 1, -1) if tail.endswith(secret[:n])), 0)


def _positions_outside_gaps(text: str) -> list[int]:
    """Return the position of every character of ``text`` that is in no gap."""
    kept: list[int] = []
    after = 0
    for gap in _GAPS.finditer(text):
        kept.extend(range(after, gap.start()))
        after = gap.end()
    kept.extend(range(after, len(text)))
    return kept


def _replaced(text: str, spans: Iterable[Span]) -> str:
    """Return ``text`` with the spans replaced; overlapping ones become one, so that no tail of a secret is left."""
    parts: list[str] = []
    after = 0
    # Of spans that start together the longest names the label.
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= after:
            parts += (text[after:start], f"<redacted:{label}>")
        after = max(after, end)
    return "".join([*parts, text[after:]])


def _variants(value: str) -> Iterator[str]:
    """Yield the forms in which ``value`` may come back; short fragments are left out."""
    forms: set[str] = set()
    lines = {line.strip() for line in value.splitlines()} if "\n" in value else set[str]()
    for text in {value, value.strip()} | {line for line in lines if is_secret_worthy(line)}:
        forms |= {text, *_escaped(text), *_percent_encoded(text)}
        encoded = text.encode("utf-8", "surrogatepass")
        forms |= {encoded.hex(), encoded.hex().upper(), *_base64_forms(encoded)}
    yield from (form for form in forms if len(form) >= SHORTEST_SECRET)


def _escaped(text: str) -> Iterator[str]:
    """Yield ``text`` as it stands inside JSON (also JSON within JSON), a Python literal, HTML and XML."""
    for plain in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield plain
        yield json.dumps(plain)[1:-1]
        yield plain.replace("/", "\\/")
    yield repr(text)[1:-1]
    yield html.escape(text)
    yield html.escape(text, quote=False)
    yield html.escape(text).replace("&#x27;", "&#39;")


def _percent_encoded(text: str) -> Iterator[str]:
    """Yield ``text`` as it stands in URLs and forms, with escapes in either case."""
    encoded = text.encode("utf-8", "surrogatepass")
    for form in (quote(encoded, safe=""), quote(encoded), quote_plus(encoded)):
        yield form
        yield re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), form)


def _base64_forms(value: bytes) -> Iterator[str]:
    """Yield the part of each base64 alignment that depends on ``value`` alone."""
    for padding in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * padding + value).decode("ascii").rstrip("=")
            start = (padding * 8 + 5) // 6
            end = (padding + len(value)) * 8 // 6
            yield text[start:end]
