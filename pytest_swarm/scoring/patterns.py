"""Patterns made of lists of words, so that the lists can be read, and of parts that are matched once."""

from __future__ import annotations


def one_of(words: str) -> str:
    """Return a pattern that matches one of the words or phrases, which are separated by a comma and a space."""
    return f"(?:{'|'.join(words.split(', '))})"


def atomic(pattern: str, *, name: str) -> str:
    """Return a pattern that matches as `pattern` does, but gives nothing back where what follows it fails.

    Atomic groups and possessive repeats of Python match groups wrongly before 3.11.5 (CPython issue 106052).

    Args:
        pattern: The pattern.
        name: A name for a group, which the whole pattern has once.
    """
    return f"(?=(?P<{name}>{pattern}))(?P={name})"
