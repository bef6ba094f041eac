"""Arguments that break exactly one keyword of a tool's input schema."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from hypothesis import reject
from hypothesis import strategies as st
from jsonschema_rs import ValidationErrorKind

from mcp_assay.generation.breaking import KEYWORDS, candidates
from mcp_assay.generation.containers import Object, identity
from mcp_assay.generation.errors import UnsatisfiableError
from mcp_assay.generation.nodes import RejectedError
from mcp_assay.generation.shrinking import simpler
from mcp_assay.generation.sites import Site, pointer_to, replaced, sites
from mcp_assay.generation.sources import DrawingChooser, Integers, SamplingChooser, SimplestChooser
from mcp_assay.generation.valid import Maker, maker_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy
    from jsonschema_rs import ValidationError

    from mcp_assay.core.json_types import JsonObject
    from mcp_assay.generation.surroundings import Surroundings

_MOST_CANDIDATES = 60
_MOST_SITES = 600
_MOST_PER_RULE = 3
_EAGER_TRIES = 8
_MOST_FORCED = 100
_ANY_SITE = Integers(0, 2**16, plain=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidArguments:
    """Arguments that do not conform, for one reason.

    Attributes:
        arguments: What to send.
        keyword: The one keyword that is broken, as the schema spells it.
        pointer: JSON Pointer of the place in the arguments; that of the object for a missing property.
        description: What is wrong, in a few words.
    """

    arguments: JsonObject
    keyword: str
    pointer: str
    description: str


@dataclass(frozen=True, slots=True)
class Breaker:
    """Breaks conforming arguments of one schema.

    Attributes:
        maker: Makes the conforming ones.
    """

    maker: Maker

    def strategy(self) -> SearchStrategy[InvalidArguments]:
        """Return arguments that break one keyword as a Hypothesis strategy.

        Raises:
            UnsatisfiableError: Nothing was found that breaks a single keyword: every object conforms.
        """
        if not self.examples(seed=0, count=1):
            raise UnsatisfiableError("every object conforms to the schema")
        return _drawn(self)

    def examples(self, *, seed: int, count: int) -> list[InvalidArguments]:
        """Return up to ``count`` arguments, each with one keyword broken.

        First comes one for each keyword, in the order of `KEYWORDS`, then further ones. They are as small as
        conforming arguments in which the broken place occurs. The same input gives the same list.
        """
        by_keyword: dict[str, list[InvalidArguments]] = {keyword: [] for keyword in KEYWORDS}
        known: set[str] = set()
        for site, base in self._different_sites(seed):
            for broken in self.broken(site, base):
                key = identity(broken.arguments)
                if key not in known:
                    known.add(key)
                    by_keyword[broken.keyword].append(broken)
                    if site.keyword != "required":
                        break
        rounds = itertools.chain.from_iterable(itertools.zip_longest(*by_keyword.values()))
        return list(itertools.islice((each for each in rounds if each is not None), count))

    def simpler(self, found: InvalidArguments) -> Iterator[InvalidArguments]:
        """Yield simpler arguments that break the same keyword in the same place, the boldest cuts first."""
        for variant in simpler(found.arguments):
            if isinstance(variant, dict) and self._breaks(variant, found.keyword, found.pointer):
                yield replace(found, arguments=variant)

    def broken(self, site: Site, base: JsonObject) -> Iterator[InvalidArguments]:
        """Yield ways to break just the keyword of ``site`` in ``base``."""
        pointer = pointer_to(site.path)
        offered = candidates(site.keyword, site.schema, site.value)
        for value, description in itertools.islice(offered, _MOST_CANDIDATES):
            arguments = replaced(base, site.path, value)
            if isinstance(arguments, dict) and self._breaks(arguments, site.keyword, pointer):
                place = f"{pointer}: " if pointer else ""
                yield InvalidArguments(
                    arguments=arguments, keyword=site.keyword, pointer=pointer, description=f"{place}{description}"
                )

    def _breaks(self, arguments: JsonObject, keyword: str, pointer: str) -> bool:
        """Return whether ``arguments`` break ``keyword`` in the place of ``pointer``, and nothing else."""
        try:
            errors = list(itertools.islice(self.maker.document.validator.iter_errors(arguments), 2))
        except UnicodeEncodeError:
            return False
        if len(errors) != 1 or broken_keyword(errors[0]) != keyword:
            return False
        # A property or item that is too many is reported where it stands, one level further in.
        where = pointer_to(errors[0].instance_path)
        return where == pointer or where.rpartition("/")[0] == pointer

    def _different_sites(self, seed: int) -> Iterator[tuple[Site, JsonObject]]:
        """Yield places to break with the smallest arguments in which they occur, each once."""
        seen: set[tuple[object, ...]] = set()
        met: Counter[tuple[object, ...]] = Counter()
        for base in self._bases(seed):
            for site in sites(self.maker.document, base):
                if site.key not in seen and len(seen) < _MOST_SITES and met[site.rule] < _MOST_PER_RULE:
                    seen.add(site.key)
                    met[site.rule] += 1
                    yield site, base

    def _bases(self, seed: int) -> Iterator[JsonObject]:
        """Yield conforming arguments: the smallest, then with each optional property, then with all there is."""
        if isinstance(self.maker.root, Object):
            yield from self._with_each_property(self.maker.root)
        random = Random(seed)  # noqa: S311  (test data, not a secret)
        for _ in range(_EAGER_TRIES):
            try:
                yield self.maker.make(SamplingChooser(random, left=600, eager=True))
            except RejectedError:
                continue

    def _with_each_property(self, root: Object) -> Iterator[JsonObject]:
        """Yield the smallest conforming arguments, alone and with each optional property."""
        for forced in ((), *((name,) for name in itertools.islice(root.optional, _MOST_FORCED))):
            try:
                made = root.with_properties(SimplestChooser(), forced)
            except RejectedError:
                continue
            if self.maker.document.validator.is_valid(made):
                yield made


def broken_keyword(error: ValidationError) -> str:
    """Return the keyword that an error of the validator is about, as the schema spells it."""
    if isinstance(error.kind, ValidationErrorKind.PropertyNames):
        return "propertyNames"
    path: Sequence[str | int] = error.schema_path
    while path and isinstance(path[-1], int):
        path = path[:-1]
    if isinstance(error.kind, ValidationErrorKind.FalseSchema) and len(path) > 1 and path[-2] == "properties":
        return "properties"
    return str(path[-1]) if path else ""


@st.composite
def _drawn(draw: DrawFn, breaker: Breaker) -> InvalidArguments:
    """Draw conforming arguments and break one of their places."""
    choose = DrawingChooser(draw)
    try:
        base = breaker.maker.make(choose)
    except RejectedError:
        return reject()
    found = list(itertools.islice(sites(breaker.maker.document, base), _MOST_SITES))
    start = choose(_ANY_SITE) % max(1, len(found))
    for site in (*found[start:], *found[:start]):
        for broken in breaker.broken(site, base):
            return broken
    return reject()


def invalid_arguments(schema: JsonObject, surroundings: Surroundings | None = None) -> SearchStrategy[InvalidArguments]:
    """Return a Hypothesis strategy of arguments that break exactly one keyword of ``schema``.

    Raises:
        GenerationError: See `maker_of`; also when every object conforms.
    """
    return Breaker(maker_of(schema, surroundings)).strategy()


def invalid_examples(
    schema: JsonObject, *, seed: int, count: int, surroundings: Surroundings | None = None
) -> list[InvalidArguments]:
    """Return up to ``count`` arguments that break one keyword each, without running Hypothesis.

    A missing required property comes first, then a wrong type, a value that is not listed, a property that is not
    admitted, numbers out of range, texts that do not match or have the wrong length, and so on. The list is empty
    when every object conforms.

    Raises:
        GenerationError: See `maker_of`.
    """
    return Breaker(maker_of(schema, surroundings)).examples(seed=seed, count=count)
