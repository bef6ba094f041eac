"""Texts for the formats of JSON Schema and a few that tools use beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_assay.generation.names import Meaning
from mcp_assay.generation.sources import Choice, Integers, Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_assay.generation.sources import Chooser
    from mcp_assay.generation.surroundings import Surroundings

_SEGMENT = Texts(1, 12, alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_")
_LABEL = Texts(1, 8, alphabet="abcdefghijklmnopqrstuvwxyz0123456789", plain="www")
_HEX = "0123456789abcdef"
_YEAR = Integers(1970, 2100, plain=2024)
_MONTH = Integers(1, 12, plain=2)
_DAY = Integers(1, 28, plain=28)
_HOUR = Integers(0, 23, plain=12)
_SIXTY = Integers(0, 59, plain=0)
_OCTET = Integers(0, 255)
_SMALL = Integers(0, 30)
_ZONE = Choice(("Z", "+00:00", "-05:30", "+14:00"))
_FRACTION = Choice(("", ".5", ".123456"))
_NODE = Texts(12, 12, alphabet=_HEX, plain="0")
_QUAD = Texts(1, 4, alphabet=_HEX, plain="1")
_ENDING = Choice((".txt", "", ".json", ".md"))
_BASE64: Choice[str] = Choice(("ZXhhbXBsZQ==", "", "AA==", "aGVsbG8gd29ybGQ="))
_REGEX: Choice[str] = Choice(("^[a-z]+$", "a", ".*", "[0-9]{2,4}"))
_POINTER: Choice[str] = Choice(("/example", "", "/a/0", "/a~1b/~0c"))
_RELATIVE: Choice[str] = Choice(("0", "1/example"))
_COLOR: Choice[str] = Choice(("#336699", "#fff"))


def path(choose: Chooser, surroundings: Surroundings) -> str:
    """Return an absolute path below the surroundings' folder."""
    return f"{surroundings.directory}/{choose(_SEGMENT)}{choose(_ENDING)}"


def url(choose: Chooser, surroundings: Surroundings) -> str:
    """Return an https URL whose host resolves nowhere."""
    return f"https://{choose(_LABEL)}.{surroundings.domain}/{choose(_SEGMENT)}"


def mail(choose: Chooser, surroundings: Surroundings) -> str:
    """Return a mail address that nobody has."""
    return f"{choose(_LABEL)}@{surroundings.domain}"


def host(choose: Chooser, surroundings: Surroundings) -> str:
    """Return a host name that resolves nowhere."""
    return f"{choose(_LABEL)}.{surroundings.domain}"


def date(choose: Chooser, surroundings: Surroundings) -> str:
    """Return a full-date of RFC 3339."""
    del surroundings
    return f"{choose(_YEAR):04}-{choose(_MONTH):02}-{choose(_DAY):02}"


def time(choose: Chooser, surroundings: Surroundings) -> str:
    """Return a full-time of RFC 3339."""
    del surroundings
    clock = f"{choose(_HOUR):02}:{choose(_SIXTY):02}:{choose(_SIXTY):02}"
    return f"{clock}{choose(_FRACTION)}{choose(_ZONE)}"


def date_time(choose: Chooser, surroundings: Surroundings) -> str:
    """Return a date-time of RFC 3339."""
    return f"{date(choose, surroundings)}T{time(choose, surroundings)}"


def duration(choose: Chooser, surroundings: Surroundings) -> str:
    """Return a duration of ISO 8601."""
    del surroundings
    return f"P{choose(_SMALL)}DT{choose(_SMALL)}H{choose(_SMALL)}M"


def ipv4(choose: Chooser, surroundings: Surroundings) -> str:
    """Return an address of TEST-NET-1 (RFC 5737), which is routed nowhere."""
    del surroundings
    return f"192.0.2.{choose(_OCTET)}"


def ipv6(choose: Chooser, surroundings: Surroundings) -> str:
    """Return an address of the documentation prefix (RFC 3849)."""
    del surroundings
    return f"2001:db8::{choose(_QUAD)}"


def uuid(choose: Chooser, surroundings: Surroundings) -> str:
    """Return a UUID that was given to nothing: version 4 with zeros in front."""
    del surroundings
    return f"00000000-0000-4000-8000-{choose(_NODE)}"


def reference(choose: Chooser, surroundings: Surroundings) -> str:
    """Return a relative URI reference."""
    del surroundings
    return f"/{choose(_SEGMENT)}"


def template(choose: Chooser, surroundings: Surroundings) -> str:
    """Return a URI template."""
    return f"{url(choose, surroundings)}/{{id}}"


def _fixed(values: Choice[str]) -> Callable[[Chooser, Surroundings], str]:
    """Return a maker of texts out of a short list."""

    def make(choose: Chooser, surroundings: Surroundings) -> str:
        del surroundings
        return choose(values)

    return make


FORMATS: Mapping[str, Callable[[Chooser, Surroundings], str]] = {
    "base64": _fixed(_BASE64),
    "byte": _fixed(_BASE64),
    "color": _fixed(_COLOR),
    "date": date,
    "date-time": date_time,
    "datetime": date_time,
    "directory-path": path,
    "duration": duration,
    "email": mail,
    "file-path": path,
    "hostname": host,
    "http-url": url,
    "idn-email": mail,
    "idn-hostname": host,
    "ip": ipv4,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "iri": url,
    "iri-reference": reference,
    "json-pointer": _fixed(_POINTER),
    "path": path,
    "regex": _fixed(_REGEX),
    "relative-json-pointer": _fixed(_RELATIVE),
    "time": time,
    "uri": url,
    "uri-reference": reference,
    "uri-template": template,
    "url": url,
    "uuid": uuid,
    "uuid4": uuid,
}
"""Makers of texts by format; a format that is not here is an annotation."""

MEANT: Mapping[Meaning, Callable[[Chooser, Surroundings], str]] = {
    Meaning.PATH: path,
    Meaning.URL: url,
    Meaning.MAIL: mail,
    Meaning.HOST: host,
}
"""Makers of texts by what a property's name says they stand for."""
