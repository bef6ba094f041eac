"""A server over stdio whose tools have a fault each, and its healthy twin."""

import json
import sys

from rawserver.main import parser, server_of
from rawserver.stdio import Stdio


def serve(name, description, tools, faults, listing):
    """Serve stdin and stdout, or list the faults.

    ``faults`` are pairs: the name of a tool, and what puts its fault into it.
    """
    made = parser(description)
    made.add_argument("--healthy", action="store_true", help="make no fault")
    made.add_argument("--only", action="append", default=[], metavar="TOOL", help="make the fault of this tool only")
    options = made.parse_args()
    if options.list:
        json.dump(listing, sys.stdout, indent=1)
        return
    server = server_of(options)
    server.info["name"] = name
    server.tools = tools
    for tool, install in [] if options.healthy else faults:
        if not options.only or tool in options.only:
            install(server.tool(tool))
    Stdio(server).run()
