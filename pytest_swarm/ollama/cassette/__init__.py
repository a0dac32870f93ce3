"""Cassettes: recorded cases as values, as lines of JSON, and as files."""
