"""Character sets of regular expressions, as the characters of a pool that belong to them."""

from __future__ import annotations

import functools

import jsonschema_rs

from mcp_assay.generation.sources import ALPHABET

POOL = ALPHABET + "\t\n"
"""What negated and open sets are cut from."""
DIGITS = "0123456789"
WORD = "abcdefghijklmnopqrstuvwxyz0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SPACE = " \t\n\u00a0"
_EXTRA = "ÀÉÞαΩбЯאبहกกაքᄀ漢字カひ〇½²٣५ⅷ€₹≤→§¶„“…\u200b\u2028🎉🇩"
_SHORTHANDS = {"d": DIGITS, "w": WORD, "s": SPACE}


def shorthand(letter: str) -> str | None:
    r"""Return the characters of ``\d``, ``\w``, ``\s`` or their complements, or None for another escape."""
    if (plain := _SHORTHANDS.get(letter)) is not None:
        return plain
    barred = _SHORTHANDS.get(letter.lower())
    return None if barred is None else complement(barred)


def complement(characters: str) -> str:
    """Return the pool without ``characters``; something rarer when that leaves nothing."""
    barred = frozenset(characters)
    return "".join(each for each in POOL if each not in barred) or "".join(
        chr(code) for code in range(0x100, 0x400) if chr(code) not in barred
    )


@functools.lru_cache(maxsize=256)
def property_characters(escape: str) -> str:
    r"""Return the pool's characters that match a Unicode property escape such as ``\p{Lu}``.

    The validator's own engine decides, so that generated texts pass it. Unknown properties have no characters.
    """
    try:
        validator = jsonschema_rs.Draft202012Validator({"pattern": f"^{escape}$"}, offline=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return ""
    return "".join(each for each in POOL + _EXTRA if validator.is_valid(each))


def span(first: str, last: str) -> str:
    """Return the characters of a range: all of a short one, the ends and some between of a long one.

    Surrogates are left out: they cannot be written to the wire alone.
    """
    low, high = ord(first), ord(last)
    step = max(1, (high - low) // 100)
    codes = [*range(low, high + 1, step), high]
    return "".join(dict.fromkeys(chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF))
