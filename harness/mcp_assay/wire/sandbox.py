"""Servers in a sandbox: bubblewrap, for stdio servers on Linux.

Inside it a server sees the machine's files read-only, but a home of its own, an empty ``/tmp`` and ``/run``, and a
working directory in which it can write beside what is there; nothing of that outlives it. Well-known places of
credentials are hidden. There is no network unless it is opened. All that a sandbox keeps from a server is kept by the
kernel; whoever opens the network opens what the machine can reach.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_assay.config.spec import Confinement, TransportKind
from mcp_assay.core.errors import UsageError
from mcp_assay.wire import confine_main

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_assay.config.spec import Launch

MIB = 1024 * 1024
HOME = "/tmp/home"  # noqa: S108  (a path inside the sandbox, whose /tmp is its own)
EXAMPLE = "/tmp/mcp-assay/example.txt"  # noqa: S108  (as above)
"""A file that is there, where generated paths lead (`mcp_assay.generation.hints`)."""
_TMP = Path("/tmp")  # noqa: S108  (as above)
_PACKAGES = "node_modules"
_PROBE_S = 20.0
_MOST_ENTRIES = 500
_ANY_SIZE = (str(256 * MIB),)
_HIDDEN_FOLDERS = (".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker", ".config", ".password-store", ".mozilla")
_HIDDEN_SETTINGS = (".claude", ".claude.json", ".codex", ".gemini", ".cursor", ".local/share/keyrings", ".vault-token")
_HIDDEN_FILES = (".netrc", ".npmrc", ".pypirc", ".git-credentials", ".bash_history", ".zsh_history", ".python_history")
_HIDDEN = (*_HIDDEN_FOLDERS, *_HIDDEN_SETTINGS, *_HIDDEN_FILES)
"""Places in a home that hold credentials."""
_NEEDED_OF_RUN = ("/run/current-system", "/run/systemd/resolve")
"""What programs and name resolution need of ``/run`` on some systems; no sockets of services are in there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Confines stdio servers.

    Attributes:
        program: Path of bubblewrap.
        confinement: The limits of each sandbox.
        cpu_s: Seconds of CPU time of each process.
        file_bytes: Size of the largest file that can be written.
    """

    program: str
    confinement: Confinement = field(default_factory=Confinement)
    cpu_s: int = 600
    file_bytes: int = 256 * MIB

    @classmethod
    def find(cls, option: str = "--mcp-sandbox") -> Sandbox:
        """Return the sandbox of this machine, after an empty one was tried.

        Args:
            option: What asks for it, for the message that there is none.

        Raises:
            UsageError: bubblewrap is not installed, or may make no sandbox here.
        """
        program = shutil.which("bwrap")
        if program is None:
            raise UsageError(
                f"{option} needs bubblewrap, and no program bwrap was found",
                hint="install it, for example: apt-get install bubblewrap; nothing was started",
            )
        sandbox = cls(program=program)
        command = [*sandbox.prefix(Path("/"), network=False, folders=()), *sandbox.limited(["true"])]
        try:
            tried = subprocess.run(command, capture_output=True, timeout=_PROBE_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise UsageError(f"{option}: bubblewrap cannot be tried: {problem}") from None
        if tried.returncode != 0:
            words = tried.stderr.decode("utf-8", "replace").strip() or f"it ended with status {tried.returncode}"
            raise UsageError(
                f"{option}: bubblewrap makes no sandbox here: {words}",
                hint="user namespaces must be allowed; in a container that takes more privileges. Nothing was started",
            )
        return sandbox

    def confined(self, launch: Launch, *, network: bool = False, folders: Iterable[str] = ()) -> Launch:
        """Return a launch that starts the same server inside a sandbox; one that starts nothing comes back as it is.

        A program that does not exist comes back as it is, too: that it cannot be started is then said as ever.

        Args:
            launch: The server.
            network: Whether it may use the network.
            folders: Absolute paths that are empty and writable inside.
        """
        starts_nothing = launch.transport is not TransportKind.STDIO or not launch.command
        if starts_nothing or not _exists(launch):
            return launch
        cwd = Path(os.path.abspath(launch.cwd or Path.cwd()))  # noqa: PTH100  (symbolic links keep their name)
        prefix = self.prefix(cwd, network=network, folders=folders, command=launch.command)
        return replace(
            launch,
            command=(*prefix, *self.limited(launch.command)),
            env={**launch.env, "HOME": HOME, "TMPDIR": str(_TMP)},
            cwd=None,
            confinement=replace(self.confinement, network=network),
        )

    def prefix(self, cwd: Path, *, network: bool, folders: Iterable[str], command: Iterable[str] = ()) -> list[str]:
        """Return bubblewrap's command line up to the program that it is to start."""
        words = [self.program, "--unshare-all", *(["--share-net"] if network else []), "--die-with-parent"]
        words += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", *_empty("/run"), *_empty(_TMP)]
        for place in _NEEDED_OF_RUN:
            words += ["--ro-bind-try", place, place]
        words += ["--dir", HOME, *_of_tmp(command), *_working_directory(cwd)]
        for folder in folders:
            words += _empty(folder)
        return [*words, *_without_credentials(cwd), "--chdir", str(cwd), "--"]

    def limited(self, command: Iterable[str]) -> list[str]:
        """Return the command that takes its limits before it starts ``command``."""
        limits = {
            "DATA": self.confinement.memory_bytes,
            "NPROC": self.confinement.processes,
            "CPU": self.cpu_s,
            "FSIZE": self.file_bytes,
            "CORE": 0,
        }
        settings = [*(f"{name}={value}" for name, value in limits.items()), f"FILE={EXAMPLE}"]
        return [sys.executable, "-I", "-S", confine_main.__file__, *settings, "--", *command]


