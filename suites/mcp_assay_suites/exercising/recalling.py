"""Arguments that were chosen in a recorded run: a replay makes the calls that were made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp_assay.readiness.subject import Subject

Chosen = TypeVar("Chosen")


async def recalled_or_chosen(
    subject: Subject,
    what: str,
    choose: Callable[[], Awaitable[Chosen]],
    *,
    write: Callable[[Chosen], Any],
    read: Callable[[Any], Chosen],
) -> Chosen:
    """Return the arguments for a tool's calls that a recording keeps, or choose some and have them kept.

    Args:
        subject: The tool.
        what: Which calls they are for, and how many were asked for.
        choose: Chooses arguments.
        write: Turns what was chosen into JSON.
        read: Turns that back.
    """
    name = f"arguments.{subject.the_tool.slug}.{what}.{subject.version}.{subject.run.settings.seed}"
    observations, launch = subject.run.observations, subject.server.launch
    kept = observations.recall_choice(launch, name)
    if kept is not None:
        return read(kept)
    made = await choose()
    observations.keep_choice(launch, name, lambda: write(made))
    return made
