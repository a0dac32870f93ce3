"""The example of docs/routing.md for lambda_latency: the weight changes the plan, and the values are those printed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.task import Task
from pytest_swarm.estimate.estimator import Estimator
from pytest_swarm.routing.base import PlanningView, Weights
from pytest_swarm.routing.objective import evaluate
from pytest_swarm.workloads.fleet import load_fleet
from tests.instances import route, view_of

DOC = Path(__file__).parents[2] / "docs" / "routing.md"
SECTION = DOC.read_text(encoding="utf-8").partition("### What a second costs")[2].partition("\n## ")[0]
TASK = Task(id="sum", type="math", prompt="x" * 400, estimated_tokens=500)
ROWS = re.findall(r"^\| ([\d.]+) \| (.*?) \| (.*?) \| `(.*?)` \|$", SECTION, re.MULTILINE)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    block = re.search(r"```toml\n(.*?)```", SECTION, re.DOTALL)
    assert block is not None
    (tmp_path / "fleet.toml").write_text(block[1])
    return load_fleet(tmp_path / "fleet.toml")


def view(fleet: Fleet, weight: float) -> PlanningView:
    seen = view_of(TaskGraph(name="sum", tasks=(TASK,)), depth=0, budget_gb=12.0, fleet=fleet)
    weights = Weights(token=0.0, switch=0.0, latency=weight)
    return replace(seen, estimates=Estimator(fleet).table([TASK]), weights=weights)


def test_the_table_has_three_rows() -> None:
    assert [row[0] for row in ROWS] == ["0", "0.005", "0.02"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
@pytest.mark.parametrize("mode", ["milp", "staged", "greedy"])
def test_the_weight_decides_which_model_is_worth_its_time(fleet: Fleet, mode: str, row: tuple[str, ...]) -> None:
    seen = view(fleet, float(row[0]))
    plan = route(mode, seen)
    assert plan.model_of == {"sum": row[3]}
    printed = dict(zip(fleet.tags, (float(cell.split("=")[-1]) for cell in row[1:3]), strict=True))
    assert evaluate(plan, seen).value == pytest.approx(printed[row[3]], abs=5e-4)


def test_the_seconds_are_those_printed(fleet: Fleet) -> None:
    seconds = Estimator(fleet).table([TASK]).latency_s[:, 0]
    assert [f"{value:g} s" in SECTION for value in seconds] == [True, True]