def _exists(launch: Launch) -> bool:
    """Return whether there is a program to start."""
    program = launch.command[0]
    if "/" in program:
        return ((launch.cwd or Path()) / program).exists()
    return shutil.which(program, path=launch.env.get("PATH") or os.environ.get("PATH")) is not None


def _empty(place: str | Path) -> list[str]:
    """Return the words that put an empty folder of bounded size in a place."""
    return ["--size", *_ANY_SIZE, "--tmpfs", str(place)]


def _of_tmp(command: Iterable[str]) -> Iterator[str]:
    """Yield the words that keep what a command names below ``/tmp``, read-only, with what it was installed beside."""
    for part in (*command, sys.executable, confine_main.__file__):
        path = Path(part)
        if not path.is_absolute() or _TMP not in path.parents or not path.exists():
            continue
        place = _with_what_it_needs(path)
        yield from ("--ro-bind", str(path if place == _TMP else place), str(path if place == _TMP else place))


def _with_what_it_needs(path: Path) -> Path:
    """Return the folder of a file together with the packages it was installed beside; a folder is its own."""
    if _PACKAGES in path.parts:
        return Path(*path.parts[: path.parts.index(_PACKAGES) + 1])
    place = path if path.is_dir() else path.parent
    return place.parent if place.name == "bin" else place


def _working_directory(cwd: Path) -> Iterator[str]:
    """Yield the words that make a working directory writable whose entries are those of ours, read-only."""
    if cwd in (Path("/"), _TMP):
        return
    entries = sorted(cwd.iterdir())
    if len(entries) > _MOST_ENTRIES:
        yield from ("--ro-bind", str(cwd), str(cwd))
        return
    yield from _empty(cwd)
    for entry in entries:
        if entry.is_symlink():
            yield from ("--symlink", str(entry.readlink()), str(entry))
        elif entry.is_dir() or entry.is_file():
            yield from ("--ro-bind-try", str(entry), str(entry))


def _without_credentials(cwd: Path) -> Iterator[str]:
    """Yield the words that hide what in our home is nobody's business."""
    home = Path.home()
    if _TMP in home.parents and home != cwd:
        return
    for place in (home / name for name in _HIDDEN):
        if place.is_dir() and not place.is_symlink():
            yield from _empty(place)
        elif place.is_file() and not place.is_symlink():
            yield from ("--ro-bind", "/dev/null", str(place))
