"""JSON Schema to arguments, valid and invalid."""
