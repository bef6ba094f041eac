"""A server with 25 planted faults; ``--healthy`` is the same server without them, ``--list`` says what is to be found.

Run it with ``python -S -E planted.py``. ``--only TOOL`` plants the fault of one tool.
"""

import json
import sys

from rawserver.main import parser, server_of
from rawserver.planted import healthy_tools
from rawserver.planted_faults import PLANTS
from rawserver.stdio import Stdio


def main():
    """Serve stdin and stdout."""
    made = parser(__doc__)
    made.add_argument("--healthy", action="store_true", help="plant nothing")
    made.add_argument("--only", action="append", default=[], metavar="TOOL", help="plant the fault of this tool only")
    options = made.parse_args()
    if options.list:
        json.dump([plant.as_json() for plant in PLANTS], sys.stdout, indent=1)
        return
    server = server_of(options)
    server.info["name"] = "planted"
    server.tools = healthy_tools()
    for plant in [] if options.healthy else PLANTS:
        if not options.only or plant.tool in options.only:
            plant.install(server.tool(plant.tool))
    Stdio(server).run()


if __name__ == "__main__":
    main()
