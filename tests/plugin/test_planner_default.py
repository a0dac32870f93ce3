"""The default planner of mode llm fits the smallest budget, whoever gives it."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Reports


def loaded(reports: Reports) -> set[str]:
    return {switch["model"] for switch in reports.of("model_switch")}


@pytest.mark.parametrize("where", ["command line", "marker", "ini"])
def test_it_fits_the_budget(suite: pytest.Pytester, reports: Reports, where: str) -> None:
    suite.makeini(f"[pytest]\nswarm_backend = sim\n{'swarm_vram = 8GB' if where == 'ini' else ''}")
    marker = '@pytest.mark.swarm(vram="8GB")\n' if where == "marker" else ""
    suite.makepyfile(
        test_a=f"import pytest\nfrom test_invoice import dag\n{marker}def test_a(swarm_run, dag): swarm_run(dag)"
    )
    args = ("--swarm-vram=8GB",) if where == "command line" else ()
    suite.runpytest("test_a.py", "--swarm-compare=llm", *args).assert_outcomes(passed=1)
    assert "llama3.1:8b" in loaded(reports)  # the best reasoner of 8 GB
    assert "phi4:14b" not in loaded(reports)  # the best of all, of 12.5 GB
