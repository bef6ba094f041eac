"""A small MCP server over HTTP with faults to switch on; see README.md.

Run it with ``python -S -E http_raw.py --list``. It listens on the loopback interface, prints the URL of its
endpoint and ends when its stdin ends.
"""

from rawserver.http_main import main

if __name__ == "__main__":
    main()
