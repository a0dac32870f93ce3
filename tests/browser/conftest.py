"""One Chromium for all browser tests; they skip where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.domain.record import Run, TaskStatus
from pytest_swarm.gate.verdicts import GateResult, Verdict
from pytest_swarm.report.html import render_html
from pytest_swarm.report.report_model import build_report
from tests.browser.chrome import Chrome, Page, find_chrome, started
from tests.report.factories import gate_result
from tests.report.hostile import hostile_run
from tests.report.played import large_run, small_run
from tests.tries import THOROUGH

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


LARGE = 1400 if THOROUGH else 420  # jobs under two modes


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    path = find_chrome()
    if path is None:
        pytest.skip("no Chromium here")
    with started(path) as browser:
        yield browser


@pytest.fixture
def page(chrome: Chrome) -> Page:
    return chrome.page()


@pytest.fixture(scope="session")
def axe() -> str:
    if not AXE.is_file():
        pytest.skip("axe-core is not there; tests/browser/install fetches it")
    return AXE.read_text(encoding="utf-8")


def url_of(run: Run, folder: Path, *, gate: GateResult | None = None) -> str:
    path = folder / "report.html"
    path.write_text(render_html(replace(build_report(run), gate=gate)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="session")
def failed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run in which every task failed, and its gate."""
    run = small_run()
    jobs = tuple(
        replace(job, outcomes=tuple(replace(each, status=TaskStatus.FAILED, error="gone") for each in job.outcomes))
        for job in run.jobs
    )
    gate = gate_result(Verdict.REGRESSED, before=0.8, now=0.0, change=-0.8, exact=True)
    return url_of(replace(run, jobs=jobs), tmp_path_factory.mktemp("failed"), gate=gate)


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One mode only."""
    return url_of(small_run(modes=("milp",)), tmp_path_factory.mktemp("alone"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A packed page: 36 jobs under two modes."""
    return url_of(small_run(), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def many_modes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Four modes and 36 rows of jobs: a forest plot, modes as rows of the scoreboard, and a grid of jobs."""
    modes = ("lp", "milp", "llm", "single:qwen2.5-coder:7b")
    run = small_run(modes=modes, horizons=(0, "flat"), repeats=3)
    return url_of(run, tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fourteen modes, some with long names, at two horizons and four budgets, for a decision at each budget."""
    long = tuple(f"single:hf.co/organization/a-model-of-ours-GGUF:{tag}" for tag in ("Q4_K_M", "Q8_0"))
    modes = ("lp", "milp", "staged", "llm", "llm:phi4:14b", "fixed", "collate", "heft", "greedy", "random", "oracle")
    budgets_gb = (6.5, 8.0, 16.0, 24.0)
    run = small_run(modes=(*modes, "best-single", *long), horizons=(0, 3), budgets_gb=budgets_gb)
    jobs = tuple(
        replace(job, case=replace(job.case, graph=replace(job.case.graph, name=f"{job.case.job}-{n}")))
        for n in range(3)
        for job in run.jobs
    )
    return url_of(replace(run, jobs=jobs), tmp_path_factory.mktemp("crowded"))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return url_of(hostile_run(answer_characters=500_000), tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Rows and bodies are packed; in a thorough run most of them are lean."""
    return url_of(large_run(LARGE), tmp_path_factory.mktemp("large"))
