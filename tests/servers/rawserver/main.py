"""The command line of the servers."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial

from rawserver.faults import FAULTS, summary
from rawserver.server import Server
from rawserver.stdio import Stdio
from rawserver.violations import ALSO, INSTALLERS


def parser(description):
    """Return the options that stdio and HTTP share."""
    # Without a width, each option would ask for that of the terminal, by modules that take a sixth of a start.
    formatter = partial(argparse.HelpFormatter, width=100)
    made = argparse.ArgumentParser(description=description, allow_abbrev=False, formatter_class=formatter)
    made.add_argument("--list", action="store_true", help="print the names of faults and violations as JSON, and end")
    made.add_argument("--fault", action="append", default=[], metavar="NAME[=VALUE]", help="switch a fault on")
    made.add_argument("--violate", action="append", default=[], metavar="CHECK", help="violate exactly one check")
    made.add_argument("--era", choices=("handshake", "stateless", "both"), default="both", help="what to speak")
    made.add_argument("--delay-ms", type=float, default=0.0, help="answer every tool call that much later")
    made.add_argument("--page-size", type=int, default=3, help="items on one page of a list")
    made.add_argument("--without", action="append", default=[], metavar="CAPABILITY", help="declare it not")
    made.add_argument("--name", default="raw", help="name in serverInfo")
    return made


def server_of(options):
    """Return the well-behaved server that the options describe."""
    eras = ("handshake", "stateless") if options.era == "both" else (options.era,)
    server = Server(eras=eras, page_size=options.page_size, delay_s=options.delay_ms / 1000)
    server.info["name"] = options.name
    for capability in options.without:
        del server.capabilities[capability]
    return server


def spoil(server, channel, options, known, violations):
    """Switch on the faults and violations of the options; unknown names end the program with code 1."""
    for text in options.fault:
        name, _, value = text.partition("=")
        if name not in known:
            sys.exit(f"unknown fault {name!r}, see --list")
        known[name](server, channel, value or None)
    for check in options.violate:
        if check not in violations:
            sys.exit(f"no violation of {check!r}, see --list")
        violations[check](server, channel)


def listing(known, violations, also):
    """Return all names with what they do, as JSON."""
    faults = {name: summary(fault) for name, fault in known.items()}
    listed = {check: {"summary": summary(install), "also": list(also[check])} for check, install in violations.items()}
    return json.dumps({"faults": faults, "violations": listed}, indent=1)


def main():
    """Serve stdin and stdout."""
    options = parser("A small MCP server over stdio with faults to switch on.").parse_args()
    if options.list:
        print(listing(FAULTS, INSTALLERS, ALSO))
        return
    server = server_of(options)
    channel = Stdio(server)
    spoil(server, channel, options, FAULTS, INSTALLERS)
    channel.run()
