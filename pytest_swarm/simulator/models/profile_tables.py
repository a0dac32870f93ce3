"""Reads the tables of a profile that describe models: `[[models]]`, `[[known]]` and `[[answers]]`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from pytest_swarm.domain.model_names import checked_name
from pytest_swarm.domain.task import ANY_TYPE, TYPES_COMPARED, type_fault, type_name
from pytest_swarm.errors import ProfileError
from pytest_swarm.fields import Fields
from pytest_swarm.simulator.models.call_cost import CallCost, TokenRates
from pytest_swarm.simulator.models.profile_types import (
    KNOWN_CONTEXTS,
    Accuracy,
    KnownOutcome,
    ModelProfile,
)
from pytest_swarm.simulator.models.recorded_answers import RecordedAnswer
from pytest_swarm.simulator.server.hardware import ModelSpec
from pytest_swarm.simulator.server.prefix_cache import PrefixReuse

T = TypeVar("T")
_SPEC_WHOLE: Final = ("size_bytes", "layers", "kv_heads", "head_dim", "context_length")
_SPEC_REAL: Final = ("prefill_tokens_per_s", "decode_tokens_per_s")
_MODEL_KEYS: Final = (
    *("name", "source", "blob", "manifest", *_SPEC_WHOLE, *_SPEC_REAL),
    *("load_s", "first_load_s", "overhead_s", "cpu_slowdown"),
    *("accuracy", "num_predict", "plain_calls", "schema_calls", "characters_per_token", "estimate_per_token"),
    *("prompt_cache", "slowdown_beside", "first_format_s", "completion_tokens"),
)
_LEAST_LENGTH: Final = 0.01  # of a token, by which something is divided; none is shorter
_ANSWER_TIMES: Final = ("prefill_s", "decode_s", "overhead_s")


def read_model(row: Fields) -> ModelProfile:
    """Return one `[[models]]` table. Messages name the model: the tables of a base stand before those of the file."""
    name = checked_name(row.text("name"), what=row.where, error=ProfileError)
    row = row.labeled(name)
    row.only(_MODEL_KEYS)
    plain, schema = _call_costs(row)
    num_predict = row.optional_whole("num_predict")
    figures: dict[str, Any] = {key: row.whole(key, low=1) for key in _SPEC_WHOLE}
    figures |= {key: row.number(key) for key in _SPEC_REAL}
    spec = ModelSpec(
        name=name,
        blob=row.text("blob"),
        **figures,
        load_s=row.number("load_s", 0.0, low=0),
        first_load_s=row.optional_number("first_load_s"),
        overhead_s=row.number("overhead_s", 0.0, low=0),
        cpu_slowdown=row.number("cpu_slowdown", 1.0),
        parameters={} if num_predict is None else {"num_predict": num_predict},
        prompt_cache=_prompt_cache(row),
        slowdown_beside=row.number("slowdown_beside", 1.0, low=1),
        first_format_s=row.number("first_format_s", 0.0, low=0),
        manifest=row.text("manifest", ""),
    )
    return ModelProfile(
        spec=spec,
        source=row.text("source"),
        accuracy=by_task_type(row, (_accuracy(each, row.text("source")) for each in row.tables("accuracy"))),
        plain=plain,
        schema=schema,
        characters_per_token=row.optional_number("characters_per_token", low=_LEAST_LENGTH),
        estimate_per_token=row.optional_number("estimate_per_token", low=_LEAST_LENGTH),
        completion_tokens=_counts_by_type(row.table("completion_tokens")),
    )


def _counts_by_type(table: Fields) -> dict[str, tuple[int, ...]]:
    rows = ((read_task_type(table, key), tuple(map(round, read_numbers(table, key, low=1)))) for key in table)
    return by_task_type(table, rows)


def read_answer(row: Fields) -> RecordedAnswer:
    """Return one `[[answers]]` table."""
    row.only(("model", "request", "text", "prompt_tokens", "completion_tokens", "repeats", *_ANSWER_TIMES))
    text, repeats = row.raw("text"), row.flag("repeats", default=False)
    if not isinstance(text, str):
        raise row.fail("'text' must be a text")
    return RecordedAnswer(
        model=row.text("model"),
        request=row.text("request"),
        text=text,
        prompt_tokens=None if repeats else row.whole("prompt_tokens", low=1),
        completion_tokens=None if repeats else row.whole("completion_tokens", low=1),
        repeats=repeats,
        prefill_s=row.optional_number("prefill_s"),
        decode_s=row.optional_number("decode_s"),
        overhead_s=row.optional_number("overhead_s"),
    )


def _prompt_cache(row: Fields) -> PrefixReuse | None:
    if "prompt_cache" not in row:
        return None
    rule = row.text("prompt_cache")
    if rule not in PrefixReuse._value2member_map_:
        raise row.fail(f"prompt_cache {rule!r} is unknown; known are {', '.join(PrefixReuse)}")
    return PrefixReuse(rule)


def _call_costs(row: Fields) -> tuple[CallCost, CallCost]:
    """Return the costs of calls without and with a schema; where one kind is not told, the other stands for both."""
    plain, schema = (_call_cost(row.table(key)) if key in row else None for key in ("plain_calls", "schema_calls"))
    return plain or schema or CallCost(), schema or plain or CallCost()


def _call_cost(table: Fields) -> CallCost:
    rates = ("tokens_per_estimate", "system_tokens_per_estimate")
    table.only(("base_tokens", "tokens_per_character", *rates, "overhead_s"))
    default = CallCost()
    other = table.number(rates[0], low=0) if rates[0] in table or rates[1] in table else None
    return CallCost(
        base_tokens=table.number("base_tokens", default.base_tokens),
        tokens_per_character=table.number("tokens_per_character", default.tokens_per_character, low=0),
        rates=None if other is None else TokenRates(system=table.number(rates[1], other, low=0), other=other),
        overhead_s=table.optional_number("overhead_s"),
    )


def _accuracy(row: Fields, source: str) -> tuple[str, Accuracy]:
    """Return task type and accuracy; one without a source of its own has that of its model."""
    row.only(("type", "value", "source"))
    return read_task_type(row, row.text("type")), Accuracy(
        value=row.number("value", low=0, high=1), source=row.text("source", source)
    )


def by_task_type(row: Fields, rows: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Return the values by task type.

    Args:
        row: The table that the rows stand in.
        rows: Task type and value.

    Raises:
        ProfileError: A type appears twice.
    """
    found: dict[str, T] = {}
    for name, value in rows:
        if name in found:
            raise row.fail(f"type {name!r} appears twice; {TYPES_COMPARED}")
        found[name] = value
    return found


