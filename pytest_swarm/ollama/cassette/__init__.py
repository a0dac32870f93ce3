"""Cassettes: recorded cases as values, as JSON lines and as files."""
