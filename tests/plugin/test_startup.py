"""A plain suite does not pay for the plugin: nothing heavy is imported."""

from __future__ import annotations

import sys

import pytest

from tests.test_layering import HEAVY

OF_PYTEST = {"asyncio"} if sys.version_info >= (3, 14) else set()  # what pytest itself imports
LOADED = [
    "pytest_swarm",
    "pytest_swarm.domain",
    "pytest_swarm.domain.run_options",
    "pytest_swarm.errors",
    "pytest_swarm.plugin",
    "pytest_swarm.plugin.hookspecs",
    "pytest_swarm.plugin.option_kinds",
    "pytest_swarm.plugin.options",
    "pytest_swarm.plugin.routing_options",
    "pytest_swarm.plugin.server_options",
    "pytest_swarm.routing",
    "pytest_swarm.routing.mode_table",  # the help of --swarm-compare lists its modes
    "pytest_swarm.routing.registry",
]
"""All that a plain suite loads of us: each further module costs every start of pytest."""


def test_a_plain_suite_imports_nothing_heavy(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins may import what they like
    pytester.makepyfile(
        test_plain=f"""
        import sys

        def test_plain():
            heavy = {sorted(HEAVY - OF_PYTEST)!r}
            assert [name for name in heavy if name in sys.modules] == []
            ours = sorted(name for name in sys.modules if name.startswith("pytest_swarm"))
            assert ours == {LOADED!r}
        """
    )
    result = pytester.runpytest_subprocess("-p", "pytest_swarm.plugin")
    result.assert_outcomes(passed=1)
