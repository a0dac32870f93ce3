"""Expectations to and from JSON and TOML: the only way in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pytest_swarm.domain.expectation import (
    DEFAULT_CHOICES,
    CodeCase,
    Custom,
    Exact,
    Expectation,
    JsonFields,
    JsonScalar,
    Judge,
    Keywords,
    Letter,
    Number,
    PythonCode,
    Regex,
    RougeL,
    TokenF1,
    YesNo,
    choice_count,
)
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json


def encode_expectation(expected: Expectation) -> dict[str, Json]:
    """The JSON object of an expectation, `kind` first."""
    head: dict[str, Json] = {"kind": expected.kind}
    match expected:
        case JsonFields():
            asked: dict[str, Json] = {"quoted_numbers": True} if expected.quoted_numbers else {}
            return head | {"fields": dict(expected.fields)} | asked
        case Number():
            return head | {"value": expected.value, "tolerance": expected.tolerance}
        case YesNo():
            return head | {"value": expected.value}
        case Keywords():
            return head | {"words": list(expected.words)}
        case Exact():
            return head | {"text": expected.text} | ({"strict": True} if expected.strict else {})
        case Letter():
            return head | {"value": expected.value, "choices": expected.choices}
        case Regex():
            return head | {"pattern": expected.pattern}
        case PythonCode():
            cases: list[Json] = [_encode_case(case) for case in expected.cases]
            return head | {"entry_point": expected.entry_point, "cases": cases}
        case Judge():
            return head | {"rubric": expected.rubric}
        case Custom():
            return head | {"name": expected.name}
        case TokenF1():
            return head | {"answers": list(expected.answers), "style": expected.style}
        case RougeL():
            return head | {"reference": expected.reference}


def _encode_case(case: CodeCase) -> dict[str, Json]:
    """The JSON object of a case; what is usual is left out, so that digests of older graphs stay the same."""
    encoded: dict[str, Json] = {"args": list(case.args), "returns": case.returns}
    if case.through is not None:
        encoded["through"] = case.through
    if case.tolerance:
        encoded["tolerance"] = case.tolerance
    return encoded


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
    fields.only(("kind", "fields", "quoted_numbers"))
    table = fields.table("fields")
    values: dict[str, JsonScalar] = {}
    for key in table:
        value = table.raw(key)
        if not (value is None or isinstance(value, str | int | float | bool)):
            raise fields.fail(f"expected field {key!r} must be a text, number, true, false or null")
        values[key] = value
    return JsonFields(fields=values, quoted_numbers=fields.flag("quoted_numbers", default=False))


def _read_number(fields: Fields) -> Expectation:
    fields.only(("kind", "value", "tolerance"))
    return Number(value=fields.number("value"), tolerance=fields.number("tolerance", 1e-6, low=0))


def _read_code(fields: Fields) -> Expectation:
    fields.only(("kind", "entry_point", "cases"))
    return PythonCode(entry_point=fields.text("entry_point"), cases=tuple(map(_read_case, fields.tables("cases"))))


def _read_case(fields: Fields) -> CodeCase:
    fields.only(("args", "returns", "through", "tolerance"))
    args = fields.raw("args")
    if not isinstance(args, list):
        raise fields.fail("'args' must be a list")
    returns: Json = fields.raw("returns")  # type: ignore[assignment]  # parsed JSON or TOML is Json by construction
    return CodeCase(
        args=tuple(args),
        returns=returns,
        through=fields.optional_text("through"),
        tolerance=fields.number("tolerance", 0.0, low=0),
    )


def _read_letter(fields: Fields) -> Expectation:
    fields.only(("kind", "value", "choices"))
    choices = choice_count(fields.raw("choices")) if "choices" in fields else DEFAULT_CHOICES
    return Letter(value=fields.text("value"), choices=choices)


def _read_exact(fields: Fields) -> Expectation:
    fields.only(("kind", "text", "strict"))
    return Exact(text=fields.text("text"), strict=fields.flag("strict", default=False))


def _read_token_f1(fields: Fields) -> Expectation:
    fields.only(("kind", "answers", "style"))
    return TokenF1(answers=fields.texts("answers"), style=fields.text("style", "squad"))


_READERS: Mapping[str, Callable[[Fields], Expectation]] = MappingProxyType(
    {
        "json": _read_json,
        "number": _read_number,
        "yes_no": lambda f: YesNo(value=f.flag("value")),
        "keywords": lambda f: Keywords(words=f.texts("words")),
        "letter": _read_letter,
        "exact": _read_exact,
        "regex": lambda f: Regex(pattern=f.text("pattern")),
        "code": _read_code,
        "judge": lambda f: Judge(rubric=f.text("rubric")),
        "custom": lambda f: Custom(name=f.text("name")),
        "token_f1": _read_token_f1,
        "rouge_l": lambda f: RougeL(reference=f.text("reference")),
    }
)
