"""The pytest plugin: options, parametrisation, fixtures, hooks. The only room that imports pytest.

This module is what pytest loads at start-up, so it imports next to nothing: settings are parsed in `pytest_configure`,
and everything else waits until a test asks for `swarm_run`.
"""

from __future__ import annotations

import pytest

from pytest_swarm.plugin import options
from pytest_swarm.plugin.fixtures import swarm_case, swarm_fleet, swarm_run, swarm_server

__all__ = [
    "pytest_addhooks",
    "pytest_addoption",
    "pytest_configure",
    "swarm_case",
    "swarm_fleet",
    "swarm_run",
    "swarm_server",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register every --swarm-* option and its swarm_* ini twin."""
    options.register(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the hooks that others may implement."""
    from pytest_swarm.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register the hooks; parse the settings where one is given, so that a bad option ends the run before it starts."""
    from pytest_swarm.plugin.hooks import SwarmHooks

    config.addinivalue_line("markers", options.MARKER_HELP)
    config.addinivalue_line("markers", options.GATE_MARKER_HELP)
    if not any(config.pluginmanager.hasplugin(name) for name in ("benchmark", "codspeed")):
        from pytest_swarm.plugin.benchmark_fallback import UntimedPlugin

        config.pluginmanager.register(UntimedPlugin(), "swarm-untimed")
    hooks = SwarmHooks(config)
    config.pluginmanager.register(hooks, "swarm-hooks")
    given = any(config.getoption(option.dest) is not None for option in options.OPTIONS)
    if given or config.getini("swarm_baseline"):  # a damaged baseline too is to end the run before it starts
        hooks.check_options()
