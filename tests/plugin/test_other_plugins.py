"""Beside other plugins, however they are loaded: results are right, and no plugin breaks another."""

from __future__ import annotations

import pytest

TIMED = """
from test_invoice import dag

def test_timed(swarm_run, dag, benchmark):
    swarm_run(dag)
    swarm_run.bench(benchmark)
    assert type(benchmark).__name__ == {fixture!r}
"""


@pytest.mark.parametrize(
    ("plugins", "fixture"),
    [
        (("pytest_benchmark.plugin",), "BenchmarkFixture"),
        (("benchmark",), "BenchmarkFixture"),
        (("other_timer",), "Stopwatch"),
        ((), "Untimed"),
    ],
)
def test_the_benchmark_fixture_of_another_plugin_stands_by_whatever_name_it_was_loaded(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, plugins: tuple[str, ...], fixture: str
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # pytest-benchmark warns of it at its end
    suite.makepyfile(
        test_timed=TIMED.format(fixture=fixture),
        other_timer="""
        import pytest

        class Stopwatch:
            extra_info = {}
            def __call__(self, function): return function()

        @pytest.fixture
        def benchmark(): return Stopwatch()
        """,
    )
    suite.syspathinsert()
    loaded = [text for each in ("swarm", *plugins) for text in ("-p", each)]
    suite.runpytest("test_timed.py", *loaded).assert_outcomes(passed=1)
