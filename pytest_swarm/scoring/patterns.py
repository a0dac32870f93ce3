"""Patterns made of lists of words, so that the lists can be read."""

from __future__ import annotations


def one_of(words: str) -> str:
    """Return a pattern that matches one of the words or phrases, which are separated by a comma and a space."""
    return f"(?:{'|'.join(words.split(', '))})"
