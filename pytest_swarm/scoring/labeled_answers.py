"""Labeled answers: rows of a file that say what was expected, what a model wrote, and whether a person calls it right.

They show how far a scorer agrees with people. Knows no command line.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from types import MappingProxyType
from typing import Final, get_args

from pytest_swarm.documents import parse_json, read_text
from pytest_swarm.domain.expectation import Custom, Expectation, Judge, PythonCode
from pytest_swarm.domain.vacuous_expectation import written_expectation
from pytest_swarm.errors import ScoringError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.scoring.answer_text import readable
from pytest_swarm.scoring.code import score_code_by_running
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.scoring.verdict import Score

_OF_ONE_VALUE: Final = tuple(each for each in get_args(Expectation) if each not in (PythonCode, Judge, Custom))
_FIELD_OF_KIND: Final[Mapping[str, str]] = MappingProxyType(
    {each.kind: fields_of(each)[0].name for each in _OF_ONE_VALUE}
)
"""Kind -> the field of its expectation that a row's `expected` gives, the first; a code row gives several."""

_OPTIONS: Final = tuple(dict.fromkeys(row.name for each in _OF_ONE_VALUE for row in fields_of(each)[1:]))
_FIELDS: Final = ("kind", "expected", "text", "right", *_OPTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabeledAnswer:
    """A row: its fields as read, what is expected, what was written, and the label, None where it has none."""

    line: int
    row: Mapping[str, Json]
    expected: Expectation
    text: str
    right: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAnswer:
    """A labeled answer and its score."""

    answer: LabeledAnswer
    score: Score

    @property
    def agrees(self) -> bool | None:
        """Whether the score says what the label says: 1 for right, less for wrong. None without score or label."""
        if self.answer.right is None or self.score.value is None:
            return None
        return (self.score.value == 1) == self.answer.right

    def encode(self) -> dict[str, Json]:
        """The row with its score, the words that were read, and their place."""
        score = self.score
        found: dict[str, Json] = {
            "score": score.value,
            "read": score.read,
            "where": score.where,
            "detail": score.detail,
        }
        return {**self.answer.row, **found}


@dataclass(frozen=True, slots=True, kw_only=True)
class KindAgreement:
    """How the answers of one kind were scored.

    Attributes:
        kind: The kind of expectation.
        rows: How many rows there are.
        full: How many have score 1.
        unscored: How many have no score.
        labeled: How many have a score and a label.
        agreed: How many of those agree.
    """

    kind: str
    rows: int
    full: int
    unscored: int
    labeled: int
    agreed: int

    @property
    def agreement(self) -> float | None:
        """Share of the labeled rows that agree; None where there are none."""
        return self.agreed / self.labeled if self.labeled else None


def read_labeled_answers(path: str | os.PathLike[str]) -> tuple[LabeledAnswer, ...]:
    """Return the rows of a JSON lines file; ScoringError names file, line and field where one is wrong."""
    answers = []
    for number, line in enumerate(read_text(path, ScoringError).split("\n"), 1):
        if line.strip():
            where = f"{path}, line {number}"
            answers.append(_answer(number, parse_json(line, where, ScoringError), where))
    if not answers:
        raise ScoringError(f"{path}: holds no rows")
    return tuple(answers)


def score_labeled_answers(answers: Iterable[LabeledAnswer], *, run_code: bool = False) -> tuple[ScoredAnswer, ...]:
    """Return every answer with its score.

    Code is run with `run_code` only, in the sandbox, and only where the kernel confines it; else it stays unscored.
    """
    return tuple(ScoredAnswer(answer=answer, score=_score(answer, run_code=run_code)) for answer in answers)


def agreement_by_kind(scored: Sequence[ScoredAnswer]) -> tuple[KindAgreement, ...]:
    """Return how each kind was scored, in the order in which the kinds appear."""
    kinds = dict.fromkeys(each.answer.expected.kind for each in scored)
    return tuple(_agreement(kind, [each for each in scored if each.answer.expected.kind == kind]) for kind in kinds)


def _agreement(kind: str, scored: Sequence[ScoredAnswer]) -> KindAgreement:
    verdicts = [each.agrees for each in scored if each.agrees is not None]
    return KindAgreement(
        kind=kind,
        rows=len(scored),
        full=sum(each.score.value == 1 for each in scored),
        unscored=sum(each.score.value is None for each in scored),
        labeled=len(verdicts),
        agreed=sum(verdicts),
    )


def _score(answer: LabeledAnswer, *, run_code: bool) -> Score:
    if run_code and isinstance(answer.expected, PythonCode):
        return score_code_by_running(answer.expected, readable(answer.text), strict=True)
    return score_text(answer.expected, answer.text)


def _answer(line: int, row: Json, where: str) -> LabeledAnswer:
    fields = Fields(row, where=where, error=ScoringError)
    _refuse_misspelled(fields)
    table = json.loads(json.dumps(row))
    return LabeledAnswer(
        line=line,
        row=MappingProxyType(table),
        expected=_decoded(_expectation(fields, table), where),
        text=fields.text("text"),
        right=fields.flag("right") if "right" in fields else None,
    )


def _refuse_misspelled(fields: Fields) -> None:
    """Raise for a field whose name is nearly one of a row's; fields of other names are the file's own notes."""
    for name in fields:
        if name not in _FIELDS and (near := difflib.get_close_matches(name.lower(), _FIELDS, n=1, cutoff=0.75)):
            raise fields.fail(f"unknown field {name!r}; did you mean {near[0]!r}? Known fields: {', '.join(_FIELDS)}")


def _decoded(table: dict[str, Json], where: str) -> Expectation:
    """The expectation of a table; an error names the row's own field, which is `expected`."""
    try:
        return written_expectation(Fields(table, where=where, error=ScoringError))
    except ScoringError as error:
        field = _FIELD_OF_KIND.get(str(table["kind"]))
        sentence = str(error).removeprefix(where).replace(repr(field), "'expected'", 1)
        raise ScoringError(where + sentence) from error


def _expectation(fields: Fields, row: Mapping[str, Json]) -> dict[str, Json]:
    """The table of the row's expectation: `expected` under its kind's name for it, and the kind's options."""
    kind, expected = fields.text("kind"), row.get("expected")
    if expected is None:
        raise fields.fail("'expected' is missing")
    options = {name: row[name] for name in _OPTIONS if name in row}
    if isinstance(expected, dict) and expected.get("kind") == kind:
        return expected
    if kind == "code":
        return {"kind": kind, **expected} if isinstance(expected, dict) else {"kind": kind, "entry_point": expected}
    field = _FIELD_OF_KIND.get(kind)
    if field is None:
        known = ", ".join((*_FIELD_OF_KIND, "code"))
        raise fields.fail(f"kind is {kind!r}, but labeled answers are of kind {known}")
    return {"kind": kind, field: expected, **options}
