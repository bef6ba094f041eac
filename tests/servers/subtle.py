"""A server with 20 subtle faults, one a tool; ``--healthy`` is the same server without them.

Run it with ``python -S -E subtle.py``. ``--only TOOL`` makes the fault of one tool.
"""

from rawserver.flawed import serve
from rawserver.subtle import FAULTS, subtle_tools

if __name__ == "__main__":
    faults = [(tool, install) for tool, (_, install) in FAULTS.items()]
    serve("subtle", __doc__, subtle_tools(), faults, {tool: told for tool, (told, _) in FAULTS.items()})
