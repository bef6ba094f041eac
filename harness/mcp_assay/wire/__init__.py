"""The protocol as bytes and JSON: transports, eras, recording and limits."""
