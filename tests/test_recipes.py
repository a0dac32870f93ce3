"""The recipes for a metric and for a mode, carried out in a scratch copy of the package: each is seen everywhere.

docs/contributing.md states them. A metric touches one file, a mode two, and each gets a test. So the test counts the
files as well. The scratch copy holds pages and tests, and the tests of the recipes themselves pass in it; a thorough
run tries all tests that a new row concerns. Both recipes share one copy, and its processes.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.tries import THOROUGH

ROOT = Path(__file__).parents[1]

SUITE = """
from pytest_swarm import Number, Task, chain

def test_sum(swarm_run):
    ask = "How much is 20 + 22?"
    swarm_run(chain("sum", *(Task(id=name, type="math", prompt=f"{name}: {ask}", estimated_tokens=60,
                                  expected=Number(value=42)) for name in "ab")))
"""
INI = """
[pytest]
addopts = -p no:cacheprovider -p no:randomly
swarm_vram = 8GB
swarm_backend = sim
swarm_planner = llama3.1:8b
"""
REPORTS = tuple(f"--swarm-report={kind}" for kind in ("json", "csv", "html", "md"))
SESSIONS = """
import json, os, sys, pytest
import docs.generate
docs.generate.main([])
for arguments in json.loads(sys.argv[1]):
    status = pytest.main(arguments)
    print("# ended", flush=True)
    if status:
        sys.exit(f"{arguments}: exit status {status}")
