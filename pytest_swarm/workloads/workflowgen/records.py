"""Steps that work on one parent's record: invoices, dates, texts."""

from __future__ import annotations

from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.draw import Draw
from pytest_swarm.workloads.workflowgen.step import GeneratedStep, Spot, code_step, number_step
from pytest_swarm.workloads.workflowgen.terms import record_by_formulas, worth


def bill(draw: Draw, spot: Spot) -> GeneratedStep:
    """What remains to be paid of an invoice: tax from level 2, a discount from level 3, the payment from level 4."""
    name = spot.parents[0][0]
    formula, words = f"{name}.net + {name}.shipping", ["add the shipping cost to the net amount"]
    if spot.level >= 3:
        percent = draw.pick((5, 10, 20))
        formula = f"{name}.net * {(100 - percent) / 100} + {name}.shipping"
        words.insert(0, f"take {percent} percent off the net amount")
    if spot.level >= 2:
        tax = draw.pick((7, 19, 21, 25))
        formula = f"({formula}) * {(100 + tax) / 100}"
        words.append(f"add {tax} percent of tax to that")
    if spot.level >= 4:
        formula = f"{formula} - {name}.paid"
        words.append("take off what was paid in advance")
    if spot.level >= 2:
        formula = f"round({formula}, 2)"
    ask = f"Take the invoice's figures from step {name}: {', then '.join(words)}. How many euros is that, to the cent?"
    return number_step(TaskType.MATH, ask, worth(formula, spot), formula)


def recompute(draw: Draw, spot: Spot) -> GeneratedStep:
    """A function for an invoice's sum, for any figures; the parent's figures are one of the hidden cases."""
    name, step = spot.parents[0]
    percent = draw.pick((5, 10, 20, 25))
    figures = step.value
    assert isinstance(figures, dict)  # made for invoices only
    rows: list[list[int]] = [[100, 10, 0], [0, 0, 0], [80, 20, 50]]
    own = [figures[key] for key in ("net", "shipping", "paid")]
    rows.append([int(each) for each in own if isinstance(each, int)])
    cases = tuple(CodeCase(args=tuple(row), returns=row[0] * (100 + percent) / 100 + row[1] - row[2]) for row in rows)
    ask = (
        f"Step {name} read an invoice. Write a Python function to_pay(net, shipping, paid) for any such invoice: it "
        f"returns the net amount plus {percent} percent of tax on it, plus shipping, less what was paid, not rounded."
    )
    solution = f"def to_pay(net, shipping, paid):\n    return net * {100 + percent} / 100 + shipping - paid"
    return code_step(ask, PythonCode(entry_point="to_pay", cases=cases), solution)


def move_date(draw: Draw, spot: Spot) -> GeneratedStep:
    """A date so many days after the parent's, and with level 3 or more its day of the week."""
    name, days = spot.parents[0][0], draw.between(5, 30 * spot.level)
    moved = f"add_days({name}.date, {days})"
    fields = {"date": moved} | ({"weekday": f"weekday({moved})"} if spot.level >= 3 else {})
    ask = f"Which date is {days} days after the date from step {name}? Write it as YYYY-MM-DD"
    ask += ", and give its day of the week in English as well." if spot.level >= 3 else "."
    return record_by_formulas(TaskType.REASONING, ask, fields, spot)


def turn_text(draw: Draw, spot: Spot) -> GeneratedStep:
    """The parent's text turned round, in capitals, or with something put behind it."""
    name, value = spot.parents[0]
    assert isinstance(value.value, dict)  # made for records only
    key = next(iter(value.value))
    formula, words = f"reverse({name}.{key})", f"Turn the {key} from step {name} round, letter by letter"
    if spot.level >= 2:
        formula, words = f"upper({formula})", f"{words}, and write it in capitals"
    if spot.level >= 3:
        tail = "".join(draw.pick("ABCDEFGH") for _ in range(spot.level))
        formula, words = f"{formula} + '{tail}'", f'{words}, and put "{tail}" behind it'
    return record_by_formulas(TaskType.REASONING, f"{words}. What is the text now?", {"text": formula}, spot)
