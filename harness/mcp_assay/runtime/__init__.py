"""The orchestration runtime: connections, registry, execution across servers."""
