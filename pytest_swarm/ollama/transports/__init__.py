"""Transports around a connection: recording, replaying, and probes that a recording keeps apart."""
