"""What a task's answer is held against. Data only: the scorers live in `pytest_swarm.scoring`.

Every expectation is one frozen value with a `kind`; `expectation_codec` is the only way to and from JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Final, TypeAlias

from pytest_swarm.domain.expectation_fields import (
    JsonScalar,
    case_value,
    check_field,
    checked_items,
    checked_scalars,
)
from pytest_swarm.domain.rebuilt import Rebuilt
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Json

DEFAULT_CHOICES: Final = 18  # A to R, the most that BIG-Bench Hard has
RESULT_FUNCTIONS: Final = ("int", "set", "sorted", "tuple", "list", "str", "len", "abs", "bool", "float")
F1_STYLES: Final = ("squad", "drop")
MAX_CHOICES: Final = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFields(Rebuilt):
    """The answer is a JSON object with these fields; score = share of fields that are right.

    With `quoted_numbers`, a text that spells a number ("1,000") or a truth value ("true") counts as such.
    """

    kind: ClassVar[str] = "json"
    fields: Mapping[str, JsonScalar]
    quoted_numbers: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", MappingProxyType(checked_scalars(self.fields)))
        check_field(self, "quoted_numbers", bool)

    def __hash__(self) -> int:
        """Return a hash of the fields, in any order; their mapping has none."""
        return hash((frozenset(self.fields.items()), self.quoted_numbers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """The number that the answer gives equals `value` within `tolerance` (absolute)."""

    kind: ClassVar[str] = "number"
    value: float
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("value", "tolerance"):  # 25 and 25.0 must have the same digest
            check_field(self, name, float)
            object.__setattr__(self, name, float(getattr(self, name)))
        if not (math.isfinite(self.value) and math.isfinite(self.tolerance) and self.tolerance >= 0):
            raise GraphError(f"expected number: {self.value:g} within {self.tolerance:g} can never be checked")


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo:
    """The answer says yes (`value` True) or no."""

    kind: ClassVar[str] = "yes_no"
    value: bool

    def __post_init__(self) -> None:
        check_field(self, "value", bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The answer settles on one of the choices A, B, C ...: on `value`, out of `choices` (18 are A to R)."""

    kind: ClassVar[str] = "letter"
    value: str
    choices: int = DEFAULT_CHOICES

    def __post_init__(self) -> None:
        check_field(self, "value", str)
        object.__setattr__(self, "value", self.value.strip().strip("()").upper())
        object.__setattr__(self, "choices", choice_count(self.choices))
        if not 2 <= self.choices <= MAX_CHOICES:
            raise GraphError(f"expected letter: {self.choices} choices, but must be 2 to {MAX_CHOICES} (A to Z)")
        if not (len(self.value) == 1 and 0 <= ord(self.value) - ord("A") < self.choices):
            last = chr(ord("A") + self.choices - 1)
            raise GraphError(f"expected letter: {self.value!r} is none of the choices A to {last}")


def choice_count(choices: object) -> int:
    """Return how many choices there are: from a number, from letters ("ABCD", "A-D") or from the choices themselves.

    Raises:
        GraphError: It is none of these.
    """
    match choices:
        case bool():
            pass
        case int():
            return choices
        case str() if (ends := re.fullmatch(r"\s*A\s*(?:-|to)\s*([A-Z])\s*", choices)) is not None:
            return ord(ends[1]) - ord("A") + 1
        case str() if choices.isalpha():
            return len(choices)
        case list() | tuple():
            return len(choices)
    raise GraphError(f"expected letter: choices are {choices!r}, but must be a number, letters or a list")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keywords:
    """The answer mentions these words, in any case; score = share of words found."""

    kind: ClassVar[str] = "keywords"
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", checked_items(self, "words", str))
        if not self.words:
            raise GraphError("expected keywords: no words given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """The answer that a reply gives equals `text`, but for case, space, Unicode form, article and final stop.

    With `strict` the whole reply must be the text, but for a fence, surrounding space and case.
    """

    kind: ClassVar[str] = "exact"
    text: str
    strict: bool = False

    def __post_init__(self) -> None:
        check_field(self, "text", str)
        check_field(self, "strict", bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regex:
    """The answer contains a match of `pattern` (Python syntax)."""

    kind: ClassVar[str] = "regex"
    pattern: str

    def __post_init__(self) -> None:
        check_field(self, "pattern", str)
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise GraphError(f"expected regex: {self.pattern!r} does not compile: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCase:
    """One call of the function under test: positional arguments and the value it must return.

    Values that JSON does not know are kept as tables of one tag (see `python_values`): {"$tuple": [1, 2]} for (1, 2).
    `through` names a function of one argument that is applied to the result (int, set, sorted, tuple, list, str, len,
    abs, bool, float); `tolerance` is absolute, beyond the one that all floats have.
    """

    kind: ClassVar[str] = "code"
    args: tuple[Json, ...] = field(hash=False)  # may hold lists, which have no hash
    returns: Json = field(hash=False)
    through: str | None = None
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", tuple(map(case_value, checked_items(self, "args"))))
        object.__setattr__(self, "returns", case_value(self.returns))
        if self.through is not None and self.through not in RESULT_FUNCTIONS:
            raise GraphError(
                f"expected code: 'through' is {self.through!r}, but must be one of {', '.join(RESULT_FUNCTIONS)}"
            )
        if not (math.isfinite(self.tolerance) and self.tolerance >= 0):
            raise GraphError(f"expected code: tolerance is {self.tolerance:g}, but must be 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCode:
    """The answer holds Python code that defines `entry_point`; `cases` are run only where the user asked for it."""

    kind: ClassVar[str] = "code"
    entry_point: str
    cases: tuple[CodeCase, ...] = ()

    def __post_init__(self) -> None:
        check_field(self, "entry_point", str)
        object.__setattr__(self, "cases", checked_items(self, "cases", CodeCase))
        if not self.entry_point.isidentifier():
            raise GraphError(f"expected code: entry point {self.entry_point!r} is not a Python name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A judge model grades the answer against `rubric`, 0 to 1; unscored where no judge was named."""

    kind: ClassVar[str] = "judge"
    rubric: str

    def __post_init__(self) -> None:
        check_field(self, "rubric", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """A function of the answer's text gives the score, 0 to 1, or None for unscored.

    Only `name` is written to files: a run is never scored again from its events.
    """

    kind: ClassVar[str] = "custom"
    name: str
    function: Callable[[str], float | None] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_field(self, "name", str)
        if self.function is not None and not callable(self.function):
            raise GraphError(f"expected custom: function is {self.function!r}, but must be a function of the answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenF1:
    """Score = F1 of the words that the answer shares with the best of `answers`, as SQuAD or DROP publish it."""

    kind: ClassVar[str] = "token_f1"
    answers: tuple[str, ...]
    style: str = "squad"

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", checked_items(self, "answers", str))
        if not self.answers:
            raise GraphError("expected token_f1: no answers given")
        if self.style not in F1_STYLES:
            raise GraphError(f"expected token_f1: style is {self.style!r}, but must be one of {', '.join(F1_STYLES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RougeL:
    """Score = ROUGE-L (F measure, stemmed) of the answer against `reference`; needs the package rouge-score."""

    kind: ClassVar[str] = "rouge_l"
    reference: str

    def __post_init__(self) -> None:
        check_field(self, "reference", str)


Expectation: TypeAlias = (
    JsonFields | Number | YesNo | Letter | Keywords | Exact | Regex | PythonCode | Judge | Custom | TokenF1 | RougeL
)
