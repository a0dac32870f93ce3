"""What would change a decision: each sentence under its condition, and the formulas against runs that are simulated."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from benchmarks.validity.flip_validity import Setting, decided, trials
from pytest_swarm.decision.choice import Ruling
from pytest_swarm.decision.decide import DecisionQuestion, PolicyDecision, decide_runs
from pytest_swarm.report import flip_text
from pytest_swarm.report.flip_text import flips_of, load_bounds, load_flip, token_bounds, token_flip
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs
from tests.decision.runs import many

GRAPHS = tuple(each.graph for each in generate_jobs(8, seed=1))


def decision(**means: tuple[float | None, float | None]) -> PolicyDecision:
    """A decision for MILP instead of fixed, with these means under fixed and under MILP."""
    (found,) = decide_runs([many({"fixed": 0.4, "milp": 0.8})], DecisionQuestion())
    return replace(found, means={**found.means, **means})


INTERVAL = re.compile(r" \((no )?95 % interval[^)]*\)")  # of the jobs, whose means these tests replace
SAME = {"makespan_s": (10.0, 10.0), "load_s": (1.0, 1.0)}


@pytest.mark.parametrize(
    ("means", "sentence"),
    [
        (
            {"score": (0.5, 0.7), "token_cost": (1000.0, 4000.0), **SAME},
            "The better score of MILP is worth its tokens, compared with fixed, while lambda_token is below 0.20.",
        ),
        (
            {"score": (0.7, 0.5), "token_cost": (4000.0, 1000.0), **SAME},
            "The better score of fixed is worth its tokens, compared with MILP, while lambda_token is below 0.20.",
        ),
        (
            {"score": (0.5, 0.7), "token_cost": (4000.0, 1000.0), **SAME},
            "MILP scores better than fixed for fewer tokens, so no lambda_token makes fixed worth more.",
        ),
        (
            {"score": (0.7, 0.5), "token_cost": (1000.0, 1000.0), **SAME},
            "fixed scores better than MILP for as many tokens, so no lambda_token makes MILP worth more.",
        ),
        ({"score": (0.5, 0.5), "token_cost": (1000.0, 4000.0), **SAME}, None),
        ({"score": (0.5, 0.7), "token_cost": (None, 4000.0), **SAME}, None),
    ],
)
def test_the_weight_of_tokens(means: dict[str, tuple[float | None, float | None]], sentence: str | None) -> None:
    found = tuple(INTERVAL.sub("", each) for each in flips_of(decision(**means), ()).sentences)
    assert found == (() if sentence is None else (sentence,))


NO_TOKENS = {"score": (0.5, 0.5)}


@pytest.mark.parametrize(
    ("spans", "loads", "sentence"),
    [  # under fixed, then under MILP
        (
            (20.0, 15.0),
            (4.0, 8.0),
            "MILP is faster than fixed while loads take less than 2.2 times as long as measured.",
        ),
        (
            (15.0, 20.0),
            (8.0, 4.0),
            "fixed is faster than MILP while loads take less than 2.2 times as long as measured.",
        ),
        (
            (15.0, 20.0),
            (2.0, 10.0),
            "fixed is faster than MILP while loads take more than 0.38 times as long as measured.",
        ),
        (
            (20.0, 15.0),
            (10.0, 2.0),
            "MILP is faster than fixed while loads take more than 0.38 times as long as measured.",
        ),
        ((20.0, 15.0), (4.0, 2.0), "MILP is faster than fixed however long the loads take."),
        ((15.0, 20.0), (2.0, 4.0), "fixed is faster than MILP however long the loads take."),
        ((20.0, 15.0), (4.0, 4.1), "MILP is faster than fixed while loads take up to 20 times as long as measured."),
        ((20.0, 15.0), (4.0, 4.0), None),
        ((20.0, 20.0), (4.0, 3.0), None),
        ((None, 15.0), (4.0, 3.0), None),
    ],
)
def test_the_times_of_loads(
    spans: tuple[float | None, float | None], loads: tuple[float, float], sentence: str | None
) -> None:
    found = decision(**NO_TOKENS, makespan_s=spans, load_s=loads)
    said = tuple(INTERVAL.sub("", each) for each in flips_of(found, ()).sentences)
    assert said == (() if sentence is None else (sentence,))
    factor = load_flip(found)
    if sentence is not None and factor is not None and spans[0] is not None and spans[1] is not None:
        now, then = (  # of fixed minus of MILP: as measured, and at the factor
            spans[0] - spans[1] + (times - 1) * (loads[0] - loads[1]) for times in (1.0, factor)
        )
        assert then == pytest.approx(0.0, abs=1e-9)
        assert sentence.startswith("MILP" if now > 0 else "fixed")


def test_too_few_jobs_change_by_nothing() -> None:
    (found,) = decide_runs([many({"fixed": 0.4, "milp": 0.8}, jobs=7)], DecisionQuestion())
    assert found.choice.ruling is Ruling.TOO_FEW
    assert flips_of(found, (found,)).sentences == ()


def test_plans_that_do_not_depend_on_the_weight_flip_where_the_formula_says() -> None:
    """A single model is asked whatever its tokens cost, and so is a fixed model for each type."""
    found = trials(GRAPHS, "single:gemma2:2b", 8.0)
    assert {each.what for each in found} >= {"token"}
    assert [each for each in found if not each.held] == []


def test_the_policy_that_is_named_for_another_budget_is_the_one_of_a_run_at_that_budget() -> None:
    run = many({"fixed": 0.4, "milp": 0.9}, jobs=20, budgets_gb=(16.0, 24.0))
    first, second = decide_runs([run], DecisionQuestion())
    (sentence,) = [each for each in flips_of(first, (first, second)).sentences if each.startswith("At 24GB")]
    alone = replace(run, jobs=tuple(job for job in run.jobs if job.case.key.vram_budget_gb == 24.0))
    (other,) = decide_runs([alone], DecisionQuestion())
    same = other.in_force == first.in_force
    assert sentence == ("At 24GB the same policy is in force." if same else "At 24GB MILP is in force instead.")


def test_the_interval_of_a_flip_holds_it() -> None:
    found = decided(GRAPHS, "single:gemma2:2b", Setting(budget_gb=8.0))
    worth, bounds = token_flip(found), token_bounds(found)
    assert worth is not None
    assert bounds is not None
    assert bounds[0] < worth < bounds[1]


@pytest.mark.parametrize(
    ("bounds", "told"),
    [((0.12, 0.456), "(95 % interval 0.12 to 0.46)."), ((-0.1, 0.3), "(95 % interval 0 to 0.30).")],
)
def test_the_interval_of_a_flip_is_told(
    bounds: tuple[float, float], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flip_text, "token_bounds", lambda _: bounds)
    (sentence,) = flips_of(decision(score=(0.5, 0.7), token_cost=(1000.0, 4000.0), **SAME), ()).sentences
    assert sentence.endswith(told)


def test_a_flip_of_loads_has_the_interval_of_its_jobs() -> None:
    found = decided(GRAPHS, "best-single", Setting(budget_gb=16.0))
    factor, bounds = load_flip(found), load_bounds(found)
    assert factor is not None
    assert bounds is None or bounds[0] < factor < bounds[1]
