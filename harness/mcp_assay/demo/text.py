"""Text: reads text and returns it changed. Run it with ``python -m mcp_assay.demo.text``."""

from __future__ import annotations

import re
import textwrap
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from mcp_assay.demo.strict import Strict, StrictServer, tool

LONGEST_TEXT = 10_000

Text = Annotated[
    str, Field(description="The text to work on", max_length=LONGEST_TEXT, examples=["The quick brown fox"])
]


class Style(StrEnum):
    """How words are written."""

    UPPER = "upper"
    LOWER = "lower"
    TITLE = "title"
    SNAKE = "snake"
    KEBAB = "kebab"


class Align(StrEnum):
    """Where the text of a column stands."""

    LEFT = "left"
    RIGHT = "right"
    CENTRE = "centre"


class Rule(Strict):
    """One substitution."""

    find: str = Field(description="Literal text to look for", min_length=1, max_length=100)
    insert: str = Field(description="Text to put in its place", max_length=100)
    ignore_case: bool = Field(default=False, description="Whether upper and lower case count as equal")


class Column(Strict):
    """One column of a table."""

    key: str = Field(description="Member of each row that fills the column", pattern="^[a-z][a-z0-9_]{0,29}$")
    heading: str = Field(description="Text above the column", min_length=1, max_length=40)
    align: Align = Field(default=Align.LEFT, description="Where the text stands")


class Changed(Strict):
    """A text that was made from another one."""

    text: str = Field(description="The new text")
    changes: int = Field(description="How many places differ from the given text", ge=0)


class Counts(Strict):
    """The size of a text."""

    characters: int = Field(description="Unicode code points", ge=0)
    bytes: int = Field(description="Bytes in UTF-8", ge=0)
    words: int = Field(description="Runs of letters and digits", ge=0)
    lines: int = Field(description="Lines, counting a last one without an end", ge=0)


class Table(Strict):
    """A table in plain text."""

    lines: list[str] = Field(description="The heading, a rule, and one line for each row")


async def change_case(
    text: Text, style: Annotated[Style, Field(description="How the words are to be written")]
) -> Changed:
    made = _restyled(text, style)
    return Changed(text=made, changes=int(made != text))


async def count_text(text: Text) -> Counts:
    return Counts(
        characters=len(text),
        bytes=len(text.encode()),
        words=len(re.findall(r"\w+", text)),
        lines=len(text.splitlines()),
    )


async def substitute_text(
    text: Text,
    rules: Annotated[list[Rule], Field(description="Substitutions, made in this order", min_length=1, max_length=10)],
    limit: Annotated[int, Field(description="Most places that one rule may change", ge=1, le=100)] = 100,
) -> Changed:
    changes = 0
    for rule in rules:
        pattern = re.compile(re.escape(rule.find), re.IGNORECASE if rule.ignore_case else 0)
        # A backslash in the inserted text is just a backslash.
        text, count = pattern.subn(rule.insert.replace("\\", r"\\"), text, count=limit)
        changes += count
    return Changed(text=text, changes=changes)


async def wrap_text(
    text: Text,
    width: Annotated[int, Field(description="Most characters in one line", ge=10, le=200)] = 80,
    indent: Annotated[int, Field(description="Spaces in front of each line", ge=0, le=8)] = 0,
) -> Changed:
    margin = " " * indent
    made = textwrap.fill(text, width=width, initial_indent=margin, subsequent_indent=margin)
    return Changed(text=made, changes=made.count("\n"))


async def render_table(
    columns: Annotated[list[Column], Field(description="The columns, from left to right", min_length=1, max_length=12)],
    rows: Annotated[
        list[dict[str, str | float | bool]], Field(description="Values by the key of their column", max_length=100)
    ],
) -> Table:
    cells = [[column.heading for column in columns]]
    cells += [[_cell(row.get(column.key, "")) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    lines = [
        " | ".join(
            _aligned(text, width, column.align) for text, width, column in zip(line, widths, columns, strict=True)
        )
        for line in cells
    ]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return Table(lines=[line.rstrip() for line in lines])


def _restyled(text: str, style: Style) -> str:
    """Return the text in another style; snake and kebab keep letters and digits only."""
    if style in {Style.SNAKE, Style.KEBAB}:
        return ("_" if style is Style.SNAKE else "-").join(re.findall(r"\w+", text)).lower()
    return {Style.UPPER: text.upper, Style.LOWER: text.lower}.get(style, text.title)()


def _cell(value: str | float | bool) -> str:
    """Return a value as it stands in a table: one line, at most 60 characters."""
    return " ".join(str(value).split())[:60]


def _aligned(text: str, width: int, align: Align) -> str:
    """Return the text padded to the width of its column."""
    return {Align.LEFT: text.ljust, Align.RIGHT: text.rjust, Align.CENTRE: text.center}[align](width)


def server() -> StrictServer:
    """Return the text server."""
    return StrictServer(
        "text",
        title="Text",
        description="Counts, changes and lays out text",
        instructions="All tools return new text; nothing is kept between calls.",
        tools=[
            tool(change_case, title="Change case", description="Return the text with its words written differently."),
            tool(
                count_text, title="Count", description="Return how many characters, bytes, words and lines there are."
            ),
            tool(
                substitute_text,
                title="Substitute",
                description="Return the text after literal substitutions; patterns are not supported.",
            ),
            tool(wrap_text, title="Wrap", description="Return the text filled into lines of a given width."),
            tool(
                render_table,
                title="Render a table",
                description="Return rows of values as an aligned table in plain text.",
            ),
        ],
    )


if __name__ == "__main__":
    server().run()
