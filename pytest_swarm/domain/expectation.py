"""What a task's answer is held against. Data only: the scorers live in `pytest_swarm.scoring`.

Every expectation is one frozen value with a `kind`; `encode_expectation` and `decode_expectation` are the only
way to and from JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Final, TypeAlias

from pytest_swarm.domain.formula import UnusableError, Value
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json

JsonScalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFields:
    """The answer is a JSON object with these fields; score = share of fields that are right."""

    kind: ClassVar[str] = "json"
    fields: Mapping[str, JsonScalar]

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))
        if not self.fields:
            raise GraphError("expected json: no fields given")
        for key, value in self.fields.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise GraphError(f"expected json: field {key!r} is {value}, which no JSON can hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """The last number in the answer equals `value` within `tolerance` (absolute)."""

    kind: ClassVar[str] = "number"
    value: float
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("value", "tolerance"):  # 25 and 25.0 must have the same digest
            object.__setattr__(self, name, float(getattr(self, name)))
        if not (math.isfinite(self.value) and math.isfinite(self.tolerance) and self.tolerance >= 0):
            raise GraphError(f"expected number: {self.value:g} within {self.tolerance:g} can never be checked")


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo:
    """The answer says yes (`value` True) or no."""

    kind: ClassVar[str] = "yes_no"
    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Keywords:
    """The answer mentions these words, in any case; score = share of words found."""

    kind: ClassVar[str] = "keywords"
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.words:
            raise GraphError("expected keywords: no words given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """The answer, without surrounding space and case, equals `text`."""

    kind: ClassVar[str] = "exact"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """The answer contains a match of `pattern` (Python syntax)."""

    kind: ClassVar[str] = "regex"
    pattern: str

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise GraphError(f"expected regex: {self.pattern!r} does not compile: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCase:
    """One call of the function under test: positional arguments and the value it must return."""

    args: tuple[Json, ...]
    returns: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCode:
    """The answer holds Python code that defines `entry_point`; `cases` are run only where the user asked for it."""

    kind: ClassVar[str] = "code"
    entry_point: str
    cases: tuple[CodeCase, ...] = ()

    def __post_init__(self) -> None:
        if not self.entry_point.isidentifier():
            raise GraphError(f"expected code: entry point {self.entry_point!r} is no Python name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A judge model grades the answer against `rubric`, 0 to 1; unscored where no judge was named."""

    kind: ClassVar[str] = "judge"
    rubric: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """A function of the answer's text gives the score, 0 to 1, or None for unscored.

    Only `name` is written to files: a run is never scored again from its events.
    """

    kind: ClassVar[str] = "custom"
    name: str
    function: Callable[[str], float | None] | None = field(default=None, compare=False, repr=False)


Expectation: TypeAlias = JsonFields | Number | YesNo | Keywords | Exact | Regex | PythonCode | Judge | Custom

DERIVABLE: Final = (JsonFields, Number, YesNo, Keywords, Exact, PythonCode)


def derived(expected: Expectation, value: Value) -> Expectation:
    """The expectation of the same kind whose right answer is `value`; UnusableError for a value of another kind.

    A record for json, a number for number, true or false for yes_no, a list of texts for keywords, a text for exact,
    a list of cases {"args": [...], "returns": ...} for code.
    """
    match expected:
        case JsonFields() if (
            isinstance(value, dict) and value and all(isinstance(v, str | int | float) for v in value.values())
        ):
            return JsonFields(fields={key: v for key, v in value.items() if isinstance(v, str | int | float)})
        case Number() if isinstance(value, int | float) and not isinstance(value, bool):
            return Number(value=value, tolerance=expected.tolerance)
        case YesNo() if isinstance(value, bool):
            return YesNo(value=value)
        case Keywords() if isinstance(value, list) and value:
            return Keywords(words=tuple(map(str, value)))
        case Exact() if isinstance(value, str):
            return Exact(text=value)
        case PythonCode() if isinstance(value, list) and value:
            return PythonCode(entry_point=expected.entry_point, cases=tuple(map(_derived_case, value)))
    raise UnusableError(f"{value!r} is no right answer of kind {expected.kind}")


