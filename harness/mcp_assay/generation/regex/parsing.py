"""Reading ECMA-262 regular expressions, with the Python spellings that servers write by mistake."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp_assay.generation.regex.classes import POOL, complement, property_characters, shorthand, span
from mcp_assay.generation.regex.tree import (
    Alternatives,
    Back,
    Characters,
    Group,
    Nothing,
    Part,
    Repeat,
    Sequence,
)
from mcp_assay.generation.sources import Choice

_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0", "a": "\a", "e": "\x1b"}
_QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_BRACED = frozenset({r"\p", r"\P", r"\u", r"\x"})
_DEEPEST = 60
_LONGEST = 5_000
_MOST_REPEATS = 100_000


class PatternError(ValueError):
    """A regular expression cannot be read or takes too much to fulfil."""


def parsed(pattern: str) -> Part:
    """Return the tree of ``pattern``.

    Raises:
        PatternError: It cannot be read, or is longer or deeper than is worth it.
    """
    if len(pattern) > _LONGEST:
        raise PatternError("the pattern is too long")
    reader = _Reader(text=pattern)
    tree = reader.alternatives(0)
    if not reader.done:
        raise PatternError(f"unexpected {reader.peek()!r}")
    return tree


def readable(pattern: str) -> str:
    """Return ``pattern`` with what only ECMA-262 knows spelled so that other engines read it too."""
    pieces: list[str] = []
    inside, position, previous = False, 0, ""
    while position < len(pattern):
        piece = pattern[position : position + 2] if pattern[position] == "\\" else pattern[position]
        step = len(piece)
        if not inside and pattern.startswith(("[^]", "[]"), position):
            step = 3 if pattern.startswith("[^]", position) else 2
            piece = r"[\s\S]" if step == 3 else r"[^\s\S]"
        elif not inside and piece == "{" and _bounds(pattern, position) is None and previous not in _BRACED:
            piece = r"\{"
        inside = (inside or piece == "[") and piece != "]"
        pieces.append(piece)
        previous = piece
        position += step
    return "".join(pieces)


def _bounds(text: str, start: int) -> tuple[int, int | None, int] | None:
    """Return low, high and the position behind a ``{m,n}`` at ``start``, or None when there is none."""
    end = text.find("}", start, start + 24)
    low, comma, high = text[start + 1 : max(end, 0)].partition(",")
    if not low.isdecimal() or (high and not high.isdecimal()):
        return None
    least = int(low)
    return least, (int(high) if high else None if comma else least), end + 1


@dataclass(slots=True)
class _Reader:
    """A recursive descent over one pattern."""

    text: str
    at: int = 0
    groups: int = 0
    names: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def done(self) -> bool:
        return self.at >= len(self.text)

    def peek(self, length: int = 1) -> str:
        """Return the next characters without taking them."""
        return self.text[self.at : self.at + length]

    def take(self, length: int = 1) -> str:
        """Return and consume the next characters."""
        piece = self.peek(length)
        if len(piece) < length:
            raise PatternError("the pattern ends too early")
        self.at += length
        return piece

    def taken(self, token: str) -> bool:
        """Return whether ``token`` came next, and consume it if so."""
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def until(self, token: str) -> str:
        """Return the text up to ``token`` and consume both."""
        end = self.text.find(token, self.at)
        if end < 0:
            raise PatternError(f"{token!r} is missing")
        piece, self.at = self.text[self.at : end], end + len(token)
        return piece

    def alternatives(self, depth: int) -> Part:
        """Read up to the end of the group."""
        if depth > _DEEPEST:
            raise PatternError("the pattern is nested too deeply")
        options = [self.sequence(depth)]
        while self.taken("|"):
            options.append(self.sequence(depth))
        return options[0] if len(options) == 1 else Alternatives(Choice(options))

    def sequence(self, depth: int) -> Part:
        """Read up to the next alternative."""
        parts: list[Part] = []
        while not self.done and self.peek() not in "|)":
            part = self.quantified(self.atom(depth))
            if not isinstance(part, Nothing):
                parts.append(part)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def quantified(self, part: Part) -> Part:
        """Return ``part`` with the quantifiers that follow."""
        bounds: tuple[int, int | None] | None = None
        if not self.done and self.peek() in _QUANTIFIERS:
            bounds = _QUANTIFIERS[self.take()]
        elif self.peek() == "{" and (found := _bounds(self.text, self.at)) is not None:
            bounds, self.at = found[:2], found[2]
        if bounds is None or isinstance(part, Nothing):
            return part
        if not (self.taken("?") or self.taken("+")):
            pass  # greedy, lazy and possessive quantifiers make the same texts
        low, high = bounds
        if low > _MOST_REPEATS or (high is not None and high < low):
            raise PatternError("the pattern repeats too often")
        return Repeat(part, low, high)

    def atom(self, depth: int) -> Part:
        """Read one thing that a quantifier may follow."""
        character = self.take()
        match character:
            case "(":
                return self.group(depth)
            case "[":
                return _one_of(self.character_class())
            case ".":
                return _one_of(complement("\n"))
            case "^" | "$":
                return Nothing()
            case "\\":
                return self.escape()
            case "*" | "+" | "?":
                raise PatternError("nothing to repeat")
            case _:
                return _one_of(character)

    def group(self, depth: int) -> Part:
        """Read the rest of a group."""
        if self.taken("?#"):
            self.until(")")
            return Nothing()
        looks = any(self.taken(token) for token in ("?=", "?!", "?<=", "?<!"))
        names = () if looks else self.group_names()
        if names is None:
            return Nothing()
        part = self.alternatives(depth + 1)
        if not self.taken(")"):
            raise PatternError("a group is not closed")
        if looks:
            return Nothing()
        return Group(part, names) if names else part

    def group_names(self) -> tuple[str, ...] | None:
        """Return the names of a capturing group, none for another one, or None for a flag without a body."""
        name = None
        if self.taken("?P<") or self.taken("?<"):
            name = self.until(">")
        elif self.taken("?P="):
            raise PatternError("Python's named back references are not supported")
        elif self.taken("?"):
            flags = 0
            while self.peek().isalpha() or self.peek() in {"-", ">"}:
                flags += len(self.take())
            if self.taken(")"):
                return None
            if not self.taken(":") and not flags:
                raise PatternError("an unknown kind of group")
            return ()
        self.groups += 1
        return (str(self.groups), name) if name else (str(self.groups),)

    def escape(self) -> Part:
        """Read the rest of an escape outside a class."""
        character = self.peek()
        if character in set("bBAZz"):
            self.take()
            return Nothing()
        if character == "k" and self.peek(2) == "k<":
            self.take(2)
            return Back(self.until(">"))
        if character.isdecimal() and character != "0":
            return Back(self.take())
        return _one_of(self.escaped())

    def escaped(self) -> str:
        """Return the characters of an escape; the backslash is consumed."""
        character = self.take()
        if (known := shorthand(character)) is not None:
            return known
        if character in "pP" and self.peek() == "{":
            self.take()
            return property_characters(f"\\{character}{{{self.until('}')}}}")
        if character in "xu":
            return self.code_point(character)
        if character == "c" and self.peek().isalpha():
            return chr(ord(self.take()) % 32)
        return _CONTROLS.get(character, character)

    def code_point(self, kind: str) -> str:
        """Return the character of a hexadecimal escape."""
        digits = self.until("}") if self.taken("{") else self.take(2 if kind == "x" else 4)
        try:
            code = int(digits, 16)
        except ValueError:
            raise PatternError(f"{digits!r} is no code point") from None
        if 0xD800 <= code <= 0xDBFF and self.peek(2) == "\\u":
            self.take(2)
            low = int(self.take(4), 16)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        if not 0 <= code <= 0x10FFFF:
            raise PatternError(f"{digits!r} is no code point")
        return chr(code)

    def character_class(self) -> str:
        """Return the characters of a class; its opening bracket is consumed."""
        negated = self.taken("^")
        members: list[str] = []
        while not self.taken("]"):
            first = self.class_member()
            if len(first) == 1 and self.peek() == "-" and self.peek(2) not in {"-]", "-"}:
                self.take()
                last = self.class_member()
                if len(last) == 1 and last >= first:
                    members.append(span(first, last))
                    continue
                first += "-" + last
            members.append(first)
        characters = "".join(dict.fromkeys("".join(members)))
        return complement(characters) if negated else characters

    def class_member(self) -> str:
        """Return the characters of one member of a class."""
        character = self.take()
        if character != "\\":
            return character
        if self.peek() == "b":
            self.take()
            return "\b"
        return self.escaped()


def _one_of(characters: str) -> Part:
    """Return the part that makes one of ``characters``, the plainest first."""
    if not characters:
        raise PatternError("a character set is empty")
    plain = sorted(characters, key=lambda each: POOL.find(each) % (len(POOL) + 1))
    return Characters(Choice(plain))
