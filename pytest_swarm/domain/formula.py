"""Formulas over parents' answers: what a task's right answer is, given the inputs that it really had.

A formula is one expression in Python's syntax, over the parents' ids: `round(s0.net * 1.19, 2) + s1`. It is walked,
never run as code. A parent's id stands for its answer: a number, a text, true or false, or a record whose fields
follow a dot.

Allowed: numbers, texts, true and false (`True`, `False`), lists, records {"key": value}; + - * / // %, comparisons,
and, or, not, `a if c else b`; and the functions of FUNCTIONS. `+` also joins texts.
"""

from __future__ import annotations

import ast
import math
import operator
import sys
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_swarm.errors import GraphError

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value]"

MAX_FORMULA_CHARS: Final = 2000
MAX_NODES: Final = 500  # so that walking one is never too deep for Python
MAX_TEXT_CHARS: Final = 10_000
MAX_NUMBER: Final = 1e15  # beyond, floats no longer hold every whole number
DECIMALS: Final = 9  # every result is rounded to so many, so that 0.1 + 0.2 is 0.3, as it is on paper
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class UnusableError(ValueError):
    """The values that a formula was given are not such that it has a value; the message says why."""


def check_formula(text: str) -> frozenset[str]:
    """Return the parents' ids that a formula uses; raise GraphError for what is no formula."""
    try:
        nodes = list(ast.walk(_parse(text)))
        if len(nodes) > MAX_NODES:
            raise GraphError(f"formula {text[:40]!r}...: has more than {MAX_NODES} parts; split the task")
        names = frozenset(node.id for node in nodes if isinstance(node, ast.Name) and node.id not in FUNCTIONS)
        for node in nodes:
            if not isinstance(node, _NODES) or (isinstance(node, ast.Compare) and len(node.ops) > 1):
                raise GraphError(f"formula {text!r}: {type(node).__name__} is not allowed in a formula")
            if isinstance(node, ast.Constant) and not isinstance(node.value, bool | int | float | str):
                raise GraphError(f"formula {text!r}: {node.value!r} is no value of a formula")
            if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
                raise GraphError(f"formula {text!r}: known functions are {', '.join(FUNCTIONS)}")
    except RecursionError as error:
        raise GraphError(f"formula {text[:40]!r}...: is nested too deep") from error
    return names


def evaluate(text: str, values: Mapping[str, Value]) -> Value:
    """Return the formula's value for the parents' values.

    Args:
        text: The formula, such as `order.pieces * order.price`.
        values: Id of a parent -> its answer as a value.

    Raises:
        UnusableError: The formula has no value for these answers.
    """
    try:
        return _limited(_walk(_parse(text).body, values))
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise UnusableError(f"formula {text!r} has no value for its inputs: {error}") from error


@lru_cache(maxsize=64)  # the graph at work: the check of its tasks, the simulator and the scorer evaluate its formulas
def _parse(text: str) -> ast.Expression:
    """Return the tree of a formula, which is only walked."""
    if len(text) > MAX_FORMULA_CHARS:
        raise GraphError(f"formula {text[:40]!r}...: is longer than {MAX_FORMULA_CHARS} characters")
    try:
        return ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError) as error:
        raise GraphError(f"formula {text!r} does not parse: {getattr(error, 'msg', error)}") from error


