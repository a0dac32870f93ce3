"""Timings of our own code: they need pytest-benchmark, and are no part of a comparison of routing modes."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    timed = collection_path.name.startswith("test_")
    compares = config.getoption("swarm_compare") is not None
    return True if timed and (compares or not config.pluginmanager.hasplugin("benchmark")) else None
