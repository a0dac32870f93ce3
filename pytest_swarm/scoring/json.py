"""Scoring JSON: the share of expected fields that an answer gets right.

Which object counts, where an answer holds several: the one with most of the expected fields, the last among equals
(models repeat the format first and answer afterwards). Objects are looked for in <answer> where it holds any, else
everywhere: in fences and in prose. One that lies within another counts only where no object around it has any of the
fields. Only true JSON counts: single quotes and trailing commas do not.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from pytest_swarm.domain.expectation import JsonFields
from pytest_swarm.domain.expectation_fields import JsonScalar
from pytest_swarm.fields import json_values
from pytest_swarm.scoring.answer_regions import after_marker, enclosed_region
from pytest_swarm.scoring.asides import before_next_question
from pytest_swarm.scoring.equality import same_number
from pytest_swarm.scoring.kept_answers import once
from pytest_swarm.scoring.verdict import AnswerPlace, Score, share, shown, wrong

MAX_SHOWN_CHARS: Final = 200  # of the object in the score
MAX_DEPTH: Final = 20
_SPELLED: Final = re.compile(r"[-+]?(?:0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d{1,4})?")
_QUOTE_MARK: Final = re.compile(r"^ {0,3}> ?", re.MULTILINE)  # no line of JSON begins so, but in a Markdown quote
_ABSENT: Final = object()


def score_json(expected: JsonFields, text: str) -> Score:
    """Share of `expected.fields` that the answer's object holds with an equal value (see `same_value`)."""
    best = _best_object(expected, text)
    if best is None:
        return wrong("the answer holds no JSON object")
    values = _by_field(expected, best)
    quoted = expected.quoted_numbers
    faults = [
        fault for key, value in expected.fields.items() if (fault := _fault(key, value, values, quoted_numbers=quoted))
    ]
    score = share(len(expected.fields) - len(faults), len(expected.fields), "; ".join(faults))
    return replace(score, read=_read(best), where=AnswerPlace.OBJECT.value)


def _read(found: Mapping[str, object]) -> str | None:
    """The object as text; None for one that is nested too deep to be written."""
    try:
        return json.dumps(found, ensure_ascii=False)[:MAX_SHOWN_CHARS]
    except RecursionError:
        return None


def find_fields(expected: JsonFields, text: str) -> dict[str, object]:
    """The expected fields that the answer's object holds, right or wrong, under their expected names."""
    best = _best_object(expected, text)
    return {} if best is None else _by_field(expected, best)


@once(kept=64)  # it is scored, and handed on to later tasks
def _best_object(expected: JsonFields, text: str) -> Mapping[str, object] | None:
    region = enclosed_region(text)
    if region is not None and region[1] is AnswerPlace.TAG and "{" in region[0]:
        text = region[0]
    before = before_next_question(text)
    if before is not None and any(_by_field(expected, found) for found in find_objects(before, expected.fields)):
        text = before
    given = _object_after_marker(expected, text)
    if given is not None:
        return given
    best: Mapping[str, object] | None = None
    most = -1
    for candidate in find_objects(text, expected.fields):
        count = len(_by_field(expected, candidate))
        if count >= most:
            best, most = candidate, count
    return best


def _object_after_marker(expected: JsonFields, text: str) -> Mapping[str, object] | None:
    """The object with expected fields that follows the last "answer:" at once; None where there is none."""
    after = after_marker(text)
    if after is None or not after.lstrip(" \t\n*_`:").removeprefix("json").lstrip().startswith("{"):
        return None
    found = next(find_objects(after, expected.fields), None)
    return found if found is not None and _by_field(expected, found) else None


def _by_field(expected: JsonFields, candidate: Mapping[str, object]) -> dict[str, object]:
    """Expected name -> value; a name in another case or with space around it counts where the exact one is absent."""
    folded = {_folded(key): value for key, value in candidate.items()}
    values = {key: candidate.get(key, folded.get(_folded(key), _ABSENT)) for key in expected.fields}
    return {key: value for key, value in values.items() if value is not _ABSENT}


def same_value(expected: JsonScalar, found: object, *, quoted_numbers: bool = False) -> bool:
    """Whether a field's value is right.

    Whole numbers are compared exactly, others within 1e-9 (relative), so that 3 and 3.0 are the same. A text stands
    for a number or a truth value only with `quoted_numbers`, and only as a person writes it: "3" and "1,000", never
    "007" or "1,5".
    Texts are compared without surrounding space and case. true is neither 1 nor "true", and null only null.
    """
    if isinstance(expected, bool) or isinstance(found, bool):
        return str(expected).casefold() == str(found).strip().casefold() if quoted_numbers else expected is found
    if expected is None or found is None:
        return expected is None and found is None
    if not isinstance(found, str | int | float):
        return False
    if isinstance(expected, int | float):
        number = numeric(found, quoted=quoted_numbers)
        return number is not None and same_number(expected, number)
    return _folded(expected) == _folded(str(found))


def _folded(text: str) -> str:
    """A text as fields and their names are compared: composed, without surrounding space and case."""
    return unicodedata.normalize("NFC", text).strip().casefold()


def _fault(key: str, value: JsonScalar, values: Mapping[str, object], *, quoted_numbers: bool) -> str | None:
    if key not in values:
        return f"{key} is missing"
    found = values[key]
    same = same_value(value, found, quoted_numbers=quoted_numbers)
    return None if same else f"{key} is {shown(found)}, not {shown(value)}"


def numeric(value: str | int | float, *, quoted: bool) -> float | None:
    """The finite number that a value is, or, with `quoted`, that it spells; None where it is none."""
    if isinstance(value, str):
        if not quoted or _SPELLED.fullmatch(value.strip()) is None:
            return None
        value = float(value.strip().replace(",", ""))
    return value if isinstance(value, int) or math.isfinite(value) else None


def find_objects(text: str, fields: Iterable[str]) -> Iterator[Mapping[str, object]]:
    """The JSON objects in the text, in order; of those within others, only with more of `fields` than any around."""
    names = frozenset(_folded(field) for field in fields)
    text = _QUOTE_MARK.sub("", text)
    for value in json_values(text, opening="{", decoder=json.JSONDecoder()):
        yield from _outermost(value, names, MAX_DEPTH)


def _outermost(value: object, names: frozenset[str], depth: int, around: int = 0) -> Iterator[Mapping[str, object]]:
    """The objects in a value; of a field of one with some of the names, only an object that has more of them."""
    if depth == 0:
        return
    if isinstance(value, dict):
        count = len(names.intersection(map(_folded, value)))
        if count > around or not around:
            yield value
        value, around = list(value.values()), max(around, count)
        if around:  # the arguments of a tool call, but none of a list of others
            value = [each for each in value if isinstance(each, dict)]
    if isinstance(value, list):
        for each in value:
            yield from _outermost(each, names, depth - 1, around)
