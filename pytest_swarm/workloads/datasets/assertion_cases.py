"""Cases of a function, read from Python assertions that are never run.

Understood, where every value is a literal or simple arithmetic on literals, `f` the function:
  f(2) == 4, f(2) is True, 4 == f(2), set(f(2)) == {4}, abs(f(2) - 4) < 1e-6, math.isclose(f(2), 4, rel_tol=0.001),
  f(2), not f(2)
All others are left out.
"""

from __future__ import annotations

import ast
import json
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.expectation import RESULT_FUNCTIONS, CodeCase
from pytest_swarm.domain.python_values import TYPES, encode_value
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json

_MAX_POWER: Final = 1000
_MAX_ITEMS: Final = 100_000
_ISCLOSE_TOLERANCE: Final = 1e-9  # math.isclose's own
_OPERATORS: Final[Mapping[type[ast.operator], Callable[..., object]]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
        ast.Pow: operator.pow,
    }
)
_CONVERSIONS: Final[Mapping[str, Callable[..., object]]] = MappingProxyType(
    {each.__name__: each for each in (int, float, str, bool, list, tuple, set, frozenset, sorted, dict, len, abs)}
)


class NotConstantError(ValueError):
    """An expression that is no literal and no simple arithmetic on literals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A call of the function under test: its arguments, and the function that its result goes through."""

    args: tuple[object, ...]
    through: str | None = None


def cases_of(tree: ast.Module, name: str) -> Iterator[CodeCase]:
    """The cases that the assertions of a parsed program state of the function `name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            try:
                case = _case(node.test, name)
            except (NotConstantError, GraphError, TypeError, ValueError, ArithmeticError, RecursionError, LookupError):
                continue
            if case is not None:
                yield case


def _case(test: ast.expr, name: str) -> CodeCase | None:
    match test:
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[limit]):
            return _near(left, constant(limit), name)
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            call, value = _call(left, name), right
            if call is None:
                call, value = _call(right, name), left
            return None if call is None else _made(call, constant(value))
        case ast.UnaryOp(op=ast.Not(), operand=operand) if (call := _call(operand, name)) is not None:
            return _made(_Call(args=call.args, through=call.through or "bool"), False)
        case ast.Call(func=ast.Attribute(attr="isclose"), args=[left, right], keywords=keywords):
            return _close(left, right, keywords, name)
    call = _call(test, name)
    return None if call is None else _made(_Call(args=call.args, through=call.through or "bool"), True)


def _near(left: ast.expr, limit: object, name: str) -> CodeCase | None:
    """abs(f(2) - 4) < 1e-6, in either order."""
    match left:
        case ast.Call(
            func=ast.Name(id="abs") | ast.Attribute(attr="fabs"), args=[ast.BinOp(op=ast.Sub()) as difference]
        ):
            for one, other in ((difference.left, difference.right), (difference.right, difference.left)):
                call = _call(one, name)
                if call is not None and isinstance(limit, int | float):
                    return _made(call, constant(other), tolerance=float(limit))
    return None


def _close(left: ast.expr, right: ast.expr, keywords: list[ast.keyword], name: str) -> CodeCase | None:
    call = _call(left, name)
    value = constant(right)
    if call is None or not isinstance(value, int | float):
        return None
    limits = {each.arg: constant(each.value) for each in keywords}
    relative, absolute = limits.get("rel_tol", _ISCLOSE_TOLERANCE), limits.get("abs_tol", 0.0)
    if not isinstance(relative, int | float) or not isinstance(absolute, int | float):
        return None
    return _made(call, value, tolerance=max(relative * abs(value), absolute))


def _call(node: ast.expr, name: str) -> _Call | None:
    match node:
        case ast.Call(func=ast.Name(id=called), args=args, keywords=[]) if called == name:
            return _Call(args=tuple(map(constant, args)))
        case ast.Call(func=ast.Name(id=outer), args=[inner], keywords=[]) if outer in RESULT_FUNCTIONS:
            call = _call(inner, name)
            return None if call is None or call.through else _Call(args=call.args, through=outer)
    return None


def _made(call: _Call, value: object, *, tolerance: float = 0.0) -> CodeCase:
    args = tuple(_as_json(each) for each in call.args)
    return CodeCase(args=args, returns=_as_json(value), through=call.through, tolerance=tolerance)


def _as_json(value: object) -> Json:
    """The value as JSON holds it, types and all; ValueError where it cannot."""
    read: Json = json.loads(json.dumps(encode_value(value), allow_nan=False))
    return read


def constant(node: ast.expr) -> object:
    """Return the value of a constant expression; NotConstantError for any other."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=parts):
            return [constant(part) for part in parts]
        case ast.Tuple(elts=parts):
            return tuple(constant(part) for part in parts)
        case ast.Set(elts=parts):
            return {constant(part) for part in parts}
        case ast.Dict(keys=keys, values=values):
            return {constant(key): constant(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.Name(id=name) if name in TYPES:
            return TYPES[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(constant(operand))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _number(constant(operand))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _arithmetic(sign, constant(left), constant(right))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _CONVERSIONS:
            return _CONVERSIONS[name](*map(constant, args))
    raise NotConstantError(f"{type(node).__name__} is no constant")


def _arithmetic(sign: ast.operator, left: object, right: object) -> object:
    if isinstance(sign, ast.Pow) and not (isinstance(right, int) and abs(right) <= _MAX_POWER):
        raise NotConstantError("a power is too large")
    if isinstance(sign, ast.Mult):
        for one, other in ((left, right), (right, left)):
            if isinstance(one, str | list | tuple) and isinstance(other, int) and len(one) * other > _MAX_ITEMS:
                raise NotConstantError("a repetition is too long")
    result = _OPERATORS[type(sign)](left, right)
    if isinstance(result, float) and not math.isfinite(result):
        raise NotConstantError("a number is too large")
    return result


def _number(value: object) -> int | float | complex:
    if isinstance(value, int | float | complex):
        return value
    raise NotConstantError(f"{type(value).__name__} is no number")
