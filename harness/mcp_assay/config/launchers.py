"""What a command line would download before it runs, and whether that is pinned to one version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_VERSIONS = {"npm": re.compile(r"v?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?"), "pypi": re.compile(r"v?\d+(?:[.\w+!-]+)?")}
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_PIPE_TO_SHELL = re.compile(
    r"\b(?:curl|wget|iwr)\b[^|;&]*\|\s*(?:sudo\s+)?(?:\S*/)?(?:ba|z|da|k)?(?:sh|python3?|node|iex)\b"
)
_PROGRAM_END = re.compile(r"\.(?:cmd|exe|bat|ps1)$", re.IGNORECASE)
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "cmd", "powershell", "pwsh"})
_LOCAL = (".", "/", "~", "file:")
_REPOSITORY = re.compile(r"://|^(?:github|gitlab|bitbucket|gist):|^git@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpinned:
    """Something that a launch would fetch in whatever version there is at that moment.

    Attributes:
        index: Which word of the command line names it.
        what: What it is, for a message.
        hint: How to pin it.
    """

    index: int
    what: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Launcher:
    """How one launcher names what it fetches.

    Attributes:
        words: Words after the program that make it a launcher, for example ``run``.
        valued: Options that take the next word as their value.
        package: Options whose value is the package, in place of the first plain word.
        kind: Which rule of naming holds: ``npm``, ``pypi`` or ``image``.
    """

    words: tuple[str, ...] = ()
    valued: frozenset[str] = frozenset()
    package: frozenset[str] = frozenset()
    kind: str = "npm"


_NPM_PACKAGE = frozenset({"-p", "--package"})
_NPM_VALUED = frozenset({"-c", "--call", "--registry", "-w", "--workspace"})
_UV_PACKAGE = frozenset({"--from", "--spec"})
_UV_VALUED = frozenset(
    {
        *("-p", "--python", "--index", "--index-url", "--extra-index-url", "--default-index", "--env-file", "-w"),
        *("--directory", "--with", "--with-editable", "--with-requirements", "--pip-args"),
    }
)
_RUN_VALUED = frozenset(
    {
        *("-e", "--env", "--env-file", "-v", "--volume", "--mount", "-p", "--publish", "--name", "--network", "--net"),
        *("-u", "--user", "-w", "--workdir", "--entrypoint", "-l", "--label", "--platform", "--memory", "-m", "--cpus"),
        *(
            "--add-host",
            "--tmpfs",
            "--device",
            "--cap-add",
            "--cap-drop",
            "--security-opt",
            "--hostname",
            "-h",
            "--dns",
        ),
        *("--gpus", "--pull", "--restart", "--ulimit", "--runtime", "--ipc", "--pid", "--shm-size", "--log-driver"),
    }
)
_NPX = _Launcher(valued=_NPM_VALUED, package=_NPM_PACKAGE)
_LAUNCHERS: Mapping[str, tuple[_Launcher, ...]] = {
    "npx": (_NPX,),
    "bunx": (_NPX,),
    "pnpx": (_NPX,),
    "npm": (_Launcher(words=("exec",), valued=_NPM_VALUED, package=_NPM_PACKAGE),),
    "pnpm": (_Launcher(words=("dlx",), valued=_NPM_VALUED, package=frozenset({"--package"})),),
    "yarn": (_Launcher(words=("dlx",), valued=_NPM_VALUED, package=_NPM_PACKAGE),),
    "bun": (_Launcher(words=("x",), valued=_NPM_VALUED, package=_NPM_PACKAGE),),
    "dnx": (_Launcher(valued=frozenset({"--source", "--version"})),),
    "uvx": (_Launcher(valued=_UV_VALUED, package=_UV_PACKAGE, kind="pypi"),),
    "uv": (_Launcher(words=("tool", "run"), valued=_UV_VALUED, package=_UV_PACKAGE, kind="pypi"),),
    "pipx": (_Launcher(words=("run",), valued=_UV_VALUED, package=_UV_PACKAGE, kind="pypi"),),
    "docker": (_Launcher(words=("run",), valued=_RUN_VALUED, kind="image"),),
    "podman": (_Launcher(words=("run",), valued=_RUN_VALUED, kind="image"),),
}


def find_unpinned(command: Sequence[str | None]) -> Unpinned | None:
    """Return the first thing that a command line fetches unpinned, or None.

    Args:
        command: Program and arguments; None for a word that is not known before the start.
    """
    words = list(command)
    if words and words[0] is not None and _program(words[0]) in _SHELLS:
        return _in_shell(words)
    return _launched(words, 0)


def package_of(command: Sequence[str]) -> str | None:
    """Return the name of what a launcher's command line fetches, without its version; None for no launcher."""
    for launcher in _LAUNCHERS.get(_program(command[0]), ()) if command else ():
        after = 1 + len(launcher.words)
        if tuple(command[1:after]) == launcher.words:
            found = next(_packages(list(command), after, launcher), None)
            return _split(found[1], launcher.kind)[0] if found else None
    return None


