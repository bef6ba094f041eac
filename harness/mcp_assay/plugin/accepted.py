"""What was accepted before: the lock file and the baselines of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_assay.config.files import is_file
from mcp_assay.core.errors import AssayError, UsageError
from mcp_assay.plugin.options import LOCK_CHECK, LOCK_UPDATE
from mcp_assay.readiness import sdk_baselines
from mcp_assay.readiness.baseline import Baseline
from mcp_assay.readiness.lock import FILE_NAME, LOCKED_LISTS, Lock
from mcp_assay.readiness.locking.changes import readable
from mcp_assay.readiness.sdk_baselines import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mcp_assay.core.clock import Clock
    from mcp_assay.core.redaction import Redactor
    from mcp_assay.core.verdicts import Verdict
    from mcp_assay.plugin.options import Options
    from mcp_assay.readiness.lock import LockedServer
    from mcp_assay.readiness.sdk_baselines import SdkBaseline
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
        baselines: The accepted findings, by file.
        sdks: The accepted findings that come from SDKs.
        updates_baseline: Whether this run writes the one file of accepted findings.
    """

    lock: Lock | None = None
    updates_lock: bool = False
    checks_lock: bool = False
    baselines: tuple[Baseline, ...] = ()
    sdks: tuple[SdkBaseline, ...] = ()
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
        given = tuple(dict.fromkeys(options.mcp_baseline))
        named = [name for name in given if name.startswith(PREFIX)]
        paths = [name for name in given if not name.startswith(PREFIX)]
        if options.mcp_baseline_update and len(paths) != 1:
            hint = "name it with --mcp-baseline FILE" if not paths else f"name one of {', '.join(paths)} only"
            raise UsageError("--mcp-baseline-update: which file?", hint=hint)
        updates_lock = options.mcp_lock == LOCK_UPDATE
        return cls(
            lock=Lock.load(path) if is_file(path) else Lock(path=path) if updates_lock else None,
            updates_lock=updates_lock,
            checks_lock=options.mcp_lock == LOCK_CHECK,
            baselines=tuple(_baseline(invoked_in / name, options, clock) for name in paths),
            sdks=tuple(sdk_baselines.load(name) for name in named),
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

    def settle(
        self, verdicts: Sequence[Verdict], *, whole: bool, unreached: Sequence[str], transports: Mapping[str, str]
    ) -> Iterator[str]:
        """Yield what is wrong with the baselines after a run, which writes the file anew when it was asked to.

        Args:
            verdicts: Every verdict of the run.
            whole: Whether the run judged everything it could.
            unreached: Names of the servers that were not reached.
            transports: Transport by server.
        """
        for baseline in self.baselines:
            yield from self._settle_file(baseline, verdicts, whole=whole, unreached=unreached)
        if whole and not unreached:
            yield from sdk_baselines.unneeded(self.sdks, verdicts, transports)

    def suggestions(self, verdicts: Sequence[Verdict], transports: Mapping[str, str]) -> Iterator[str]:
        """Yield a line for each baseline of an SDK that would explain findings of a run."""
        return sdk_baselines.suggested(verdicts, transports, used=self.sdks)

    def _settle_file(
        self, baseline: Baseline, verdicts: Sequence[Verdict], *, whole: bool, unreached: Sequence[str]
    ) -> Iterator[str]:
        """Yield what is wrong with one file."""
        if self.updates_baseline:
            baseline = baseline.updated(verdicts, whole=whole, unreached=unreached)
            try:
                baseline.write()
            except OSError as problem:
                yield f"{baseline.path} cannot be written: {problem.strerror or problem}"
                return
            baseline = Baseline.load(baseline.path, today=baseline.today)
        yield from baseline.problems(verdicts, whole=whole, unreached=unreached)


def _baseline(path: Path, options: Options, clock: Clock) -> Baseline:
    """Return the baseline in a file; one that is to be written may be missing."""
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
