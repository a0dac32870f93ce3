"""A plain suite does not pay for the plugin: nothing heavy is imported."""

from __future__ import annotations

import pytest

from tests.test_layering import HEAVY


def test_a_plain_suite_imports_nothing_heavy(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins may import what they like
    pytester.makepyfile(
        test_plain=f"""
        import sys

        def test_plain():
            heavy = {sorted(HEAVY)!r}
            assert [name for name in heavy if name in sys.modules] == []
            assert "pytest_swarm.plugin.session" not in sys.modules
        """
    )
    result = pytester.runpytest_subprocess("-p", "pytest_swarm.plugin")
    result.assert_outcomes(passed=1)
