"""A small MCP server on the standard library alone, well-behaved until a fault is switched on."""
