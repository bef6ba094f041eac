"""What resources and prompts really give: read, rendered and completed once on the live session."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from mcp_assay_suites.observing.memory import remembered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_assay.core.json_types import Json, JsonObject
    from mcp_assay.readiness.subject import ServerUnderTest
    from mcp_assay.wire.exchange import Exchange

MOST_READ = 10
LARGEST_READ = 1024 * 1024
"""Bytes; a resource that says it is larger is not read."""
MOST_RENDERED = 10
MOST_COMPLETED = 6
MADE_UP = "example"
"""What is given for a prompt's argument."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_PLAIN_VARIABLE = re.compile(r"\{([A-Za-z0-9_]+)\}")
_VARIABLE = re.compile(r"\{[+#./;?&]?([A-Za-z0-9_.%~-]+)")

GARBAGE_URIS: Mapping[str, str] = {
    "':::'": ":::",
    "'not a uri'": "not a uri",
    "a URI of 10 KiB": "x-probe:" + "a" * 10_240,
    "a URI with NUL": "x-probe:a\x00b",
}
"""By what it is, a text that is no URI or none that any server has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What ``resources/read`` gave.

    Attributes:
        listed: The exchange by URI, for some of the listed resources.
        missing: The exchange for a URI that cannot exist, None without resources.
        garbage: The exchange for texts that are no URI, by what they are.
    """

    listed: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])
    missing: Exchange | None = None
    garbage: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderings:
    """What ``prompts/get`` gave.

    Attributes:
        rendered: The exchange by prompt, with made-up arguments.
        incomplete: The exchange by prompt, without the arguments it requires.
    """

    rendered: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])
    incomplete: Mapping[str, Exchange] = field(default_factory=dict[str, "Exchange"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """What ``completion/complete`` gave.

    Attributes:
        known: Exchanges for arguments of listed prompts and variables of listed templates.
        values: The values that were proposed, by the name of the argument or variable.
    """

    known: tuple[Exchange, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])


async def readings(server: ServerUnderTest) -> Readings:
    """Return what reading resources gave, done once.

    Raises:
        UnavailableError: The server is down.
    """
    return await remembered(server, Readings, _read)


async def renderings(server: ServerUnderTest) -> Renderings:
    """Return what rendering prompts gave, done once.

    Raises:
        UnavailableError: The server is down.
    """
    return await remembered(server, Renderings, _rendered)


async def completions(server: ServerUnderTest) -> Completions:
    """Return what completing arguments gave, done once, also when the server does not say that it can.

    Raises:
        UnavailableError: The server is down.
    """
    return await remembered(server, Completions, _completed)


async def _read(server: ServerUnderTest) -> Readings:
    """Read some listed resources, one that is not there, and what is no URI."""
    session = await server.session()
    if not session.offers("resources"):
        return Readings()
    small = [one for one in server.inventory.objects("resources") if _is_small(one)]
    uris = [uri for one in small if isinstance(uri := one.get("uri"), str)]
    return Readings(
        listed={uri: await _ask(server, "resources/read", {"uri": uri}) for uri in dict.fromkeys(uris[:MOST_READ])},
        missing=await _ask(server, "resources/read", {"uri": missing_uri(server)}),
        garbage={what: await _ask(server, "resources/read", {"uri": uri}) for what, uri in GARBAGE_URIS.items()},
    )


def missing_uri(server: ServerUnderTest) -> str:
    """Return a URI of a scheme that the server knows, for something that cannot exist."""
    known = [str(one.get("uri")) for one in server.inventory.objects("resources")]
    known += [str(one.get("uriTemplate")) for one in server.inventory.objects("resourceTemplates")]
    scheme = next((match.group() for text in known if (match := _SCHEME.match(text)) is not None), "x-probe")
    return f"{scheme}:{'///' if scheme == 'file' else '//'}{server.nobodys_name}"


async def _rendered(server: ServerUnderTest) -> Renderings:
    """Get prompts with made-up arguments, and without those they require."""
    rendered: dict[str, Exchange] = {}
    incomplete: dict[str, Exchange] = {}
    for prompt in server.inventory.objects("prompts")[:MOST_RENDERED]:
        name, needed = prompt.get("name"), _made_up(prompt)
        if isinstance(name, str):
            rendered[name] = await _ask(server, "prompts/get", {"name": name, "arguments": needed})
            if needed:
                incomplete[name] = await _ask(server, "prompts/get", {"name": name})
    return Renderings(rendered=rendered, incomplete=incomplete)


async def _completed(server: ServerUnderTest) -> Completions:
    """Complete arguments of what is listed."""
    known: list[Exchange] = []
    values: dict[str, tuple[str, ...]] = {}
    for reference, name in list(_completable(server))[:MOST_COMPLETED]:
        for value in ("", "a"):
            argument: JsonObject = {"name": name, "value": value}
            known.append(await _ask(server, "completion/complete", {"ref": reference, "argument": argument}))
            values[name] = (*values.get(name, ()), *_proposed(known[-1]))
    return Completions(known=tuple(known), values={name: tuple(dict.fromkeys(found)) for name, found in values.items()})


def _completable(server: ServerUnderTest) -> Iterable[tuple[JsonObject, str]]:
    """Yield references and the names of what can be completed for them."""
    for prompt in server.inventory.objects("prompts"):
        for argument in _objects(prompt.get("arguments")):
            if isinstance(prompt.get("name"), str) and isinstance(name := argument.get("name"), str):
                yield {"type": "ref/prompt", "name": prompt["name"]}, name
    for template in server.inventory.objects("resourceTemplates"):
        found = template.get("uriTemplate")
        for variable in _VARIABLE.findall(found) if isinstance(found, str) else []:
            yield {"type": "ref/resource", "uri": found}, variable


async def expanded_templates(server: ServerUnderTest) -> dict[str, tuple[str, Exchange]]:
    """Return the URI and the exchange of reading it, by template, for templates that completions can fill in.

    Raises:
        UnavailableError: The server is down.
    """
    read: dict[str, tuple[str, Exchange]] = {}
    for template in server.inventory.objects("resourceTemplates")[:MOST_COMPLETED]:
        pattern = template.get("uriTemplate")
        uri = await _expanded(server, pattern) if isinstance(pattern, str) else None
        if isinstance(pattern, str) and uri is not None:
            read[pattern] = uri, await _ask(server, "resources/read", {"uri": uri})
    return read


async def _expanded(server: ServerUnderTest, pattern: str) -> str | None:
    """Return a template with a completed value for each plain variable, or None when one has none."""
    uri = pattern
    for variable in _PLAIN_VARIABLE.findall(pattern):
        argument: JsonObject = {"name": variable, "value": ""}
        reference: JsonObject = {"type": "ref/resource", "uri": pattern}
        values = _proposed(await _ask(server, "completion/complete", {"ref": reference, "argument": argument}))
        if not values:
            return None
        uri = uri.replace(f"{{{variable}}}", quote(values[0], safe=""))
    return None if "{" in uri or uri == pattern else uri


def _proposed(answer: Exchange) -> list[str]:
    """Return the values that a completion proposes."""
    found = (answer.result or {}).get("completion")
    values = found.get("values") if isinstance(found, dict) else None
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


async def _ask(server: ServerUnderTest, method: str, params: JsonObject) -> Exchange:
    """Send a request with the patience for a list."""
    session = await server.session()
    return await server.request(method, params, timeout_s=session.limits.list_s)


def _made_up(prompt: JsonObject) -> JsonObject:
    """Return something for each argument that a prompt requires."""
    required = [one for one in _objects(prompt.get("arguments")) if one.get("required") is True]
    return {name: MADE_UP for one in required if isinstance(name := one.get("name"), str)}


def _is_small(resource: JsonObject) -> bool:
    """Return whether a resource does not say that it is large."""
    size = resource.get("size")
    return not isinstance(size, int | float) or size <= LARGEST_READ


def _objects(value: Json) -> list[JsonObject]:
    """Return the objects of an array."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
