"""``mcp-assay plan``: which tools a run would call, and why."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from mcp_assay.cli.sources import asked_for, presenter_for, settings_here
from mcp_assay.config.variables import EnvironmentVariables
from mcp_assay.readiness.confining import confining
from mcp_assay.readiness.opening import open_run
from mcp_assay.readiness.settings import Settings
from mcp_assay.wire.connect import Connector
from mcp_assay.wire.limits import Limits
from mcp_assay.wire.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_assay.config.overlay import Overlay
    from mcp_assay.config.spec import ServerSpec
    from mcp_assay.core.json_types import Json
    from mcp_assay.core.presentation import Presenter
    from mcp_assay.readiness.subject import ServerUnderTest

UNREACHABLE = 1
"""Exit code when a server could not be reached."""

_DEMO = Path("demo")
_WIDEST_REASON = 90


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help='Write {"servers": [...]} instead of tables.')
@click.option("--server", "names", multiple=True, metavar="NAME", help="Only servers of this name (shell pattern).")
@click.option("--allow-writes", is_flag=True, help="As a run with --mcp-allow-writes would decide.")
@click.option(
    "--sandbox", "sandboxed", is_flag=True, help="As a run with --mcp-sandbox would decide; starts them in it."
)
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="Value of an input variable.")
@click.option("--start-timeout", default=60.0, metavar="SECONDS", help="Time to start (default: 60).")
def plan(
    files: tuple[Path, ...],
    *,
    as_json: bool,
    names: tuple[str, ...],
    allow_writes: bool,
    sandboxed: bool,
    inputs: tuple[str, ...],
    start_timeout: float,
) -> int:
    """Connect to the servers of FILE, list their tools and say which of them a run would call. Calls nothing.

    Starting a server executes its code. Ends with 0, with 1 when a server cannot be reached, with 4 when a file cannot
    be used.
    """
    sandbox = Sandbox.find("--sandbox") if sandboxed else None
    variables = EnvironmentVariables.from_options(inputs, {"MCP_ASSAY_PYTHON": sys.executable, **os.environ})
    overlay = settings_here()
    specs = [overlay.signing_in(spec) for spec in asked_for([_path_of(file) for file in files], names)]
    present = presenter_for(specs, overlay, variables)
    _announce(specs, overlay, present)
    settings = Settings(allow_writes=allow_writes)
    limits = Limits(start_s=start_timeout)
    decided = asyncio.run(_decide(specs, overlay, variables, settings, limits=limits, sandbox=sandbox))
    for server in decided:
        if server.managed.launch is not None:
            # A token that was given meanwhile is a secret as well.
            present.redactor.learn(server.managed.launch.secrets)
    if as_json:
        click.echo(json.dumps({"servers": [_json(server, present) for server in decided]}, indent=2))
    else:
        click.echo("\n\n".join(_text(server, present) for server in decided))
    return UNREACHABLE if any(server.managed.fault for server in decided) else 0


def _path_of(file: Path) -> Path:
    """Return the document that an argument means; ``demo`` is that of the reference servers."""
    return Path(str(package_files("mcp_assay.demo").joinpath("servers.json"))) if file == _DEMO else file


def _announce(specs: Sequence[ServerSpec], overlay: Overlay, present: Presenter) -> None:
    """Say what is about to be started, before it is, where it does not mix with the result."""
    if overlay.path is not None:
        click.echo(f"settings of {overlay.path}", err=True)
    for spec in specs:
        place = str(spec.url) if spec.url is not None else " ".join(str(part) for part in spec.command)
        click.echo(f"starting {present.line(f'{spec.name}: {place}', 200)}", err=True)


async def _decide(
    specs: Sequence[ServerSpec],
    overlay: Overlay,
    variables: EnvironmentVariables,
    settings: Settings,
    *,
    limits: Limits,
    sandbox: Sandbox | None,
) -> list[ServerUnderTest]:
    """Return every server with its tools and what is decided of them; nothing is left running."""
    connector = Connector(limits=limits)
    try:
        opened = await open_run(
            specs,
            connector=connector,
            variables_for=lambda spec: overlay.variables(spec.name, variables),
            settings=settings,
            rules=overlay,
            confining=confining(sandbox, overlay),
        )
        try:
            return list(opened.run.servers.values())
        finally:
            await opened.close()
    finally:
        connector.reaper.close()


def _text(server: ServerUnderTest, present: Presenter) -> str:
    """Return one server as a heading and a table."""
    name = present.line(server.name, 60)
    fault = server.managed.fault
    if fault is not None:
        hint = f"\nhint: {present.text(fault.hint)}" if fault.hint else ""
        return f"{name}: {present.text(fault.message)}{hint}"
    called = sum(tool.decision.allowed for tool in server.tools)
    head = f"{name}: would call {called} of {len(server.tools)} tool{'' if len(server.tools) == 1 else 's'}"
    rows = [
        (
            present.line(tool.name, 60),
            "yes" if tool.decision.allowed else "no",
            present.line(
                tool.decision.reason.removeprefix("not called: ").partition("; to open it")[0], _WIDEST_REASON
            ),
        )
        for tool in server.tools
    ]
    table = tabulate(rows, headers=("tool", "call", "why"), tablefmt="simple", disable_numparse=True)
    return f"{head}\n{table}" if rows else head


def _json(server: ServerUnderTest, present: Presenter) -> dict[str, Json]:
    """Return one server as JSON."""
    fault = server.managed.fault
    return {
        "name": present.line(server.name),
        "error": None if fault is None else {"kind": fault.kind.value, "message": present.text(fault.message)},
        "tools": [
            {
                "name": present.line(tool.name),
                "call": tool.decision.allowed,
                "reason": present.text(tool.decision.reason),
            }
            for tool in server.tools
        ],
    }
