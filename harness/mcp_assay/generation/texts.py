"""Generators of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.generation.errors import TooComplexError
from mcp_assay.generation.formats import FORMATS, MEANT
from mcp_assay.generation.hostile import hostile_texts
from mcp_assay.generation.names import Meaning, meaning, plausible_texts
from mcp_assay.generation.nodes import RejectedError, Text
from mcp_assay.generation.regex import PatternError, pattern_text
from mcp_assay.generation.sources import Choice, Style, Texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema_rs import canonical

    from mcp_assay.core.json_types import Json
    from mcp_assay.generation.hints import Hint
    from mcp_assay.generation.sources import Chooser
    from mcp_assay.generation.surroundings import Surroundings

LONGEST_TEXT = 100_000
_USUAL = 16
_LONGEST_EDGE = 4_096
_FILLERS = Choice(("a", "ä", "漢", " "))


def text_node(
    view: canonical.StringView | None,
    passes: Callable[[Json], bool] | None,
    hint: Hint,
    surroundings: Surroundings,
) -> Text:
    """Return the generator of texts that ``view`` admits, of any texts without a view.

    Raises:
        TooComplexError: The shortest text is too long.
    """
    low = (view.min_length or 0) if view else 0
    high = view.max_length if view else None
    if low > LONGEST_TEXT:
        raise TooComplexError(f"a text has at least {low} characters")
    makers = _constrained(view, low, surroundings) if view else []
    if not makers:
        makers = _meant(hint, surroundings)
        makers.append(_free(low, high, hint, surroundings))
    special = _special(view, low, high, hint, surroundings)
    bare = view is None or not (
        view.patterns or view.excluded_patterns or view.formats or view.excluded_formats or view.excluded
        or view.content_encodings or view.content_media_types
    )  # fmt: skip
    return Text(makers, special, low, high, None if bare else passes)


def _special(
    view: canonical.StringView | None, low: int, high: int | None, hint: Hint, surroundings: Surroundings
) -> dict[Style, Callable[[Chooser], str]]:
    """Return the makers of texts at the edges of the length, and of hostile ones."""
    longest = _LONGEST_EDGE if high is None else min(high, max(low, _LONGEST_EDGE))
    lengths = Choice((low, longest))
    if view and view.patterns:
        pattern = view.patterns[0]
        return {Style.EDGES: lambda choose: _patterned(pattern, choose(lengths))(choose)}
    if view and view.formats:
        return {}
    meant = meaning(hint.name)
    hostile = Choice(hostile_texts(meant, surroundings))
    special: dict[Style, Callable[[Chooser], str]] = {Style.HOSTILE: lambda choose: choose(hostile)}
    # A text without a meaning cannot reach anything; any other stays what its name says.
    if meant is Meaning.TEXT:
        special[Style.EDGES] = lambda choose: choose(_FILLERS) * choose(lengths)
    return special


def _free(low: int, high: int | None, hint: Hint, surroundings: Surroundings) -> Callable[[Chooser], str]:
    """Return the maker of any text within a length."""
    reach = low + _USUAL
    plain = next(iter(plausible_texts(hint.name, surroundings)), "example")
    source = Texts(low, reach if high is None else min(high, reach), plain=plain)
    return lambda choose: choose(source)


def _meant(hint: Hint, surroundings: Surroundings) -> list[Callable[[Chooser], str]]:
    """Return the makers that the property's name asks for: only paths, URLs, addresses and code that harm nobody."""
    found = meaning(hint.name)
    if found is Meaning.CODE:
        source = Choice(plausible_texts(hint.name, surroundings))
        return [lambda choose: choose(source)]
    return [_maker(MEANT[found], surroundings)] if found in MEANT else []


def _constrained(view: canonical.StringView, low: int, surroundings: Surroundings) -> list[Callable[[Chooser], str]]:
    """Return the makers for the formats, encodings and patterns of ``view``."""
    encoded = ["base64"] if "base64" in view.content_encodings else []
    known = [_maker(FORMATS[name], surroundings) for name in [*view.formats, *encoded] if name in FORMATS]
    patterned = [_patterned(pattern, low) for pattern in view.patterns]
    # A pattern mostly asks for the beginning or the end of what the format says: https, one's own domain.
    joined = [maker for make in known for text in patterned for maker in _joined(make, text)]
    return [*known, *patterned, *joined]


def _joined(
    whole: Callable[[Chooser], str], part: Callable[[Chooser], str]
) -> tuple[Callable[[Chooser], str], Callable[[Chooser], str]]:
    """Return makers of texts that begin with a part and end like the whole, and that end with the part."""

    def beginning(choose: Chooser) -> str:
        rest = whole(choose)
        return part(choose) + rest[choose(Choice(range(len(rest) + 1))) :]

    def ending(choose: Chooser) -> str:
        rest = whole(choose)
        return rest[: choose(Choice(range(len(rest) + 1)))] + part(choose)

    return beginning, ending


def _maker(make: Callable[[Chooser, Surroundings], str], surroundings: Surroundings) -> Callable[[Chooser], str]:
    """Return ``make`` with its surroundings filled in."""
    return lambda choose: make(choose, surroundings)


def _patterned(pattern: str, low: int) -> Callable[[Chooser], str]:
    """Return the maker of texts that ``pattern`` matches.

    Raises:
        TooComplexError: The pattern cannot be read or takes too much to fulfil.
    """
    try:
        maker = pattern_text(pattern)
    except PatternError as error:
        raise TooComplexError(f"no text can be made for the pattern {pattern[:80]!r}: {error}") from None

    def make(choose: Chooser) -> str:
        try:
            return maker.make(choose, low)
        except PatternError:
            raise RejectedError from None

    return make
