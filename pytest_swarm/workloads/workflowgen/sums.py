"""Steps that work on numbers of their parents: sums, growth, comparisons, choices, dates, rows of a table.

Like all follow-ups they name the parents' steps, never their values: whoever was not handed the results cannot answer.
"""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.formula import evaluate
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.draw import Draw
from pytest_swarm.workloads.workflowgen.sources import CITIES
from pytest_swarm.workloads.workflowgen.step import GeneratedStep, Spot, number_step, yes_no_step
from pytest_swarm.workloads.workflowgen.terms import record_by_formulas, terms_of, values_of, without_flags, worth

TOO_LARGE: Final = 20_000  # beyond, a step goes on with a remainder, so that figures stay readable in long chains
MODULUS: Final = 997


def combine(draw: Draw, spot: Spot) -> GeneratedStep:
    """A sum over all parents, each once or with a factor, plus a constant; more factors with the level."""
    formulas: list[str] = []
    words: list[str] = []
    terms = terms_of(draw, spot)
    for place, term in enumerate(terms):
        factor = draw.between(2, 3 + spot.level) if place < spot.level and len(terms) <= 2 + spot.level else 1
        formulas.append(term.formula if factor == 1 else f"{factor} * {term.formula}")
        words.append(term.words if factor == 1 else f"{factor} times ({term.words})")
    constant = draw.between(3, 60)
    formula = f"{' + '.join(formulas)} + {constant}"
    ask = f"Add up: {'; '.join(words)}; and {constant}."
    value = worth(formula, spot)
    if abs(value) > TOO_LARGE:
        formula = f"({formula}) % {MODULUS}"
        ask += f" Then take the remainder of the sum on division by {MODULUS}."
        value = worth(formula, spot)
    return number_step(TaskType.MATH, f"{ask} Which number do you get?", value, formula)


def grow(draw: Draw, spot: Spot) -> GeneratedStep:
    """A figure after `level` rises and falls by percentages, rounded down once at the end."""
    term = draw.pick(terms_of(draw, spot))
    formula, words = term.formula, []
    for _ in range(spot.level):
        percent, up = draw.pick((5, 10, 20, 25, 40)), draw.below(3) > 0
        formula = f"({formula}) * {(100 + percent) / 100 if up else (100 - percent) / 100}"
        words.append(f"{'raise' if up else 'lower'} it by {percent} percent")
    ask = f"Take {term.words}. {', then '.join(words).capitalize()}, and round the end result down to a whole number."
    return number_step(
        TaskType.MATH, f"{ask} Which number do you get?", worth(f"floor({formula})", spot), f"floor({formula})"
    )


def check(draw: Draw, spot: Spot) -> GeneratedStep:
    """Whether a figure of the parents is above a bound; the bound is near the figure at higher levels."""
    term = draw.pick(terms_of(draw, spot))
    gap = max(1, int(abs(term.value) // (1 + spot.level)))
    bound = int(term.value) + (draw.between(1, gap) if draw.below(2) else -draw.between(1, gap))
    formula = f"{term.formula} > {bound}"
    return yes_no_step(f"Is {term.words} greater than {bound}?", bool(evaluate(formula, values_of(spot))), formula)


def branch(draw: Draw, spot: Spot) -> GeneratedStep:
    """One figure or another, as a check turned out; for a parent with a figure and one that said yes or no."""
    flag = next(name for name, step in spot.parents if isinstance(step.value, bool))
    (term,) = terms_of(draw, without_flags(spot))
    more, factor = draw.between(5, 90), draw.between(2, 2 + spot.level)
    formula = f"{term.formula} + {more} if {flag} else {factor} * ({term.formula})"
    ask = f"If step {flag} said yes, add {more} to {term.words}. If it said no, multiply the same by {factor} instead."
    if worth(formula, spot) > TOO_LARGE:
        formula, ask = f"({formula}) % {MODULUS}", f"{ask} Then take the remainder on division by {MODULUS}."
    return number_step(TaskType.MATH, f"{ask} Which number do you get?", worth(formula, spot), formula)


def dated(draw: Draw, spot: Spot) -> GeneratedStep:
    """The date so many days after a first day as the remainder of a figure says."""
    term = draw.pick(terms_of(draw, spot))
    span = 20 * spot.level
    formula = f"add_days('2026-01-01', floor({term.formula}) % {span})"
    ask = (
        f"Take {term.words}, rounded down, and its remainder on division by {span}. Which date is so many days after "
        "2026-01-01? Write it as YYYY-MM-DD."
    )
    return record_by_formulas(TaskType.REASONING, ask, {"date": formula}, spot)


def table_row(draw: Draw, spot: Spot) -> GeneratedStep:
    """The city in the row of a table that the remainder of a figure names; 2 + level rows."""
    term = draw.pick(terms_of(draw, spot))
    cities = draw.sample(CITIES, 2 + spot.level)
    row = f"floor({term.formula}) % {len(cities)}"
    formula = "".join(f"'{city}' if {row} == {number} else " for number, city in enumerate(cities[:-1]))
    table = "\n".join(f"{number} | {city}" for number, city in enumerate(cities))
    ask = (
        f"Take {term.words}, rounded down, and its remainder on division by {len(cities)}. Find the city in the row "
        f"with that number.\n\nrow | city\n{table}\n\n"
    )
    return record_by_formulas(TaskType.EXTRACTION, ask, {"city": f"{formula}'{cities[-1]}'"}, spot)


def has_branch(spot: Spot) -> bool:
    """Whether the parents are one that said yes or no and one that has a figure or a record."""
    flags = [isinstance(value, bool) for value in values_of(spot).values()]
    return sorted(flags) == [False, True]
