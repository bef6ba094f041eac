"""``mcp-assay login``: a person signs in, so that runs find a token."""

from __future__ import annotations

import asyncio
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mcp_assay.cli.errors import show_errors
from mcp_assay.cli.sources import asked_for, presenter_for, settings_here
from mcp_assay.config.authorization import Interactive
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.core.errors import AssayError, ConnectError, UsageError
from mcp_assay.wire.oauth.flow import signed_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_assay.config.spec import Launch
    from mcp_assay.core.presentation import Presenter

REFUSED = 1
"""Exit code when a sign-in did not come to its end."""

_EXAMPLE = '[servers."NAME".auth]\n  grant = "interactive"'


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--server", "names", multiple=True, metavar="NAME", help="Only servers of this name (shell pattern).")
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="Value of an input variable.")
@click.option("--no-browser", is_flag=True, help="Only show where to sign in; for a machine without a browser.")
@click.option("--timeout", default=300.0, metavar="SECONDS", help="Time for each sign-in (default: 300).")
def login(
    files: tuple[Path, ...], *, names: tuple[str, ...], inputs: tuple[str, ...], no_browser: bool, timeout: float
) -> int:
    """Sign in with a browser at the servers of FILE whose settings say so, and keep the tokens for runs.

    The settings are those of mcp-assay.toml: grant = "interactive" in [servers."NAME".auth]. The tokens are kept in
    .mcp-assay/tokens beside them, readable by their owner only, and renewed by runs. Ends with 0, with 1 when somebody
    is not let in, with 4 when a file cannot be used.
    """
    variables = EnvironmentVariables.from_options(inputs)
    overlay = settings_here()
    specs = [overlay.signing_in(spec) for spec in asked_for(files, names)]
    present = presenter_for(specs, overlay, variables)
    launches = [spec.resolve(overlay.variables(spec.name, variables)) for spec in specs]
    people = [launch for launch in launches if isinstance(launch.auth, Interactive)]
    if not people:
        raise UsageError(
            "no server asks a person to sign in", hint=f"say so in {overlay.path or 'mcp-assay.toml'}: {_EXAMPLE}"
        )
    return max([_sign_in(launch, present, timeout, browser=not no_browser) for launch in people])


def _sign_in(launch: Launch, present: Presenter, timeout: float, *, browser: bool) -> int:
    """Let a person sign in at one server; return the exit code."""
    name, grant = present.line(launch.name, 60), launch.auth
    if not isinstance(grant, Interactive):
        raise UsageError(f"{name} asks nobody to sign in")
    try:
        signed = asyncio.run(signed_in(launch, grant, timeout_s=timeout, show=_shown(name, present, browser=browser)))
    except ConnectError as problem:
        show_errors([AssayError(f"{name}: {present.text(problem.message)}", hint=problem.hint)])
        return REFUSED
    kept = f"signed in; the tokens are kept in {grant.tokens}"
    click.echo(f"{name}: {'the server asks for no token' if signed is launch else kept}")
    return 0


def _shown(name: str, present: Presenter, *, browser: bool) -> Callable[[str], None]:
    """Return what shows a person where to sign in."""

    def show(address: str) -> None:
        click.echo(f"{name}: sign in at\n{present.text(address)}")
        if browser:
            # Some browsers keep the caller waiting until they are closed.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    return show
