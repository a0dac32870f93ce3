"""Timings need pytest-benchmark; without it (-p no:benchmark) they are left out."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    timed = collection_path.name == "test_routing_speed.py"
    return True if timed and not config.pluginmanager.hasplugin("benchmark") else None
