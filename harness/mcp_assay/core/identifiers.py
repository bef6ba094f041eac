"""Names that are safe in node ids, file names and tables."""

from __future__ import annotations

import hashlib
import re

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_LONGEST = 60


def slug(name: str, *, taken: frozenset[str] = frozenset()) -> str:
    """Return ``name`` as ASCII letters, digits, ``_``, ``.`` and ``-``, at most 60 of them from the name.

    A name that had to be changed, or whose slug is already ``taken``, ends in eight hexadecimal digits of its
    SHA-256, so that different names stay different and a rerun finds the same id. A slug starts with no dash, which
    a command line would read as an option, and is never a folder's own name.
    """
    plain = _UNSAFE.sub("_", name)[:_LONGEST]
    if plain.startswith("-") or not plain.strip("."):
        plain = f"_{plain[1:]}"
    if plain == name and plain not in taken:
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    candidate, nonce = f"{plain}-{digest[:8]}", 0
    while candidate in taken:
        nonce += 1
        candidate = f"{plain}-{digest[:8]}-{nonce}"
    return candidate
