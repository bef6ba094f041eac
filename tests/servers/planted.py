"""A server with 25 planted faults; ``--healthy`` is the same server without them, ``--list`` says what is to be found.

Run it with ``python -S -E planted.py``. ``--only TOOL`` plants the fault of one tool.
"""

from rawserver.flawed import serve
from rawserver.planted import healthy_tools
from rawserver.planted_faults import PLANTS

if __name__ == "__main__":
    faults = [(plant.tool, plant.install) for plant in PLANTS]
    serve("planted", __doc__, healthy_tools(), faults, [plant.as_json() for plant in PLANTS])
