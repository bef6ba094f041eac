"""Report writers, one module each."""
