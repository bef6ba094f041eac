"""Arguments that conform to a tool's input schema."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from hypothesis import reject
from hypothesis import strategies as st

from mcp_assay.generation.building import Builder
from mcp_assay.generation.containers import identity
from mcp_assay.generation.document import Document, conforms, load
from mcp_assay.generation.errors import TooComplexError
from mcp_assay.generation.nodes import Node, RejectedError
from mcp_assay.generation.shrinking import simpler
from mcp_assay.generation.sources import Chooser, DrawingChooser, SamplingChooser, SimplestChooser, Style
from mcp_assay.generation.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import DrawFn, SearchStrategy

    from mcp_assay.core.json_types import JsonObject

_MOST_FRUITLESS = 40
"""Attempts in a row that bring nothing new, after which no more are made."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes conforming arguments of one schema; building it takes milliseconds, so keep it.

    Attributes:
        document: The schema made ready.
        root: The generator of arguments.
    """

    document: Document
    root: Node

    def make(self, choose: Chooser) -> JsonObject:
        """Return conforming arguments.

        Raises:
            RejectedError: This attempt found none.
        """
        made = self.root.value(choose)
        # The generators conform by construction but for what the canonical form leaves open; this is the net.
        if not isinstance(made, dict) or not conforms(self.document.validator, made):
            raise RejectedError
        return made

    def strategy(self, style: Style = Style.PLAIN) -> SearchStrategy[JsonObject]:
        """Return conforming arguments as a Hypothesis strategy."""
        return _drawn(self, style)

    def examples(self, *, seed: int, count: int, style: Style = Style.PLAIN) -> list[JsonObject]:
        """Return up to ``count`` different conforming arguments, the plainest first.

        The same schema, surroundings, seed, count and style give the same list on every machine.

        Raises:
            TooComplexError: No conforming arguments were found within the tries allowed.
        """
        found: dict[str, JsonObject] = {}
        fruitless = 0
        for made in self._attempts(seed, style):
            if len(found) >= count or fruitless >= _MOST_FRUITLESS:
                break
            known = len(found)
            if made is not None:
                found.setdefault(identity(made), made)
            fruitless = fruitless + 1 if len(found) == known else 0
        if not found and count > 0:
            raise TooComplexError("no conforming arguments were found within the tries allowed")
        return list(found.values())

    def simpler(self, found: JsonObject) -> Iterator[JsonObject]:
        """Yield simpler arguments than ``found`` that conform as well, the boldest cuts first.

        To shrink a failing call, take the first that still fails and ask again from there.
        """
        for variant in simpler(found):
            if isinstance(variant, dict) and conforms(self.document.validator, variant):
                yield variant

    def _attempts(self, seed: int, style: Style) -> Iterator[JsonObject | None]:
        """Yield arguments without end, None for an attempt that failed."""
        random = Random(seed)  # noqa: S311  (test data, not a secret)
        first: tuple[Chooser, ...] = (SimplestChooser(),) if style is Style.PLAIN else ()
        choosers = itertools.chain(first, (SamplingChooser(random, style=style) for _ in itertools.count()))
        for choose in choosers:
            try:
                yield self.make(choose)
            except RejectedError:
                yield None


@st.composite
def _drawn(draw: DrawFn, maker: Maker, style: Style) -> JsonObject:
    """Draw conforming arguments."""
    try:
        return maker.make(DrawingChooser(draw, style=style))
    except RejectedError:
        return reject()


def maker_of(schema: JsonObject, surroundings: Surroundings | None = None) -> Maker:
    """Return the maker of arguments that conform to ``schema``.

    Raises:
        UnsatisfiableError: No finite arguments conform.
        TooComplexError: The schema exceeds what is worth trying.
        UnusableSchemaError: The schema is broken or refers to something outside the document.
    """
    document = load(schema)
    return Maker(document, Builder(document, surroundings or Surroundings()).root())


def arguments(
    schema: JsonObject, surroundings: Surroundings | None = None, *, style: Style = Style.PLAIN
) -> SearchStrategy[JsonObject]:
    """Return a Hypothesis strategy of arguments of a style that conform to ``schema``.

    Raises:
        GenerationError: See `maker_of`.
    """
    return maker_of(schema, surroundings).strategy(style)


def example_arguments(
    schema: JsonObject,
    *,
    seed: int,
    count: int,
    surroundings: Surroundings | None = None,
    style: Style = Style.PLAIN,
) -> list[JsonObject]:
    """Return up to ``count`` different conforming arguments without running Hypothesis, the plainest first.

    The first of the plain style has required properties only, with values out of the schema's examples, defaults and
    enumerations, or such as names and formats suggest.

    Raises:
        GenerationError: See `maker_of`.
    """
    return maker_of(schema, surroundings).examples(seed=seed, count=count, style=style)
