"""Judge MCP servers before you deploy them, with evidence from the wire."""

from mcp_assay._version import __version__

__all__ = ["__version__"]
