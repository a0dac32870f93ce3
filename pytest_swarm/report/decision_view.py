"""The section *Decision* of the page: the decisions of a run in words, tables and drawings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_swarm.decision.choice import Ruling
from pytest_swarm.decision.decide import DecisionQuestion, PolicyDecision, decide_runs
from pytest_swarm.domain.record import Run
from pytest_swarm.domain.task import in_type_order
from pytest_swarm.errors import OptionError
from pytest_swarm.report.charts.gain_plot import GainPlot, gain_plot
from pytest_swarm.report.decision_text import (
    basis_sentence,
    decision_sentence,
    honesty_sentence,
    policy_name,
    table_rows,
)
from pytest_swarm.report.wording import NOT_MEASURED, percent, significant
from pytest_swarm.units import format_gb

_TOKENS = 1000  # tokens of a unit of cost in the objective


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeUse:
    """One type of task: the share of its tasks that each model was given under the policy in force."""

    type: str
    shares: tuple[str, ...]
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """One decision as the page shows it. `tone` is one of `good`, `plain` and `open`."""

    budget: str
    tone: str
    label: str
    sentence: str
    details: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    policy: str
    models: tuple[str, ...]
    types: tuple[TypeUse, ...]
    resident: tuple[tuple[str, str], ...]
    flips: tuple[str, ...]
    excluded: tuple[str, ...]
    plot: GainPlot | None


def decision_views(run: Run) -> tuple[DecisionView, ...]:
    """Return the decision at each budget; none where the run does not say what is done now, or had one policy only."""
    if len({job.case.key.mode for job in run.jobs}) < 2:
        return ()
    try:
        decisions = decide_runs([run], DecisionQuestion())
    except OptionError:  # such as two single models of which either could be in use: `decide --against` names one
        return ()
    return tuple(_view(each, decisions) for each in decisions if len(each.policies) > 1)


def _view(decision: PolicyDecision, others: Sequence[PolicyDecision]) -> DecisionView:
    tone, label = {
        Ruling.USE: ("good", "use"),
        Ruling.KEEP: ("plain", "keep"),
        Ruling.UNKNOWN: ("open", "cannot tell"),
        Ruling.TOO_FEW: ("open", "too few jobs"),
    }[decision.choice.ruling]
    tags = decision.runs[0].fleet.tags
    return DecisionView(
        budget=format_gb(decision.budget_gb),
        tone=tone,
        label=label,
        sentence=decision_sentence(decision),
        details=tuple(each for each in (honesty_sentence(decision), basis_sentence(decision)) if each),
        rows=tuple(table_rows(decision)),
        policy=policy_name(decision, decision.in_force),
        models=tags,
        types=_type_uses(decision, tags),
        resident=_residencies(decision),
        flips=flip_sentences(decision, others),
        excluded=decision.measured.excluded,
        plot=gain_plot(decision),
    )


def _type_uses(decision: PolicyDecision, tags: Sequence[str]) -> tuple[TypeUse, ...]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for job in decision.jobs_under(decision.in_force):
        graph = job.record.case.graph
        for step in job.record.steps:
            for each in step.executed:
                counts[graph.task(each.task).type][each.model] += 1
    return tuple(
        TypeUse(
            type=kind,
            shares=tuple(
                percent(counts[kind][tag] / counts[kind].total()) if counts[kind][tag] else NOT_MEASURED for tag in tags
            ),
            tasks=counts[kind].total(),
        )
        for kind in in_type_order(counts)
    )


def _residencies(decision: PolicyDecision) -> tuple[tuple[str, str], ...]:
    """Return the sets of models that were held, with the share of steps, the most frequent first."""
    counts: Counter[tuple[str, ...]] = Counter(
        step.target_residency for job in decision.jobs_under(decision.in_force) for step in job.record.steps
    )
    total = counts.total()
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:5]
    return tuple((" + ".join(models) or "nothing", percent(count / total)) for models, count in most)


def flip_sentences(decision: PolicyDecision, others: Sequence[PolicyDecision]) -> tuple[str, ...]:
    """Return what would change the decision: the weight of token cost, longer loads, another budget.

    Args:
        decision: The decision.
        others: The decisions at all budgets.
    """
    best = decision.best
    if best is None or decision.choice.ruling is Ruling.TOO_FEW:
        return ()
    found = [_token_flip(decision), _load_flip(decision)]
    name = policy_name(decision, decision.in_force)
    for other in others:
        if other is not decision and other.choice.ruling is not Ruling.TOO_FEW:
            theirs = policy_name(other, other.in_force)
            same = "the same policy is in force" if theirs == name else f"{theirs} is in force instead"
            found.append(f"At {format_gb(other.budget_gb)} {same}.")
    return tuple(each for each in found if each is not None)


def _token_flip(decision: PolicyDecision) -> str | None:
    """Return up to which lambda_token the better score is worth its tokens: tasks x gain in score / gain in cost."""
    best = decision.best
    assert best is not None
    score, present_score = (decision.mean("score", each) for each in (best, decision.present))
    cost, present_cost = (decision.mean("token_cost", each) for each in (best, decision.present))
    if score is None or present_score is None or cost is None or present_cost is None or score <= present_score:
        return None
    name = policy_name(decision, best)
    if cost <= present_cost:
        return f"{name} scores better for fewer tokens, so lambda_token does not matter."
    worth = decision.measured.scored_tasks() * (score - present_score) * _TOKENS / (cost - present_cost)
    return f"Its better score is worth its tokens while lambda_token is below {significant(worth, 2)}."


def _load_flip(decision: PolicyDecision) -> str | None:
    """Return at how many times the load times the faster policy is the other one: (slack + loads) / loads."""
    best = decision.best
    assert best is not None
    span, present_span = (decision.mean("makespan_s", each) for each in (best, decision.present))
    loads, present_loads = (decision.mean("load_s", each) for each in (best, decision.present))
    if span is None or present_span is None or loads is None or present_loads is None or loads == present_loads:
        return None
    factor = 1 + (present_span - span) / (loads - present_loads)
    name, present = policy_name(decision, best), policy_name(decision, decision.present)
    if factor <= 0:
        faster = name if span < present_span else present
        return f"{faster} is the faster one whatever the loads take."
    side = "shorter" if loads > present_loads else "longer"
    return f"{name} is the faster one where loads are {side} than {significant(factor, 2)} times those measured."
