"""What was accepted before: the lock file and the baseline of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay.config.files import is_file
from mcp_assay.core.errors import AssayError, UsageError
from mcp_assay.plugin.options import LOCK_CHECK, LOCK_UPDATE
from mcp_assay.readiness.baseline import Baseline
from mcp_assay.readiness.lock import FILE_NAME, LOCKED_LISTS, Lock
from mcp_assay.readiness.locking.changes import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mcp_assay.core.clock import Clock
    from mcp_assay.core.redaction import Redactor
    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.plugin.options import Options
    from mcp_assay.readiness.lock import LockedServer
    from mcp_assay.readiness.subject import ServerUnderTest

DRIFT = "ADV-008"
"""The check that compares definitions with the lock file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a run compares with, and what it writes anew.

    Attributes:
        lock: The lock file, or None when there is none and none is written.
        updates_lock: Whether this run writes it.
        checks_lock: Whether a breaking change fails the run.
        baseline: The accepted findings, or None.
        updates_baseline: Whether this run writes them.
    """

    lock: Lock | None = None
    updates_lock: bool = False
    checks_lock: bool = False
    baseline: Baseline | None = None
    updates_baseline: bool = False

    @classmethod
    def of(cls, options: Options, *, root: Path, invoked_in: Path, clock: Clock) -> Accepted:
        """Return what the options name; the lock file lies in pytest's root folder.

        Raises:
            UsageError: A file is missing or wrong, or an option lacks the one it belongs to.
        """
        path = root / FILE_NAME
        if options.mcp_lock == LOCK_CHECK and not is_file(path):
            raise UsageError(f"--mcp-lock check: there is no {path}", hint="--mcp-lock update writes it")
        if options.mcp_baseline_update and options.mcp_baseline is None:
            raise UsageError("--mcp-baseline-update: which file?", hint="name it with --mcp-baseline FILE")
        updates_lock = options.mcp_lock == LOCK_UPDATE
        return cls(
            lock=Lock.load(path) if is_file(path) else Lock(path=path) if updates_lock else None,
            updates_lock=updates_lock,
            checks_lock=options.mcp_lock == LOCK_CHECK,
            baseline=_baseline(options, invoked_in, clock),
            updates_baseline=options.mcp_baseline_update,
        )

    @property
    def compared(self) -> Lock | None:
        """The lock file to compare with; a run that writes it compares with nothing."""
        return None if self.updates_lock else self.lock

    @property
    def strict(self) -> frozenset[str]:
        """The checks that fail the run whatever their level."""
        return frozenset({DRIFT}) if self.checks_lock else frozenset()

    def without_secrets(self, redactor: Redactor) -> Accepted:
        """Return the same for a run that has these secrets."""
        return self if self.lock is None else replace(self, lock=replace(self.lock, redactor=redactor))

    def update_lock(self, servers: Sequence[ServerUnderTest]) -> list[str]:
        """Write the definitions of a run's servers and return what to tell the user.

        Raises:
            AssayError: The file cannot be written.
        """
        if self.lock is None:
            raise AssayError("no lock file is to be written")
        states = dict(_states(self.lock, servers))
        lock = self.lock.updated(states)
        try:
            lock.write()
        except OSError as problem:
            raise AssayError(f"{lock.path} cannot be written: {problem.strerror or problem}") from None
        return [*_told(self.lock, states), *_left_out(servers, states)]

    def settle(self, verdicts: Sequence[Verdict], *, whole: bool, unreached: Sequence[str]) -> Iterator[str]:
        """Yield what is wrong with the baseline after a run, which writes it anew when it was asked to.

        Args:
            verdicts: Every verdict of the run.
            whole: Whether the run judged everything it could.
            unreached: Names of the servers that were not reached.
        """
        baseline = self.baseline
        if baseline is None:
            return
        if self.updates_baseline:
            baseline = baseline.updated(verdicts, whole=whole, unreached=unreached)
            try:
                baseline.write()
            except OSError as problem:
                yield f"{baseline.path} cannot be written: {problem.strerror or problem}"
                return
            baseline = Baseline.load(baseline.path, today=baseline.today)
        yield from baseline.problems(verdicts, whole=whole, unreached=unreached)


def _baseline(options: Options, invoked_in: Path, clock: Clock) -> Baseline | None:
    """Return the baseline that the options name; one that is to be written may be missing."""
    if options.mcp_baseline is None:
        return None
    path = invoked_in / options.mcp_baseline
    if options.mcp_baseline_update and not path.exists():
        return Baseline(path=path, today=clock.now().date())
    return Baseline.load(path, today=clock.now().date())


def _states(lock: Lock, servers: Sequence[ServerUnderTest]) -> Iterator[tuple[str, LockedServer]]:
    """Yield each server whose lists are whole with its definitions."""
    for server in servers:
        session = server.managed.session
        listings = server.inventory.listings
        whole = all(listings[key].problem is None for key in LOCKED_LISTS if key in listings)
        if session is not None and whole and server.managed.spec.protocol is None:
            yield server.managed.id, lock.snapshot(server.inventory, session.agreement)


def _told(before: Lock, states: Mapping[str, LockedServer]) -> Iterator[str]:
    """Yield what was written, server by server."""
    for name, state in states.items():
        changes = before.changes(name, state)
        if changes is None:
            yield f"{before.path.name}: added {name}, definitions: {state.size}"
        elif changes:
            yield f"{before.path.name}: updated {name}\n{readable(changes)}"
        else:
            yield f"{before.path.name}: {name} is as it was"


def _left_out(servers: Sequence[ServerUnderTest], states: Mapping[str, LockedServer]) -> Iterator[str]:
    """Yield the servers whose entry, if any, stays as it was."""
    for server in servers:
        if server.managed.id not in states and server.managed.spec.protocol is None:
            yield f"{FILE_NAME}: {server.managed.id} could not be listed in full and stays as it was"