def _walk(node: ast.expr, values: Mapping[str, Value]) -> Value:
    """The value of a node. One function, because it is one table: a line or two per kind of node."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=sign, right=right):
            return _arithmetic(sign, _walk(left, values), _walk(right, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*[_walk(argument, values) for argument in arguments])
        case ast.Attribute(value=record, attr=key):
            return _field(_walk(record, values), key)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(_walk(operand, values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _walk(operand, values)
        case ast.BoolOp(op=sign, values=parts):
            whole = all if isinstance(sign, ast.And) else any
            return whole(bool(_walk(part, values)) for part in parts)
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return bool(_COMPARISONS[type(sign)](_walk(left, values), _walk(right, values)))
        case ast.IfExp(test=test, body=body, orelse=other):
            return _walk(body if _walk(test, values) else other, values)
        case ast.List(elts=parts):
            return [_walk(part, values) for part in parts]
        case ast.Dict(keys=keys, values=parts):
            return {str(_walk(key, values)): _walk(part, values) for key, part in zip(keys, parts, strict=True) if key}
    raise TypeError(f"{type(node).__name__} is not allowed")


def _field(record: Value, key: str) -> Value:
    if not isinstance(record, dict):
        raise TypeError(f"{record!r} has no field {key!r}")
    return record[key]


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    if not math.isfinite(value) or abs(value) > MAX_NUMBER:
        raise ValueError("a number is too large")
    return value


def _text(value: Value) -> str:
    """The value as text; a whole number without a decimal point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _arithmetic(sign: ast.operator, left: Value, right: Value) -> Value:
    if isinstance(sign, ast.Add) and isinstance(left, str) and isinstance(right, str):
        return _limited(left + right)
    result = _OPERATORS[type(sign)](_number(left), _number(right))
    return _number(round(result, DECIMALS) if isinstance(result, float) else result)


def _limited(value: Value) -> Value:
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
        raise ValueError("a text is too long")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value)
    return value


def _round(value: Value, digits: Value = 0) -> Value:
    """Rounded half away from zero, as people do it, not half to even."""
    places = int(_number(digits))
    if places > sys.float_info.max_10_exp:
        raise ValueError("more decimals than a number can have")
    scale = 10**places
    scaled = abs(_number(value)) * scale
    rounded = math.floor(scaled + 0.5 + 1e-9) / scale
    return math.copysign(rounded, _number(value)) if rounded else 0


def _whole(value: Value) -> Value:
    return math.floor(_number(value))


def _add_days(day: Value, days: Value) -> Value:
    return (date.fromisoformat(str(day)) + timedelta(days=int(_number(days)))).isoformat()


def _list(values: tuple[Value, ...]) -> list[float]:
    """The numbers among arguments that are numbers, or one list or record of them."""
    items = values
    if len(values) == 1 and isinstance(values[0], list):
        items = tuple(values[0])
    elif len(values) == 1 and isinstance(values[0], dict):
        items = tuple(values[0].values())
    return [_number(item) for item in items]


_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
    }
)
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[object, object], object]]] = MappingProxyType(
    {
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: lambda a, b: a < b,  # type: ignore[operator]  # a TypeError is caught by `evaluate`
        ast.LtE: lambda a, b: a <= b,  # type: ignore[operator]  # as above
        ast.Gt: lambda a, b: a > b,  # type: ignore[operator]  # as above
        ast.GtE: lambda a, b: a >= b,  # type: ignore[operator]  # as above
    }
)
FUNCTIONS: Final[Mapping[str, Callable[..., Value]]] = MappingProxyType(
    {
        "round": _round,
        "floor": _whole,
        "abs": lambda value: abs(_number(value)),
        "min": lambda *values: min(_list(values)),
        "max": lambda *values: max(_list(values)),
        "sum": lambda *values: sum(_list(values)),
        "len": lambda value: len(value),
        "text": _text,
        "upper": lambda value: _text(value).upper(),
        "lower": lambda value: _text(value).lower(),
        "reverse": lambda value: _text(value)[::-1],
        "letters": lambda value: sum(char.isalpha() for char in _text(value)),
        "digits": lambda value: sum(int(char) for char in _text(value) if char in "0123456789"),
        "weekday": lambda day: WEEKDAYS[date.fromisoformat(str(day)).weekday()],
        "add_days": _add_days,
        "days": lambda start, end: (date.fromisoformat(str(end)) - date.fromisoformat(str(start))).days,
    }
)
_NODES: Final = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare),
    *(ast.IfExp, ast.List, ast.Dict, ast.Call, ast.USub, ast.Not, ast.And, ast.Or, *_OPERATORS, *_COMPARISONS),
)