def _program(word: str) -> str:
    """Return a program's name without folder and ending."""
    return _PROGRAM_END.sub("", re.split(r"[/\\]", word)[-1]).lower()


def _in_shell(words: list[str | None]) -> Unpinned | None:
    """Return what a shell's command would fetch: a script piped into a shell, or a launcher after ``cmd /c``."""
    for index, word in enumerate(words):
        if word and _PIPE_TO_SHELL.search(word):
            return Unpinned(index=index, what="a downloaded script", hint="install a fixed version beforehand")
    start = next((index + 1 for index, word in enumerate(words) if word and word.lower() == "/c"), None)
    return _launched(words, start) if start is not None else None


def _launched(words: list[str | None], start: int) -> Unpinned | None:
    """Return what the launcher at ``start`` fetches unpinned."""
    first = words[start] if start < len(words) else None
    for launcher in _LAUNCHERS.get(_program(first), ()) if first else ():
        after = start + 1 + len(launcher.words)
        if tuple(words[start + 1 : after]) == launcher.words:
            found = next(_packages(words, after, launcher), None)
            if found is not None:
                return _judged(*found, launcher.kind)
    return None


def _packages(words: list[str | None], start: int, launcher: _Launcher) -> Iterator[tuple[int, str]]:
    """Yield the word that names the package, by option or as the first plain word."""
    plain: list[tuple[int, str]] = []
    index = start
    while index < len(words) and not plain:
        word = words[index]
        if word is None:
            return
        name, equals, value = word.partition("=")
        if word == "--":
            index += 1
        elif name in launcher.package:
            index += 0 if equals else 1
            following = value if equals else words[index] if index < len(words) else None
            if following is not None:
                yield index, following
            return
        elif word.startswith("-"):
            index += 2 if word in launcher.valued else 1
        else:
            plain.append((index, word))
    yield from plain


def _judged(index: int, package: str, kind: str) -> Unpinned | None:
    """Return the package when it is not pinned."""
    if package.startswith(_LOCAL) or "${" in package:
        return None
    if kind == "image":
        return _judged_image(index, package)
    if _REPOSITORY.search(package):
        return _judged_repository(index, package, "#" if kind == "npm" else "@")
    base, version = _split(package, kind)
    if _VERSIONS[kind].fullmatch(version):
        return None
    joint = "==" if kind == "pypi" else "@"
    return Unpinned(index=index, what=f"package {package}", hint=f"name a version: {base}{joint}1.2.3")


def _judged_repository(index: int, package: str, joint: str) -> Unpinned | None:
    """Return a package in a repository that names neither a commit nor the tag of a version."""
    base, mark, version = package.rpartition(joint)
    named = bool(mark) and "/" not in version
    if named and (_COMMIT.fullmatch(version) or _VERSIONS["npm"].fullmatch(version)):
        return None
    hint = f"name a commit: {base if named else package}{joint}COMMIT"
    return Unpinned(index=index, what=f"package {package}", hint=hint)


def _split(package: str, kind: str) -> tuple[str, str]:
    """Return a package's name and what stands for its version, possibly nothing."""
    if kind == "pypi" and "==" in package:
        base, _, version = package.partition("==")
        return base, version
    base, _, version = package[1:].partition("@")
    return package[0] + base, version


def _judged_image(index: int, image: str) -> Unpinned | None:
    """Return a container image that names neither a digest nor a tag other than ``latest``."""
    head, slash, last = image.rpartition("/")
    name, _, tag = last.partition(":")
    if "@sha256:" in image or tag not in {"", "latest"}:
        return None
    hint = f"name a version: {head}{slash}{name}:1.2.3, or a @sha256 digest"
    return Unpinned(index=index, what=f"image {image}", hint=hint)
