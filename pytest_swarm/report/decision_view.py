"""The section *Decision* of the page: the decisions of a run in words, tables and drawings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_swarm.decision.choice import Ruling
from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.domain.task import in_type_order
from pytest_swarm.report.charts.gain_plot import GainPlot, gain_plot
from pytest_swarm.report.claims import Tone
from pytest_swarm.report.decision_ruling import decision_details, decision_sentence
from pytest_swarm.report.decision_text import left_out, policy_name, table_head, table_rows
from pytest_swarm.report.flip_text import Flips, flips_of
from pytest_swarm.report.wording import joined
from pytest_swarm.units import format_gb

_SETS: Final = 5  # sets of models that are shown
ANSWERED: Final = 3  # budgets whose decision stands in the answer: it fits the first screen


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeUse:
    """One type of task: how many of its tasks each model was given under the policy in force."""

    type: str
    given: tuple[str, ...]
    tasks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """One decision as the page shows it.

    `in_answer` says that its sentence stands in the answer.
    """

    in_answer: bool
    budget: str
    tone: Tone
    label: str
    sentence: str
    details: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    policy: str
    models: tuple[str, ...]
    types: tuple[TypeUse, ...]
    resident: tuple[tuple[str, str], ...]
    flips: Flips
    excluded: tuple[str, ...]
    plot: GainPlot | None


def decision_names(decisions: Sequence[PolicyDecision]) -> dict[str, object]:
    """Return the names of the decision for the templates: the first of them stand in the answer."""
    views = tuple(_view(each, decisions, in_answer=n < ANSWERED) for n, each in enumerate(decisions))
    return {
        "policy_decisions": views,
        "answered_decisions": views[:ANSWERED],
        "further_budgets": joined([each.budget for each in views[ANSWERED:]] or [""]),
        "policy_head": table_head(decisions[0]) if decisions else (),
    }


def ruling_label(decision: PolicyDecision) -> tuple[Tone, str]:
    """Return the tone of a decision, and what it says in a few words: `use MILP`, `cannot tell`."""
    policy = policy_name(decision, decision.in_force)
    if decision.choice.ruling is Ruling.KEEP and decision.present_assumed:
        return "plain", "none better" if decision.best is not None else "nothing to compare"
    labels: dict[Ruling, tuple[Tone, str]] = {
        Ruling.USE: ("good", f"use {policy}"),
        Ruling.KEEP: ("plain", f"keep {policy}"),
        Ruling.UNUSABLE: ("open", f"{policy} cannot be kept"),
        Ruling.UNKNOWN: ("open", "cannot tell"),
        Ruling.TOO_FEW: ("open", "too few jobs"),
    }
    return labels[decision.choice.ruling]


def _view(decision: PolicyDecision, others: Sequence[PolicyDecision], *, in_answer: bool) -> DecisionView:
    tone, label = ruling_label(decision)
    tags = decision.runs[0].fleet.tags
    flips = flips_of(decision, others)
    types, resident = _uses(decision, tags)
    return DecisionView(
        in_answer=in_answer,
        budget=format_gb(decision.budget_gb),
        tone=tone,
        label=label,
        sentence=decision_sentence(decision),
        details=decision_details(decision),
        rows=tuple(table_rows(decision)),
        policy=policy_name(decision, decision.in_force),
        models=tags,
        types=types,
        resident=resident,
        flips=flips,
        excluded=left_out(decision),
        plot=gain_plot(decision),
    )


def _uses(decision: PolicyDecision, tags: Sequence[str]) -> tuple[tuple[TypeUse, ...], tuple[tuple[str, str], ...]]:
    """Return what each type of task was given, and the sets of models that were held with the number of their steps.

    Both come from one pass, because a job's steps are read from the events each time.
    """
    given: dict[str, Counter[str]] = defaultdict(Counter)
    held: Counter[tuple[str, ...]] = Counter()
    for job in decision.jobs_under(decision.in_force):
        graph = job.record.case.graph
        for step in job.record.steps:
            held[step.target_residency] += 1
            for each in step.executed:
                given[graph.task(each.task).type][each.model] += 1
    types = tuple(
        TypeUse(
            type=kind,
            given=tuple(f"{given[kind][tag]:,}" for tag in tags),
            tasks=given[kind].total(),
        )
        for kind in in_type_order(given)
    )
    most = sorted(held.items(), key=lambda each: (-each[1], each[0]))[:_SETS]
    steps = held.total()
    return types, tuple((" + ".join(models) or "nothing", f"{count:,} of {steps:,}") for models, count in most)
