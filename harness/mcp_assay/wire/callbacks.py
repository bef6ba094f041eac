"""What we answer when a server asks us: roots, sampling, elicitation. Declined unless somebody says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from mcp_assay.core.json_types import JsonObject
from mcp_assay.wire.incoming import RefusalError

if TYPE_CHECKING:
    from mcp_assay.core.json_types import Json

Answer: TypeAlias = Callable[[JsonObject], JsonObject | None]
"""Takes the parameters of a request and returns its result, or None to refuse it."""

REJECTED = -1
"""JSON-RPC code for a sampling request that the user rejects (2025-06-18, sampling, error handling)."""

_ELICITATION_SINCE = "2025-06-18"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """Answers to requests of a server; what is None is neither declared nor answered.

    Attributes:
        roots: Roots to name, each an object with ``uri``.
        sampling: Answers ``sampling/createMessage``.
        elicitation: Answers ``elicitation/create``; None from it declines.
    """

    roots: tuple[JsonObject, ...] | None = None
    sampling: Answer | None = None
    elicitation: Answer | None = None

    @classmethod
    def declining(cls) -> Callbacks:
        """Return callbacks that declare everything, name no root, and decline everything they are asked."""
        return cls(roots=(), sampling=_decline, elicitation=_decline)

    def with_elicitation(self, answer: Answer) -> Callbacks:
        """Return the same callbacks with another answer to elicitation."""
        return replace(self, elicitation=answer)

    def capabilities(self, version: str) -> JsonObject:
        """Return the client capabilities to declare in a revision."""
        declared: JsonObject = {}
        if self.roots is not None:
            declared["roots"] = {}
        if self.sampling is not None:
            declared["sampling"] = {}
        if self.elicitation is not None and version >= _ELICITATION_SINCE:
            declared["elicitation"] = {}
        return declared

    def __call__(self, method: str, params: Json) -> JsonObject | None:
        """Answer one request of the server; see `mcp_assay.wire.incoming.Responder`.

        Raises:
            RefusalError: Sampling is refused.
        """
        given = params if isinstance(params, dict) else {}
        if method == "ping":
            return {}
        if method == "roots/list" and self.roots is not None:
            return {"roots": list(self.roots)}
        if method == "elicitation/create" and self.elicitation is not None:
            return self.elicitation(given) or {"action": "decline"}
        if method == "sampling/createMessage" and self.sampling is not None:
            result = self.sampling(given)
            if result is None:
                raise RefusalError(REJECTED, "the user rejected the sampling request")
            return result
        return None

    def input_responses(self, requests: Json) -> JsonObject | None:
        """Return the ``inputResponses`` to ``inputRequests`` (2026-07-28, multi round-trip requests).

        Returns:
            One result per key, or None when a request is none that we answer.
        """
        responses: JsonObject = {}
        for key, request in (requests if isinstance(requests, dict) else {}).items():
            if not isinstance(request, dict):
                return None
            try:
                result = self(str(request.get("method")), request.get("params"))
            except RefusalError:
                return None
            if result is None:
                return None
            responses[key] = result
        return responses


def _decline(params: JsonObject) -> None:
    """Decline whatever is asked."""
