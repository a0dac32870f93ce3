"""Pytester for the whole suite, and compiled modules that every process of a test run shares."""

from __future__ import annotations

import os
import sys

import pytest

pytest_plugins = ["pytester"]

# A process that may not write bytecode compiles all it imports anew: over a second for each one that a test starts.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


LONG = "test_recipes.py"
"""The file that takes longest: it is run first, so that no worker of xdist waits for it in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first."""
    items.sort(key=lambda item: item.path.name != LONG)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Pytester whose runs read bytecode and write none.

    Python tells a file's state by its size and its second, so a test that writes a file twice would run the first one.
    """
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return pytester
