"""Steps that ask for code: functions and patterns, each with a solution and hidden cases."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from typing import Final

from pytest_swarm.domain.derived_expectation import derived
from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.domain.formula import evaluate
from pytest_swarm.fields import Json
from pytest_swarm.workloads.workflowgen import reference_solutions
from pytest_swarm.workloads.workflowgen.generated_step import (
    GeneratedStep,
    StepContext,
    StepGenerator,
    code_step,
    format_number,
)
from pytest_swarm.workloads.workflowgen.operands import operands, parent_values
from pytest_swarm.workloads.workflowgen.random_stream import RandomStream

CASES: Final = 5
LIST_LENGTHS: Final = (1, 2, 3)  # lengths of the lists in the hidden cases of apply_figure
_ArgumentGenerator = Callable[[RandomStream], "list[Json]"]


def _numbers(rng: RandomStream) -> list[Json]:
    return [[rng.between(-20, 60) for _ in range(rng.between(1, 7))]]


def _text(rng: RandomStream) -> list[Json]:
    return ["".join(rng.choice("aabbcdeeiou xyz") for _ in range(rng.between(1, 12)))]


def _pair(rng: RandomStream) -> list[Json]:
    return [rng.between(1, 400), rng.between(1, 400)]


def _one(rng: RandomStream) -> list[Json]:
    return [rng.between(1, 900)]


def _brackets(rng: RandomStream) -> list[Json]:
    balanced = ("()", "([]{})", "[()()]", "{}", "a(b)c")
    return [rng.choice((*balanced, "(]", "([)]", "((", "())", "}{"))]


def _numeral(rng: RandomStream) -> list[Json]:
    return [rng.choice(("III", "IV", "XIV", "XL", "XCIX", "CDXLIV", "MCMXCIV", "MMXXVI"))]


def _words(rng: RandomStream) -> list[Json]:
    return ["".join(rng.choice("abc") for _ in range(rng.between(1, 6))) for _ in range(2)]


# Per level: each solution, and the generator of its arguments.
_FUNCTIONS: Final[tuple[tuple[tuple[Callable[..., object], _ArgumentGenerator], ...], ...]] = (
    (
        (reference_solutions.largest, _numbers),
        (reference_solutions.count_vowels, _text),
        (reference_solutions.total, _numbers),
    ),
    (
        (reference_solutions.count_even, _numbers),
        (reference_solutions.initials, _text),
        (reference_solutions.gcd, _pair),
    ),
    (
        (reference_solutions.run_lengths, _text),
        (reference_solutions.digit_root, _one),
        (reference_solutions.second_largest, _numbers),
    ),
    (
        (reference_solutions.balanced, _brackets),
        (reference_solutions.from_roman, _numeral),
        (reference_solutions.prime_factors, _one),
    ),
    (
        (reference_solutions.longest_rise, _numbers),
        (reference_solutions.edit_distance, _words),
        (reference_solutions.best_sum, _numbers),
    ),
)


def function(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to write a function of the level, with hidden cases."""
    solution, argument = rng.choice(_FUNCTIONS[context.level - 1])
    calls: dict[str, list[Json]] = {}
    while len(calls) < CASES:
        args = argument(rng)
        calls.setdefault(json.dumps(args), args)
    cases = tuple(
        CodeCase(args=tuple(args), returns=json.loads(json.dumps(solution(*args)))) for args in calls.values()
    )
    name, source = solution.__name__, inspect.getsource(solution).rstrip()
    signature = source[source.index("(") : source.index(")") + 1]
    first = cases[0]
    ask = (
        f"Write a Python function {name}{signature}. {inspect.getdoc(solution)} For example, {name}"
        f"({', '.join(map(repr, first.args))}) gives {first.returns!r}."
    )
    return code_step(ask, PythonCode(entry_point=name, cases=cases), source)


