"""The `mcp-assay` command line: what can be said of configurations and reports without judging a server."""
