"""The five generated categories of checks."""
