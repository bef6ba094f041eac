"""A small MCP server over stdio with faults to switch on; see README.md.

Run it with ``python -S -E raw.py --list``.
"""

from rawserver.main import main

if __name__ == "__main__":
    main()
