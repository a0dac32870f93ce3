"""A run that ends before its first test, because its options, its files or its server do not allow it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from pytest_swarm.errors import SwarmError
from pytest_swarm.files import refused_files

REFUSAL: Final = "swarm_refusal"  # the key of a worker's output that says why it runs no test
_REFUSED: Final = "swarm-refused"


def refuse_later(config: pytest.Config, error: SwarmError) -> None:
    """End the run at the end of its collection, where a worker of xdist can tell why; the first error counts."""
    if not config.pluginmanager.hasplugin(_REFUSED):
        config.pluginmanager.register(RefusedRun(config, error), _REFUSED)


class RefusedRun:
    """The hook of a run that ends when its tests are collected."""

    def __init__(self, config: pytest.Config, error: SwarmError) -> None:
        self._config = config
        self._error = error

    @pytest.hookimpl(tryfirst=True)  # before a run is prepared: of two that come first, the one registered last does
    def pytest_collection_finish(self) -> None:
        """Say why the run is refused."""
        raise refused(self._config, self._error) from self._error


@contextmanager
def usage_errors(config: pytest.Config) -> Iterator[None]:
    """End the run where the block raises a SwarmError, or the system refuses it a file."""
    try:
        with refused_files():
            yield
    except SwarmError as error:
        raise refused(config, error) from error


def refused(config: pytest.Config, error: SwarmError) -> pytest.UsageError:
    """Return the error that ends the run; of a worker of xdist, its controller is told only the exit status."""
    output: dict[str, object] | None = config.__dict__.get("workeroutput")
    if output is not None:
        output[REFUSAL] = str(error)
    return pytest.UsageError(str(error))