"""

METRIC = '''
def _slowest_call_s(job: JobFacts) -> float | None:
    """Return the seconds of the longest call; None where no call was timed."""
    known = [each.latency_s for each in job.record.outcomes if each.latency_s is not None]
    return max(known, default=None)


class TimeMetrics(MetricGroup):
'''
METRIC_ROW = """
    slowest_call_s = MetricSpec(
        label="Slowest call",
        short="slowest",
        definition="Longest call of the job",
        of=_slowest_call_s,
        over=mean,
        show=Show.FILES | Show.GATE | Show.SCOREBOARD | Show.TEXT | Show.DETAIL,
        kind=Kind.TIME,
        unit=Unit.SECONDS,
    )
    total_latency_s = MetricSpec(
"""

ROUTER = '''"""The cheapest model for every task."""

from __future__ import annotations

from typing import Self

from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.base import PlanningView, RouterSetup
from pytest_swarm.routing.plan_builders import infeasible_plan, rule_plan


class CheapestRouter:
    """The model with the lowest token cost over the horizon, among those that fit the budget alone."""

    name = "cheapest"

    @classmethod
    def from_setup(cls, setup: RouterSetup) -> Self:  # noqa: ARG003  every router has it
        """Return the router."""
        return cls()

    async def route(self, view: PlanningView) -> Plan:
        """Return a plan with one model."""
        table = view.estimates
        models = list(enumerate(view.fleet.models))
        rows = [n for n, model in models if model.vram_gb <= view.vram_budget_gb and table.allowed[n].all()]
        if not rows:
            return infeasible_plan(view)
        return rule_plan(view, [min(rows, key=lambda n: table.token_cost[n].sum())] * len(view.tasks))
'''
METRIC_TEST = '''"""The slowest call."""

from __future__ import annotations

from pytest_swarm.metrics.job_metrics import job_metrics
from tests.report.factories import record


def test_a_job_without_calls_has_no_slowest_call() -> None:
    assert job_metrics(record({})).slowest_call_s is None
'''
ROUTER_TEST = '''"""The cheapest model."""

from __future__ import annotations

import asyncio

from pytest_swarm.routing.base import RouterSetup
from pytest_swarm.routing.mode_table import ModeTable
from tests.instances import HEAVY, WB1, view_of


def test_one_model_takes_every_task() -> None:
    plan = asyncio.run(ModeTable({}).make("cheapest", RouterSetup(fleet=HEAVY)).route(view_of(WB1)))
    assert len(set(plan.model_of.values())) == 1
'''
OWN_TESTS = ("tests/metrics/test_slowest_call.py", "tests/routing/test_cheapest.py")
METRIC_TESTS = (
    *("tests/metrics/test_metric_table.py", "tests/report/test_csv.py"),
    *("tests/report/test_generated.py", "tests/test_docs.py", "tests/test_layering.py"),
)
MODE_TESTS = (
    *("tests/plugin/test_modes.py", "tests/report/test_modes.py", "tests/routing/test_docs.py"),
    *("tests/routing/test_registry.py", "tests/plugin/test_options.py"),
)
"""The tests that would notice a row which is missing elsewhere; they take most of the time of a thorough run."""
MODE_ROW = """
    ModeSpec(
        name="cheapest",
        label="Cheapest",
        color="gold",
        factory=_late("cheapest", "CheapestRouter"),
        summary="the model with the lowest token cost",
        group="reference",
    ),
    ModeSpec(
        name="random",
"""


class Scratch:
    """A copy of the package, and a folder with one small benchmark that runs on it."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "tree"
        self.suite = folder / "suite"
        for name in ("pytest_swarm", "docs", "tests", "benchmarks", "configs", "examples"):
            ignored = shutil.ignore_patterns("node_modules", "reports", "*.pyc.*")  # compiled files half written
            shutil.copytree(ROOT / name, self.tree / name, ignore=ignored)
        for path in (*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "conftest.py", ROOT / "LICENSE"):
            shutil.copy(path, self.tree)
        self.suite.mkdir()
        (self.suite / "test_sum.py").write_text(SUITE)
        (self.suite / "pytest.ini").write_text(INI)
        self.touched: set[str] = set()

    def create(self, path: str, text: str) -> None:
        assert not (self.tree / path).exists()
        (self.tree / path).write_text(text)
        self.touched.add(path)

    def replace(self, path: str, old: str, new: str) -> None:
        right = (self.tree / path).read_text()
        assert right.count(old) == 1, f"{path}: {old!r} stands {right.count(old)} times; bring the recipe up to date"
        (self.tree / path).write_text(right.replace(old, new))
        self.touched.add(path)

    def python(self, *args: str, where: Path | None = None) -> str:
        env = os.environ | {"PYTHONPATH": str(self.tree), "COLUMNS": "200"}
        command = [sys.executable, *args]
        done = subprocess.run(command, cwd=where or self.suite, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def own_tests(self, *tests: str) -> str:
        """Run tests of the copy."""
        return self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, where=self.tree)

    def sessions(self, *arguments: tuple[str, ...]) -> list[str]:
        """Generate the pages, and run the benchmark once with each list of arguments, all in one process.

        Returns what each session prints.
        """
        return self.python("-c", SESSIONS, json.dumps(arguments)).split("# ended\n")[:-1]

    def report(self, name: str) -> str:
        return sorted(self.suite.glob(f"reports/*/{name}"))[-1].read_text()

    @property
    def json(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.report("report.json"))
        return loaded

    @property
    def csv(self) -> list[dict[str, str]]:
        return list(csv.DictReader(self.report("jobs.csv").splitlines()))


METRIC_FILES = {"pytest_swarm/metrics/time_metrics.py", "tests/metrics/test_slowest_call.py"}
MODE_FILES = {"pytest_swarm/routing/cheapest.py", "pytest_swarm/routing/registry.py", "tests/routing/test_cheapest.py"}


def add_metric(scratch: Scratch) -> None:
    path = "pytest_swarm/metrics/time_metrics.py"
    scratch.replace(path, "class TimeMetrics(MetricGroup):\n", METRIC.lstrip("\n"))
    scratch.replace(path, "    total_latency_s = MetricSpec(\n", METRIC_ROW.lstrip("\n"))
    scratch.create("tests/metrics/test_slowest_call.py", METRIC_TEST)


def add_mode(scratch: Scratch) -> None:
    scratch.create("pytest_swarm/routing/cheapest.py", ROUTER)
    row = '    ModeSpec(\n        name="random",\n'
    scratch.replace("pytest_swarm/routing/registry.py", row, MODE_ROW.lstrip("\n"))
    scratch.create("tests/routing/test_cheapest.py", ROUTER_TEST)


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path)


@pytest.mark.thorough
def test_a_new_metric_and_a_new_mode_are_few_files_and_are_seen_everywhere(scratch: Scratch) -> None:
    add_metric(scratch)
    assert scratch.touched == METRIC_FILES
    add_mode(scratch)
    assert scratch.touched == METRIC_FILES | MODE_FILES
    stored = ("--swarm-compare=best-single,random,cheapest", "--swarm-baseline=base.json")
    _, terminal, collected, options = scratch.sessions(
        (*stored, "--swarm-update-baseline"),
        (*stored, "--swarm-fail=slowest_call_s:+10%", *REPORTS),
        ("--collect-only", "-q", "--swarm-compare=all"),
        ("--help",),
    )
    metric_is_seen(scratch, terminal)
    mode_is_seen(scratch, terminal)
    assert "[cheapest-h0-8GB]" in collected
    assert "cheapest" in options
    assert "`slowest_call_s`" in (scratch.tree / "docs" / "metrics.md").read_text()
    for page in ("README.md", "docs/routing.md"):
        assert "| `cheapest` | the model with the lowest token cost |" in (scratch.tree / page).read_text()
    scratch.own_tests(*OWN_TESTS, *((*METRIC_TESTS, *MODE_TESTS) if THOROUGH else ()))


def metric_is_seen(scratch: Scratch, terminal: str) -> None:
    report = scratch.json
    assert all(case["slowest_call_s"] > 0 for case in report["cases"])
    assert all(row["slowest_call_s"] > 0 for row in report["modes"].values())
    assert all(float(row["slowest_call_s"]) > 0 for row in scratch.csv)
    assert "slowest" in next(line for line in terminal.splitlines() if line.startswith("mode "))
    assert "Slowest call" in scratch.report("report.html")
    assert "slowest" in scratch.report("report.md").lower()
    assert {(row["metric"], row["verdict"]) for row in report["gate"]["rows"]} == {("slowest_call_s", "ok")}
    schema = scratch.tree / "pytest_swarm" / "report" / "schema" / "swarm-report-1.json"
    jsonschema.validate(report, json.loads(schema.read_text()))


def mode_is_seen(scratch: Scratch, terminal: str) -> None:
    report = scratch.json
    assert list(report["modes"]) == ["best-single", "cheapest", "random"]
    assert report["modes"]["cheapest"]["violations"] == 0
    assert "cheapest" in {row["mode"] for row in scratch.csv}
    assert any(line.startswith("Cheapest ") for line in terminal.splitlines())
    assert "Cheapest" in scratch.report("report.html")
    assert "Cheapest" in scratch.report("report.md")
    assert "cheapest" in {row["mode"] for row in report["gate"]["rows"]}
