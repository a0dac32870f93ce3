"""`fixed` and `collate`: whose model a task gets, in which order tasks run, and what makes room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.plan import Plan, PlanStatus
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import FleetError
from pytest_swarm.routing.base import PlanningView
from pytest_swarm.routing.feasibility import check
from tests import instances
from tests.instances import GEMMA, HEAVY, LLAMA, PHI, QWEN, view_of

ABC = Fleet(
    name="abc",
    models=tuple(
        Model(tag=tag, vram_gb=5, load_time_ms=1000, cost_per_token=1, max_ctx=8192, capabilities={tag: 0.9, "*": 0.1})
        for tag in "abc"
    ),
)


def flat(
    types: Sequence[str], *, fleet: Fleet = ABC, budget_gb: float = 8, resident: Sequence[str] = (), **more: object
) -> PlanningView:
    """A flat step with a task of each type; a task's ID is its type and its place."""
    tasks = tuple(Task(id=f"{kind}{n}", type=kind, prompt="p", estimated_tokens=100) for n, kind in enumerate(types))
    view = view_of(TaskGraph(name="flat", tasks=tasks), budget_gb=budget_gb, fleet=fleet, resident=resident)
    return replace(view, **more)  # type: ignore[arg-type]


def route(mode: str, view: PlanningView) -> Plan:
    plan = instances.route(mode, view)
    assert plan.status is PlanStatus.INFEASIBLE or check(plan, view) == ()
    return plan


def played(mode: str, types: Sequence[str], *, resident: Sequence[str]) -> tuple[list[str], int]:
    """The order in which the types run, and the loads, until every task has run."""
    left, held, ran, loads = list(enumerate(types)), frozenset(resident), list[str](), 0
    last_used: dict[str, int] = {}
    for step in range(len(types)):
        view = flat([kind for _, kind in left], resident=sorted(held), step=step, last_used=last_used)
        plan = route(mode, view)
        loads += len(plan.target_residency - held)
        held = plan.target_residency
        now = [task for task in view.tasks if task.id not in plan.deferred]
        last_used |= {plan.model_of[task.id]: step for task in now}
        ran += [task.type for task in now]
        left = [each for each, task in zip(left, view.tasks, strict=True) if task.id in plan.deferred]
        if not left:
            break
    return ran, loads


def test_abcabc_takes_five_loads_as_it_comes_and_two_collated() -> None:
    assert played("fixed", "abcabc", resident="a") == (list("abcabc"), 5)
    assert played("collate", "abcabc", resident="a") == (list("aabbcc"), 2)


def test_collate_goes_on_with_the_model_that_has_the_most_ready_tasks() -> None:
    assert played("collate", "abbcccb", resident="")[0] == list("bbbccca")
    assert played("collate", "abbcccb", resident="c")[0] == list("cccbbba")


def test_each_type_gets_the_model_of_the_table_then_that_of_the_rest_then_the_best_prior_that_fits() -> None:
    kinds = ("code", "math", "creative")
    assert list(route("fixed", flat(kinds, fleet=HEAVY)).model_of.values()) == [QWEN, LLAMA, LLAMA]
    wide = flat(kinds, fleet=HEAVY, budget_gb=16)
    assert list(route("fixed", wide).model_of.values()) == [QWEN, PHI, LLAMA]
    code = replace(HEAVY, assign={"Code": GEMMA})
    assert list(route("fixed", flat(kinds, fleet=code)).model_of.values()) == [GEMMA, LLAMA, LLAMA]
    rest = replace(HEAVY, assign={"math": QWEN, "*": GEMMA})
    assert list(route("collate", flat(kinds, fleet=rest)).model_of.values()) == [GEMMA, QWEN, GEMMA]


def test_what_the_job_began_with_stands_for_the_prior_where_the_table_is_silent() -> None:
    view = flat(["a", "a"], budget_gb=16)
    start = np.array([[0.2, 0.2], [0.7, 0.7], [0.3, 0.3]])
    began = replace(view, estimates=replace(view.estimates, start=start))
    assert set(route("fixed", view).model_of.values()) == {"a"}
    assert set(route("fixed", began).model_of.values()) == {"b"}
    assigned = replace(began, fleet=replace(ABC, assign={"a": "c"}))
    assert set(route("collate", assigned).model_of.values()) == {"c"}


def test_a_model_that_is_assigned_but_does_not_fit_is_a_reason_and_no_other_model() -> None:
    big = replace(HEAVY, assign={"math": PHI})
    for mode in ("fixed", "collate"):
        plan = route(mode, flat(["math"], fleet=big))
        assert plan.status is PlanStatus.INFEASIBLE
        assert plan.reason is not None
        for word in ("[assign]", "'heavy'", "'math0'", "'math'", PHI, "12.5GB", "8GB", GEMMA):
            assert word in plan.reason


def test_a_table_that_names_a_stranger_is_refused() -> None:
    with pytest.raises(FleetError, match=r"fleet 'heavy', assign: 'code' names 'gpt', but its models are gemma2:2b"):
        replace(HEAVY, assign={"code": "gpt"})


def test_tasks_run_in_the_order_in_which_they_became_ready() -> None:
    view = flat("abc", step=3, ready_since={"a0": 3, "b1": 1, "c2": 2})
    assert route("fixed", view).deferred == {"a0", "c2"}


def test_tasks_whose_models_fit_together_run_together() -> None:
    plan = route("fixed", flat("abc", budget_gb=10))
    assert (plan.target_residency, plan.deferred) == ({"a", "b"}, {"c2"})
    assert route("collate", flat("abcc", budget_gb=10)).target_residency == {"a", "c"}


def test_collate_runs_a_further_model_in_the_room_that_an_evicted_one_leaves() -> None:
    fleet = replace(
        ABC, models=tuple(replace(each, vram_gb=gb) for each, gb in zip(ABC.models, (5, 4, 3), strict=True))
    )
    plan = route(
        "collate", flat("bbc", fleet=fleet, budget_gb=8, resident="a")
    )  # a makes room for b, and c fits beside
    assert (plan.target_residency, plan.deferred) == ({"b", "c"}, set())


@pytest.mark.parametrize("mode", ["fixed", "collate"])
def test_the_least_recently_used_model_makes_room(mode: str) -> None:
    view = flat("c", budget_gb=10, resident="ab", step=5)
    used: Mapping[str, int] = {"a": 4, "b": 3}
    assert route(mode, replace(view, last_used=used)).target_residency == {"a", "c"}
    assert route(mode, replace(view, last_used={"a": 2, "b": 3})).target_residency == {"b", "c"}
    assert route(mode, replace(view, last_used={"a": 2})).target_residency == {"a", "c"}  # b was never used


def test_a_pinned_model_never_makes_room() -> None:
    pinned = replace(ABC, models=(replace(ABC.models[0], keep=True), *ABC.models[1:]))
    view = flat("c", fleet=pinned, budget_gb=10, resident="ab", last_used={"b": 4})
    assert route("fixed", view).target_residency == {"a", "c"}


def test_learned_estimates_play_no_part() -> None:
    view = flat(["code"], fleet=HEAVY)
    worse = view.estimates.quality * 0
    learned = replace(view, estimates=replace(view.estimates, quality=worse))
    assert route("fixed", learned).model_of == route("fixed", view).model_of