def read_task_type(row: Fields, text: str) -> str:
    """Return a task type, or `*` for the types that are not named.

    Args:
        row: The table that the type stands in.
        text: As it is written.

    Raises:
        ProfileError: It is neither a word nor `*`.
    """
    name = text if text == ANY_TYPE else type_name(text)
    if name is None:
        raise row.fail(f"{type_fault(text)}, or {ANY_TYPE!r} for the types that are not named")
    return name


def read_known_outcome(row: Fields) -> KnownOutcome:
    """Return one `[[known]]` table."""
    row.only(("job", "task", "model", "context", "scores", "completion_tokens"))
    context = row.text("context", "any")
    if context not in KNOWN_CONTEXTS:
        raise row.fail(f"context is {context!r}, but must be 'any', 'none' or 'wrong'")
    scores = read_numbers(row, "scores")
    if any(score > 1 for score in scores):
        raise row.fail("'scores' must be from 0 to 1")
    tokens = tuple(int(each) for each in read_numbers(row, "completion_tokens"))
    if not scores and not tokens:
        raise row.fail("has neither scores nor completion tokens")
    return KnownOutcome(
        job=row.text("job"),
        task=row.text("task"),
        model=row.text("model"),
        context=next(each for each in KNOWN_CONTEXTS if each == context),
        scores=scores,
        completion_tokens=tokens,
    )


def read_numbers(row: Fields, key: str, *, low: float = 0) -> tuple[float, ...]:
    """Return a list of finite numbers of at least `low`; empty if it is missing.

    Args:
        row: The table.
        key: The key of the list.
        low: The least that a number may be.

    Raises:
        ProfileError: It is no list of such numbers.
    """
    values = row.raw(key)
    if values is None:
        return ()
    if not isinstance(values, list):
        raise row.fail(f"{key!r} must be a list of numbers")
    cells = Fields({str(n): value for n, value in enumerate(values)}, where=f"{row.where}, {key!r}", error=row.error)
    return tuple(cells.number(each, low=low) for each in cells)
