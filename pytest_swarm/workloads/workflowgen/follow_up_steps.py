"""Steps that compute with the answers of their parents, and slogans, which can follow any step.

They name the parents' steps, never their values: a model that was not given the results cannot answer.
"""

from __future__ import annotations

from typing import Final

from pytest_swarm.domain.formula import evaluate
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.code_steps import recompute
from pytest_swarm.workloads.workflowgen.generated_step import (
    GeneratedStep,
    StepContext,
    StepGenerator,
    number_step,
    words_step,
    yes_no_step,
)
from pytest_swarm.workloads.workflowgen.operands import (
    evaluate_number,
    operands,
    parent_values,
    record_step_from_formulas,
    without_booleans,
)
from pytest_swarm.workloads.workflowgen.random_stream import RandomStream
from pytest_swarm.workloads.workflowgen.source_steps import CITIES

MAX_RESULT: Final = 20_000  # a larger result is replaced by its remainder, so that numbers stay short in long chains
MODULUS: Final = 997
_SLOGAN_WORDS: Final = ("spark", "bridge", "morning", "promise", "engine", "garden", "silver", "harbour", "echo")


def combine(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to add up all parents, some with a factor, and a constant; the level adds factors."""
    formulas: list[str] = []
    words: list[str] = []
    terms = operands(rng, context)
    for place, operand in enumerate(terms):
        factor = rng.between(2, 3 + context.level) if place < context.level and len(terms) <= 2 + context.level else 1
        formulas.append(operand.formula if factor == 1 else f"{factor} * {operand.formula}")
        words.append(operand.words if factor == 1 else f"{factor} times ({operand.words})")
    constant = rng.between(3, 60)
    formula = f"{' + '.join(formulas)} + {constant}"
    ask = f"Add up: {'; '.join(words)}; and {constant}."
    value = evaluate_number(formula, context)
    if abs(value) > MAX_RESULT:
        formula = f"({formula}) % {MODULUS}"
        ask += f" Then take the remainder of the sum on division by {MODULUS}."
        value = evaluate_number(formula, context)
    return number_step(TaskType.MATH, f"{ask} Which number do you get?", value, formula)


def grow(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to change a number by `level` percentages in sequence, rounded down at the end."""
    operand = rng.choice(operands(rng, context))
    formula, words = operand.formula, []
    for _ in range(context.level):
        percent, up = rng.choice((5, 10, 20, 25, 40)), rng.below(3) > 0
        formula = f"({formula}) * {(100 + percent) / 100 if up else (100 - percent) / 100}"
        words.append(f"{'raise' if up else 'lower'} it by {percent} percent")
    ask = (
        f"Take {operand.words}. {', then '.join(words).capitalize()}, and round the end result down to a whole number."
    )
    return number_step(
        TaskType.MATH,
        f"{ask} Which number do you get?",
        evaluate_number(f"floor({formula})", context),
        f"floor({formula})",
    )


def check(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to compare a parent's number with a bound, which is closer at higher levels."""
    operand = rng.choice(operands(rng, context))
    gap = max(1, int(abs(operand.value) // (1 + context.level)))
    bound = int(operand.value) + (rng.between(1, gap) if rng.below(2) else -rng.between(1, gap))
    formula = f"{operand.formula} > {bound}"
    return yes_no_step(
        f"Is {operand.words} greater than {bound}?", bool(evaluate(formula, parent_values(context))), formula
    )


def branch(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to compute one of two results, by the answer of a parent that said yes or no."""
    flag = next(name for name, step in context.parents if isinstance(step.value, bool))
    (operand,) = operands(rng, without_booleans(context))
    more, factor = rng.between(5, 90), rng.between(2, 2 + context.level)
    formula = f"{operand.formula} + {more} if {flag} else {factor} * ({operand.formula})"
    ask = (
        f"If step {flag} said yes, add {more} to {operand.words}. If it said no, multiply the same by {factor} instead."
    )
    if evaluate_number(formula, context) > MAX_RESULT:
        formula, ask = f"({formula}) % {MODULUS}", f"{ask} Then take the remainder on division by {MODULUS}."
    return number_step(TaskType.MATH, f"{ask} Which number do you get?", evaluate_number(formula, context), formula)


def add_days(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to add days to a date; the number of days is a remainder of a parent's number."""
    operand = rng.choice(operands(rng, context))
    span = 20 * context.level
    formula = f"add_days('2026-01-01', floor({operand.formula}) % {span})"
    ask = (
        f"Take {operand.words}, rounded down, and its remainder on division by {span}. Which date is so many days "
        "after 2026-01-01? Write it as YYYY-MM-DD."
    )
    return record_step_from_formulas(TaskType.REASONING, ask, {"date": formula}, context)


def table_row(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to find a row of a table of 2 + level rows; the row number is a remainder of a parent's number."""
    operand = rng.choice(operands(rng, context))
    cities = rng.sample(CITIES, 2 + context.level)
    row = f"floor({operand.formula}) % {len(cities)}"
    formula = "".join(f"'{city}' if {row} == {number} else " for number, city in enumerate(cities[:-1]))
    table = "\n".join(f"{number} | {city}" for number, city in enumerate(cities))
    ask = (
        f"Take {operand.words}, rounded down, and its remainder on division by {len(cities)}. Find the city in the row "
        f"with that number.\n\nrow | city\n{table}\n\n"
    )
    return record_step_from_formulas(TaskType.EXTRACTION, ask, {"city": f"{formula}'{cities[-1]}'"}, context)


def amount_due(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to compute the amount due of an invoice: with tax from level 2, discount from 3, payment from 4."""
    name = context.parents[0][0]
    formula, words = f"{name}.net + {name}.shipping", ["add the shipping cost to the net amount"]
    if context.level >= 3:
        percent = rng.choice((5, 10, 20))
        formula = f"{name}.net * {(100 - percent) / 100} + {name}.shipping"
        words.insert(0, f"take {percent} percent off the net amount")
    if context.level >= 2:
        tax = rng.choice((7, 19, 21, 25))
        formula = f"({formula}) * {(100 + tax) / 100}"
        words.append(f"add {tax} percent of tax to that")
    if context.level >= 4:
        formula = f"{formula} - {name}.paid"
        words.append("take off what was paid in advance")
    if context.level >= 2:
        formula = f"round({formula}, 2)"
    ask = f"Take the invoice's figures from step {name}: {', then '.join(words)}. How many euros is that, to the cent?"
    return number_step(TaskType.MATH, ask, evaluate_number(formula, context), formula)


def shift_date(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to add days to the parent's date, and from level 3 to name the day of the week."""
    name, days = context.parents[0][0], rng.between(5, 30 * context.level)
    moved = f"add_days({name}.date, {days})"
    fields = {"date": moved} | ({"weekday": f"weekday({moved})"} if context.level >= 3 else {})
    ask = f"Which date is {days} days after the date from step {name}? Write it as YYYY-MM-DD"
    ask += ", and give its day of the week in English as well." if context.level >= 3 else "."
    return record_step_from_formulas(TaskType.REASONING, ask, fields, context)


def reverse_text(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to reverse the parent's text, from level 2 in capitals, from level 3 with letters appended."""
    name, value = context.parents[0]
    assert isinstance(value.value, dict)  # generated for records only
    key = next(iter(value.value))
    formula, words = f"reverse({name}.{key})", f"Turn the {key} from step {name} round, letter by letter"
    if context.level >= 2:
        formula, words = f"upper({formula})", f"{words}, and write it in capitals"
    if context.level >= 3:
        tail = "".join(rng.choice("ABCDEFGH") for _ in range(context.level))
        formula, words = f"{formula} + '{tail}'", f'{words}, and put "{tail}" behind it'
    return record_step_from_formulas(TaskType.REASONING, f"{words}. What is the text now?", {"text": formula}, context)


def report(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to write one sentence with the numbers of up to `level` parents and a given word."""
    terms = rng.sample(operands(rng, without_booleans(context)), context.level)
    word = rng.choice(("summary", "report", "outcome", "overview"))
    derive = "[" + ", ".join(f"text({operand.formula})" for operand in terms) + f", '{word}']"
    words = evaluate(derive, parent_values(context))
    assert isinstance(words, list)  # the formula is a list
    ask = (
        f'Write one sentence for the manager that begins with "The {word}" and names these figures, digits only and '
        f"without separators: {'; '.join(operand.words for operand in terms)}."
    )
    return words_step(TaskType.SUMMARIZE, ask, tuple(map(str, words)), derive)


def slogan(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to write an advertisement with 1 + level given words; it does not depend on the parents."""
    words = tuple(rng.sample(_SLOGAN_WORDS, 1 + context.level))
    listed = ", ".join(words)
    ask = f"Write a lively advertisement of two sentences for a repair workshop. Use each of these words: {listed}."
    return words_step(TaskType.CREATIVE, ask, words)


def follow_ups_for(context: StepContext) -> tuple[StepGenerator, ...]:
    """Return the generators that fit the parents, repeated by weight; none where no parent has a value."""
    values = parent_values(context)
    if not values:
        return ()
    if can_branch(context):
        return (branch, branch, combine)
    fitting: list[StepGenerator] = [combine, grow, check, add_days, table_row]
    if len(context.parents) == 1:
        (value,) = values.values()
        if isinstance(value, dict) and "net" in value:
            fitting += [amount_due, amount_due, recompute]
        if isinstance(value, dict) and "date" in value:
            fitting += [shift_date, shift_date]
        if isinstance(value, dict) and next(iter(value)) in ("text", "name"):
            fitting += [reverse_text, reverse_text]
    if all(isinstance(value, bool) for value in values.values()):
        return (combine, table_row)
    return tuple(fitting)


def can_branch(context: StepContext) -> bool:
    """Return whether there are two parents with values, one of them yes or no."""
    flags = [isinstance(value, bool) for value in parent_values(context).values()]
    return sorted(flags) == [False, True]