# Per level: what the pattern describes, the pattern, texts that match, and texts that do not.
_PATTERNS: Final = (
    ("one or more digits and nothing else", r"[0-9]+", ("7", "2026", "00"), ("", "7a", "-7", "1.5")),
    (
        "two capital letters, a dash and four digits",
        r"[A-Z]{2}-[0-9]{4}",
        ("AB-1234", "ZZ-0000"),
        ("ab-1234", "AB1234"),
    ),
    ("a time from 00:00 to 23:59", r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", ("00:00", "23:59"), ("24:00", "7:30", "12:60")),
    (
        "a colour: a # and then three or six hexadecimal digits, in either case",
        r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})",
        ("#fff", "#A0b1C2"),
        ("#ffff", "fff", "#ggg", "#"),
    ),
    (
        "a whole number from 0 to 255 without leading zeros",
        r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])",
        ("0", "9", "99", "199", "255"),
        ("256", "007", "", "1a", "300"),
    ),
)


def pattern(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to write a function with a regular expression; the expression is stricter at higher levels."""
    said, regex, fit, misfit = _PATTERNS[context.level - 1]
    texts = rng.shuffled((*fit, *misfit))
    cases = tuple(CodeCase(args=(text,), returns=re.fullmatch(regex, text) is not None) for text in texts)
    solution = f'import re\n\n\ndef fits(text):\n    return re.fullmatch(r"{regex}", text) is not None'
    ask = (
        f"Write a Python function fits(text) that uses a regular expression to return True where the whole text is "
        f"{said}, and False otherwise. For example, fits({texts[0]!r}) gives {cases[0].returns}."
    )
    return code_step(ask, PythonCode(entry_point="fits", cases=cases), solution)


def recompute(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to write a function for the total of an invoice; the parent's invoice is a hidden case."""
    name, step = context.parents[0]
    percent = rng.choice((5, 10, 20, 25))
    figures = step.value
    assert isinstance(figures, dict)  # generated for invoices only
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


def apply_figure(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to write a function that adds a parent's number to each number of a list.

    From level 2 each is multiplied first, from level 3 the order is reversed, from level 4 there is an upper limit.
    """
    operand = rng.choice(operands(rng, context))
    factor, cap = rng.between(2, 9), rng.between(50, 500) + int(operand.value)
    item, words, body = (
        f"{{0}} + {operand.formula}",
        f"increased by {operand.words}",
        f"number + {format_number(operand.value)}",
    )
    if context.level >= 2:
        item, words, body = f"{factor} * {item}", f"multiplied by {factor} and then {words}", f"{factor} * {body}"
    if context.level >= 4:
        item, words, body = f"min({item}, {cap})", f"{words}, but never above {cap}", f"min({body}, {cap})"
    is_reversed = context.level >= 3
    cases = [_case(item, [rng.between(-20, 80) for _ in range(size)], is_reversed=is_reversed) for size in LIST_LENGTHS]
    derive = f"[{', '.join(cases)}]"
    order = "in reverse order" if is_reversed else "in the same order"
    ask = (
        f"Write a Python function apply_figure(numbers) that returns the list of the numbers {order}, each {words}. "
        "Write that figure into the function."
    )
    source = "reversed(numbers)" if is_reversed else "numbers"
    solution = f"def apply_figure(numbers):\n    return [{body} for number in {source}]"
    expected = derived(PythonCode(entry_point="apply_figure"), evaluate(derive, parent_values(context)))
    assert isinstance(expected, PythonCode)  # `derived` keeps the kind
    return code_step(ask, expected, solution, derive)


def _case(item: str, numbers: list[int], *, is_reversed: bool) -> str:
    """Return one case as a formula: the list, and the expected result."""
    results = [item.format(number) for number in (reversed(numbers) if is_reversed else numbers)]
    return f"{{'args': [{numbers}], 'returns': [{', '.join(results)}]}}"


CODE_STEPS: Final[tuple[StepGenerator, ...]] = (function, pattern)
