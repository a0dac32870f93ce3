"""check names everything that is wrong with a plan; explain_infeasible says why there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.domain.plan import Plan
from pytest_swarm.routing.feasibility import ProblemKind, check, explain_infeasible, structural_problems
from tests.instances import GEMMA, PHI, QWEN, WB1, matrix_view, plan_with, view_of

VIEW = view_of(WB1)


ALL_GEMMA = dict.fromkeys(("s0", "s1", "s2"), GEMMA)


def kinds(of: Plan) -> list[ProblemKind]:
    return [problem.kind for problem in check(of, VIEW)]


def test_a_sound_plan_has_no_problems() -> None:
    assert kinds(plan_with(ALL_GEMMA, {GEMMA})) == []
    assert kinds(plan_with(ALL_GEMMA, {GEMMA}, {GEMMA}, {GEMMA})) == []


@pytest.mark.parametrize(
    ("bad", "kind", "words"),
    [
        (plan_with({"s0": GEMMA, "s1": GEMMA}, {GEMMA}), ProblemKind.MISSING_TASK, ("'s2'",)),
        (plan_with({**ALL_GEMMA, "s9": GEMMA}, {GEMMA}), ProblemKind.UNKNOWN_TASK, ("'s9'",)),
        (plan_with({**ALL_GEMMA, "s2": "gpt"}, {GEMMA}), ProblemKind.UNKNOWN_MODEL, ("'s2'", "'gpt'", "'heavy'")),
        (plan_with({**ALL_GEMMA, "s2": QWEN}, {GEMMA}), ProblemKind.NOT_RESIDENT, ("'s2'", QWEN)),
        (plan_with(ALL_GEMMA, {GEMMA}, {GEMMA}), ProblemKind.STAGES, ("2", "3")),
        (plan_with(ALL_GEMMA, {GEMMA, PHI}), ProblemKind.OVER_BUDGET, ("14.5GB", "8GB", PHI)),
        (plan_with(ALL_GEMMA, {GEMMA, "gpt"}), ProblemKind.UNKNOWN_MODEL, ("'gpt'",)),
        (plan_with({**ALL_GEMMA, "s1": QWEN}, {GEMMA}, {GEMMA}, {GEMMA, QWEN}), ProblemKind.NOT_RESIDENT, ("'s1'",)),
    ],
)
def test_each_problem_is_named(bad: Plan, kind: ProblemKind, words: tuple[str, ...]) -> None:
    problems = {problem.kind: problem.sentence for problem in check(bad, VIEW)}
    assert kind in problems
    for word in words:
        assert word in problems[kind]


def test_the_model_of_a_deferred_task_need_not_be_resident() -> None:
    chosen = plan_with({**ALL_GEMMA, "s2": QWEN}, {GEMMA})
    assert kinds(chosen) == [ProblemKind.NOT_RESIDENT]
    assert kinds(replace(chosen, deferred=frozenset({"s2"}))) == []


@pytest.mark.parametrize(
    ("deferred", "kind", "words"),
    [({"s0"}, ProblemKind.NOTHING_RUNS, "(s0)"), ({"s8", "s9"}, ProblemKind.UNKNOWN_TASK, "'s8' is deferred")],
)
def test_a_plan_defers_tasks_of_the_horizon_but_not_every_ready_one(
    deferred: set[str], kind: ProblemKind, words: str
) -> None:
    problems = check(replace(plan_with(ALL_GEMMA, {GEMMA}), deferred=frozenset(deferred)), VIEW)
    assert {problem.kind for problem in problems} == {kind}
    assert words in problems[0].sentence
    assert all(problem.structural for problem in problems)


def test_a_task_assigned_twice_is_a_problem() -> None:
    once = plan_with(ALL_GEMMA, {GEMMA})
    twice = replace(once, assignments=(*once.assignments, once.assignments[0]))
    assert kinds(twice) == [ProblemKind.DUPLICATE_TASK]


def test_over_budget_alone_does_not_forbid_execution() -> None:
    over = plan_with(dict.fromkeys(ALL_GEMMA, PHI), {PHI})
    assert kinds(over) == [ProblemKind.OVER_BUDGET]
    assert structural_problems(over, VIEW) == ()


def test_a_millionth_of_a_gb_is_within_the_budget_and_more_is_not() -> None:
    exact = plan_with(ALL_GEMMA, {GEMMA})
    assert check(exact, replace(VIEW, vram_budget_gb=2 - 0.9e-6)) == ()
    assert len(check(exact, replace(VIEW, vram_budget_gb=2 - 1.2e-6))) == 1


def test_what_is_not_allowed_or_evicts_a_pinned_model_is_a_problem() -> None:
    view = matrix_view([[1.0], [1.0]], vram_gb=[2, 2], budget_gb=8, keep=[1], forbidden=[(0, 0)])
    problems = check(plan_with({"t0": "m0"}, {"m0"}), view)
    assert [problem.kind for problem in problems] == [ProblemKind.NOT_ALLOWED, ProblemKind.NOT_KEPT]


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (replace(VIEW, vram_budget_gb=1.5), ("1.5GB", GEMMA, "2GB", "'s0'")),
        (replace(VIEW, vram_budget_gb=1.999998), ("1.999998GB", GEMMA, "needs 2GB", "'s0'")),
        (replace(VIEW, vram_budget_gb=0.0), ("0GB", GEMMA, "'s0'")),
        (matrix_view([[1.0]], vram_gb=[2], budget_gb=8, forbidden=[(0, 0)]), ("'t0'", "100 tokens", "8192", "m0")),
        (matrix_view([[1.0]] * 2, vram_gb=[5, 4], budget_gb=8, keep=[0, 1]), ("keep", "m0, m1", "9GB", "8GB", "'t0'")),
        (
            matrix_view([[1.0]] * 2, vram_gb=[5, 4], budget_gb=8, keep=[0], forbidden=[(0, 0)]),
            ("pinned", "5GB", "8GB", "m1", "'t0'"),
        ),
        (
            matrix_view([[1.0, 1.0]] * 2, vram_gb=[5, 4], budget_gb=8, forbidden=[(0, 0), (1, 1)]),
            ("together", "8GB", "m1", "'t0', 't1'"),
        ),
        (view_of(WB1, finished=("s0", "s1", "s2")), ("wb1", "empty")),
    ],
)
def test_the_reason_names_budget_model_and_task(view, words) -> None:
    sentence = explain_infeasible(view)
    assert sentence is not None
    for word in words:
        assert word in sentence


def test_there_is_no_reason_where_a_plan_exists() -> None:
    assert explain_infeasible(VIEW) is None


def test_models_that_do_not_fit_together_may_take_turns_in_a_staged_plan() -> None:
    view = matrix_view([[1, 1]] * 2, vram_gb=[5, 4], budget_gb=8, forbidden=[(0, 0), (1, 1)], stages=[0, 1])
    assert explain_infeasible(view) is not None
    assert explain_infeasible(view, staged=True) is None
