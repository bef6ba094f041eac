"""Install the published servers that the tests in this folder and ``examples/nineteen`` run against.

    python tests/real/install.py [--into .mcp-assay/real]

leaves ``npm/``, ``npm-taskmaster/``, ``python/`` and ``python-mcp1/`` in the folder. A part whose pins did not change
since it was last installed is left alone, so that a second call takes no time. No install script of any package runs
and no browser is downloaded. Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

HERE = Path(__file__).resolve().parent
DEFAULT_TARGET = HERE.parent.parent / ".mcp-assay" / "real"
STAMP = "installed.sha256"
INSTALL_TIMEOUT_S = 900


class InstallError(Exception):
    """A part could not be installed; the message says which and what its installer printed last."""


class Part(Protocol):
    """One independent set of packages."""

    @property
    def name(self) -> str:
        """Name of its folder under the target."""
        ...

    @property
    def pins(self) -> tuple[Path, ...]:
        """The files that decide what gets installed."""
        ...

    def install(self, folder: Path) -> None:
        """Fill the folder, which exists and is empty; raise InstallError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmPart:
    """Packages from npm, by a lock file.

    Attributes:
        name: See `Part`.
        source: Folder with ``package.json`` and ``package-lock.json``.
        flags: Further flags of ``npm ci``.
    """

    name: str
    source: Path
    flags: tuple[str, ...] = ()

    @property
    def pins(self) -> tuple[Path, ...]:
        """Return the two files of npm."""
        return (self.source / "package.json", self.source / "package-lock.json")

    def install(self, folder: Path) -> None:
        """Run ``npm ci`` in the folder."""
        npm = shutil.which("npm")
        if npm is None:
            raise InstallError("npm is not on PATH\nhint: install Node.js 20 or later, which brings npm")
        for pin in self.pins:
            shutil.copy(pin, folder)
        run(self.name, (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *self.flags), folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonPart:
    """Packages from PyPI in a virtual environment of their own.

    Attributes:
        name: See `Part`.
        requirements: The pinned requirements.
    """

    name: str
    requirements: Path

    @property
    def pins(self) -> tuple[Path, ...]:
        """Return the requirements file."""
        return (self.requirements,)

    def install(self, folder: Path) -> None:
        """Make the environment and install into it."""
        venv.create(folder, with_pip=True)
        pip = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install")
        run(self.name, (*pip, "--quiet", "--no-deps", "-r", str(self.requirements)), folder)


PARTS: tuple[Part, ...] = (
    NpmPart(name="npm", source=HERE),
    # Its optional dependencies are native programs of 600 MB which its MCP server does not need.
    NpmPart(name="npm-taskmaster", source=HERE / "taskmaster", flags=("--omit=optional",)),
    PythonPart(name="python", requirements=HERE / "requirements.txt"),
    PythonPart(name="python-mcp1", requirements=HERE / "requirements-mcp1.txt"),
)


def run(name: str, command: tuple[str, ...], folder: Path) -> None:
    """Run an installer in the folder; raise InstallError with the end of its output when it fails."""
    quiet = {"PUPPETEER_SKIP_DOWNLOAD": "1", "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1", "CI": "true"}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **quiet},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise InstallError(f"{name}: {' '.join(command)} ended with {done.returncode}\n{done.stdout[-3000:]}")


def fingerprint(part: Part) -> str:
    """Return the hash of everything that decides the content of a part: pins, interpreter and machine."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {platform.system()} {platform.machine()}".encode())
    digest.update(repr(part).replace(str(HERE), "").encode())
    for pin in part.pins:
        digest.update(pin.read_bytes())
    return digest.hexdigest()


def ensure(part: Part, target: Path) -> str:
    """Install a part unless it is there; return one line that says what was done."""
    folder, wanted = target / part.name, fingerprint(part)
    stamp = folder / STAMP
    if stamp.is_file() and stamp.read_text() == wanted:
        return f"{part.name}: up to date"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    part.install(folder)
    stamp.write_text(wanted)
    return f"{part.name}: installed"


def main(arguments: list[str] | None = None) -> int:
    """Install all parts side by side; return 0, or 1 when one failed."""
    parser = argparse.ArgumentParser(description="Install the pinned published MCP servers.")
    parser.add_argument("--into", type=Path, default=DEFAULT_TARGET, help="folder to fill (default: %(default)s)")
    target = parser.parse_args(arguments).into.resolve()
    (target / "home").mkdir(parents=True, exist_ok=True)  # for servers that write settings below $HOME
    with ThreadPoolExecutor(max_workers=2) as pool:
        jobs = [pool.submit(ensure, part, target) for part in PARTS]
    failed = False
    for job in jobs:
        try:
            sys.stdout.write(f"{job.result()}\n")
        except InstallError as error:
            failed = True
            sys.stderr.write(f"error: {error}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
