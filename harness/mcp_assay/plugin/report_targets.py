"""``--mcp-report FORMAT=PATH``: parsed before the run, written after it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.core.errors import UsageError
from mcp_assay.core.files import write_atomically
from mcp_assay_reports import find_writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcp_assay.core.contract import Document
    from mcp_assay_reports import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTarget:
    """A report to write.

    Attributes:
        writer: Renders it.
        path: Where it goes.
    """

    writer: Writer
    path: Path


def targets_of(
    given: Iterable[str], writers: Sequence[Writer], invoked_in: Path, *, kept: Iterable[Path] = ()
) -> list[ReportTarget]:
    """Return the reports that the options ask for.

    Args:
        given: The values of ``--mcp-report``.
        writers: All formats.
        invoked_in: The folder from which places are seen.
        kept: Files that the run reads and that no report may take the place of.

    Raises:
        UsageError: An option is malformed, the format is unknown, the place can never be written, or is taken.
    """
    taken = {path.resolve(): f"which this run reads: {path.name}" for path in kept}
    targets: list[ReportTarget] = []
    for text in given:
        target = _target(text, writers, invoked_in)
        place = target.path.resolve()
        if place in taken:
            raise UsageError(f"--mcp-report {text!r} would overwrite a file {taken[place]}", hint="name another file")
        # A device, such as /dev/stdout, takes several.
        if place.is_file() or not place.exists():
            taken[place] = f"of --mcp-report {text!r}"
        targets.append(target)
    return targets


def write_reports(targets: Iterable[ReportTarget], document: Document) -> Iterator[str]:
    """Write every report; yield a line for each that could not be written, and go on with the others."""
    for target in targets:
        try:
            write_atomically(target.path, target.writer.render(document))
        except OSError as problem:
            yield _missing(target, problem.strerror or str(problem))
        except Exception as problem:  # noqa: BLE001  a writer of a third party must not take the verdict with it
            yield _missing(target, f"its writer failed with {type(problem).__name__}: {problem}")


def _missing(target: ReportTarget, reason: str) -> str:
    """Return the sentence that says which report is missing, and why."""
    return f"the {target.writer.name} report {target.path} is missing: {reason}"


def _target(text: str, writers: Sequence[Writer], invoked_in: Path) -> ReportTarget:
    """Return one report target.

    Raises:
        UsageError: See `targets_of`.
    """
    name, equals, place = text.partition("=")
    if not equals or not place:
        raise UsageError(f"--mcp-report {text!r} needs FORMAT=PATH", hint="for example --mcp-report json=report.json")
    path = invoked_in / Path(place).expanduser()
    if path.is_dir():
        raise UsageError(f"--mcp-report {text!r}: {path} is a folder", hint=f"for example {text}/report")
    existing = next(parent for parent in path.parents if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UsageError(f"--mcp-report {text!r}: {existing} cannot be written to")
    return ReportTarget(writer=find_writer(name, writers), path=path)
