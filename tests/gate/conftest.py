"""The fixtures of the plugin's tests: a folder with one benchmark, and what its runs report."""

from __future__ import annotations

from tests.plugin.conftest import reports, suite

__all__ = ["reports", "suite"]