def _derived_case(value: Value) -> CodeCase:
    match value:
        case {"args": list() as args, "returns": returns} if isinstance(value, dict) and len(value) == 2:
            return CodeCase(args=_as_json(args), returns=_as_json([returns])[0])
    raise UnusableError(f"{value!r} is no case of a function")


def _as_json(values: Sequence[Value]) -> tuple[Json, ...]:
    """The same values under the type of JSON values, which they are."""
    read: list[Json] = json.loads(json.dumps(list(values)))
    return tuple(read)


def encode_expectation(expected: Expectation) -> dict[str, Json]:
    """The JSON object of an expectation, `kind` first."""
    head: dict[str, Json] = {"kind": expected.kind}
    match expected:
        case JsonFields():
            return head | {"fields": dict(expected.fields)}
        case Number():
            return head | {"value": expected.value, "tolerance": expected.tolerance}
        case YesNo():
            return head | {"value": expected.value}
        case Keywords():
            return head | {"words": list(expected.words)}
        case Exact():
            return head | {"text": expected.text}
        case Regex():
            return head | {"pattern": expected.pattern}
        case PythonCode():
            cases: list[Json] = [{"args": list(case.args), "returns": case.returns} for case in expected.cases]
            return head | {"entry_point": expected.entry_point, "cases": cases}
        case Judge():
            return head | {"rubric": expected.rubric}
        case Custom():
            return head | {"name": expected.name}


def decode_expectation(fields: Fields) -> Expectation:
    """The expectation of a JSON or TOML table; raises the error of `fields`, naming the place."""
    kind = fields.text("kind")
    reader = _READERS.get(kind)
    if reader is None:
        raise fields.fail(f"unknown expectation {kind!r}; known are {', '.join(_READERS)}")
    try:
        return reader(fields)
    except GraphError as error:
        if str(error).startswith(fields.where):
            raise
        raise fields.fail(str(error)) from error


def _read_json(fields: Fields) -> Expectation:
    fields.only(("kind", "fields"))
    table = fields.table("fields")
    values: dict[str, JsonScalar] = {}
    for key in table:
        value = table.raw(key)
        if not (value is None or isinstance(value, str | int | float | bool)):
            raise fields.fail(f"expected field {key!r} must be a text, number, true, false or null")
        values[key] = value
    return JsonFields(fields=values)


def _read_number(fields: Fields) -> Expectation:
    fields.only(("kind", "value", "tolerance"))
    return Number(value=fields.number("value"), tolerance=fields.number("tolerance", 1e-6, low=0))


def _read_code(fields: Fields) -> Expectation:
    fields.only(("kind", "entry_point", "cases"))
    return PythonCode(entry_point=fields.text("entry_point"), cases=tuple(map(_read_case, fields.tables("cases"))))


def _read_case(fields: Fields) -> CodeCase:
    fields.only(("args", "returns"))
    args = fields.raw("args")
    if not isinstance(args, list):
        raise fields.fail("'args' must be a list")
    returns: Json = fields.raw("returns")  # type: ignore[assignment]  # parsed JSON or TOML is Json by construction
    return CodeCase(args=tuple(args), returns=returns)


_READERS: Mapping[str, Callable[[Fields], Expectation]] = MappingProxyType(
    {
        "json": _read_json,
        "number": _read_number,
        "yes_no": lambda f: YesNo(value=f.flag("value")),
        "keywords": lambda f: Keywords(words=f.texts("words")),
        "exact": lambda f: Exact(text=f.text("text")),
        "regex": lambda f: Regex(pattern=f.text("pattern")),
        "code": _read_code,
        "judge": lambda f: Judge(rubric=f.text("rubric")),
        "custom": lambda f: Custom(name=f.text("name")),
    }
)
