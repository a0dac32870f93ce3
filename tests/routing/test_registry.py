"""Modes are found by name, and no solver is imported before one is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.errors import OptionError
from pytest_swarm.routing.base import PlanningView, Router, RouterSetup
from pytest_swarm.routing.registry import known_modes, make_router
from tests.instances import HEAVY

SETUP = RouterSetup(fleet=HEAVY, realised={})


@pytest.mark.parametrize("mode", ["lp", "milp", "staged", "greedy", "best-single", "random", "oracle"])
def test_a_router_carries_the_name_of_its_mode(mode: str) -> None:
    assert make_router(mode, SETUP, {}).name == mode


def test_single_takes_the_rest_as_its_model() -> None:
    assert make_router("single:qwen2.5-coder:7b", SETUP, {}).name == "single:qwen2.5-coder:7b"


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("lpp", ("'lpp'", "milp", "single:TAG", "best-single")),
        ("single", ("single:gemma2:2b",)),
        ("single:gpt", ("'heavy'", "gemma2:2b", "phi4:14b")),
        ("greedy:fast", ("'greedy'", "no argument")),
        ("llm", ("--swarm-planner",)),
    ],
)
def test_a_mode_that_means_nothing_is_refused_in_one_sentence(mode: str, words: tuple[str, ...]) -> None:
    with pytest.raises(OptionError) as caught:
        make_router(mode, SETUP, {})
    for word in words:
        assert word in str(caught.value)


def test_the_oracle_needs_realised_scores() -> None:
    with pytest.raises(OptionError, match="realised"):
        make_router("oracle", RouterSetup(fleet=HEAVY), {})


class Sulking:
    """A third party's router."""

    def __init__(self, setup: RouterSetup) -> None:
        self.name = f"sulking:{setup.argument}"

    async def route(self, view: PlanningView) -> Plan:
        return Plan(assignments=(), residency=(), status=PlanStatus.INFEASIBLE, reason=view.job)


def test_a_third_party_router_is_known_and_gets_its_argument() -> None:
    def factory(setup: RouterSetup) -> Router:
        return Sulking(setup)

    assert "sulking" in known_modes({"sulking": factory})
    assert make_router("sulking:deep:blue", SETUP, {"sulking": factory}).name == "sulking:deep:blue"


def imported_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_registry_imports_nothing_heavy() -> None:
    heavy = {"numpy", "cvxpy", "highspy", "scipy"}
    assert not heavy & imported_after("import pytest_swarm.routing.registry as r; r.known_modes({})")


def test_a_small_milp_is_solved_without_cvxpy_and_scipy() -> None:
    code = (
        "import asyncio; from tests.instances import HEAVY, WB1, view_of;"
        "from pytest_swarm.routing.registry import make_router; from pytest_swarm.routing.base import RouterSetup;"
        "plan = asyncio.run(make_router('milp', RouterSetup(fleet=HEAVY), {}).route(view_of(WB1)));"
        "assert plan.status == 'optimal'"
    )
    assert not {"cvxpy", "scipy", "highspy"} & imported_after(code)
