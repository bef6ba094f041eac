"""A server with 20 subtle faults, one a tool; ``--healthy`` is the same server without them.

Run it with ``python -S -E subtle.py``. ``--only TOOL`` makes the fault of one tool.
"""

import json
import sys

from rawserver.main import parser, server_of
from rawserver.stdio import Stdio
from rawserver.subtle import FAULTS, subtle_tools


def main():
    """Serve stdin and stdout."""
    made = parser(__doc__)
    made.add_argument("--healthy", action="store_true", help="make no fault")
    made.add_argument("--only", action="append", default=[], metavar="TOOL", help="make the fault of this tool only")
    options = made.parse_args()
    if options.list:
        json.dump({tool: told for tool, (told, _) in FAULTS.items()}, sys.stdout, indent=1)
        return
    server = server_of(options)
    server.info["name"] = "subtle"
    server.tools = subtle_tools()
    for tool, (_, install) in ({} if options.healthy else FAULTS).items():
        if not options.only or tool in options.only:
            install(server.tool(tool))
    Stdio(server).run()


if __name__ == "__main__":
    main()
