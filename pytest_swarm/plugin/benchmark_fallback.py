"""A `benchmark` fixture where pytest-benchmark is not there: tests that take one still run, and nothing is timed."""

from __future__ import annotations

from collections.abc import Callable

import pytest


class Untimed:
    """Calls the function once. No dataclass: making one would cost every start of pytest."""

    def __init__(self) -> None:
        self.extra_info: dict[str, object] = {}

    def __call__(self, function: Callable[..., object], *args: object, **kwargs: object) -> object:
        """The function's value."""
        return function(*args, **kwargs)


class UntimedPlugin:
    """Registered only where nobody else has the fixture."""

    @pytest.fixture
    def benchmark(self) -> Untimed:
        """Stands in for the fixture of pytest-benchmark."""
        return Untimed()
