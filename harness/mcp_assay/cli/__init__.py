"""The `mcp-assay` command line: what can be said of configurations without starting anything."""
