"""Closed- and open-loop load, measured inside the event loop."""
