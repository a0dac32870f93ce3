"""Whether a proven gain rests on jobs that look like variants of templates which nobody declared."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from pytest_swarm.decision.choice import MIN_FAMILIES, PolicyChoice, Ruling, choose_policy
from pytest_swarm.decision.measured_policies import MeasuredPolicies
from pytest_swarm.decision.policy_figures import PolicyFigures, gains_of
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.statistics.families import Families, equal_means_p_value

_LEVEL: Final = 0.01  # chance of a false alarm where jobs that look alike gain as others do
_WORDS: Final = 5  # at the beginning of a prompt, that variants of a template share
_DIGITS: Final = re.compile(r"\d+")


def undeclared_templates(figures: PolicyFigures, choice: PolicyChoice, measured: MeasuredPolicies) -> int | None:
    """Return how many templates the jobs of a proven gain seem to be variants of; None where nothing hints at it.

    Jobs that look alike gain alike (F test), and as families they would not prove the gain.

    Args:
        figures: What the choice was made from.
        choice: The choice.
        measured: The jobs.
    """
    if measured.declares_families:
        return None
    jobs = measured.by_setting[measured.settings[0]]
    templates = tuple(_template(jobs[digest].graph) for digest in measured.jobs)
    return len(set(templates)) if rests_on_templates(figures, choice, templates) else None


def rests_on_templates(figures: PolicyFigures, choice: PolicyChoice, templates: tuple[Hashable, ...]) -> bool:
    """Return whether jobs of one template gain alike, and a gain that they prove is none of the templates.

    Args:
        figures: What the choice was made from.
        choice: The choice, in which each job counts.
        templates: A key for each job.
    """
    if choice.ruling is not Ruling.USE or choice.best is None:
        return False
    if not MIN_FAMILIES <= len(set(templates)) < len(templates):
        return False
    gains = gains_of(figures.values[0], figures.values[choice.best], relative=figures.relative)
    if equal_means_p_value(gains, Families.of(templates)) > _LEVEL:
        return False
    return choose_policy(replace(figures, families=templates), every=False).ruling is not Ruling.USE


def _template(graph: TaskGraph) -> Hashable:
    """Return what variants of one template share: edges, types, and how prompts begin, whatever their numbers are."""
    places = {task_id: n for n, task_id in enumerate(graph.order)}
    tasks = (graph.task(task_id) for task_id in graph.order)
    asked = tuple((each.type, *_DIGITS.sub("", each.prompt).split()[:_WORDS]) for each in tasks)
    return asked, frozenset((places[parent], places[child]) for parent, child in graph.edges)
