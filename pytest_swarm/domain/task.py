"""Task: one LLM call of a workflow."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import UnionType
from typing import Final

from pytest_swarm.domain.derived_expectation import DERIVABLE
from pytest_swarm.domain.expectation import Expectation
from pytest_swarm.domain.expectation_codec import decode_expectation, encode_expectation
from pytest_swarm.domain.formula import check_formula
from pytest_swarm.errors import GraphError
from pytest_swarm.fields import Fields, Json, shown

MIN_DIFFICULTY: Final = 1.0
MAX_DIFFICULTY: Final = 5.0
MAX_ESTIMATED_TOKENS: Final = 10**12  # far above every context, and costs and times of so many stay finite
NEEDS_NO_INPUT: Final = "expected"  # as a formula: `expected` is right, whatever the parents answered


MAX_TYPE_CHARS: Final = 60
GENERAL: Final = "general"  # the type of a task of which nothing is known
TYPES_COMPARED: Final = "types are compared in lower case, with accents as parts of their letters"
ANY_TYPE: Final = "*"  # in a fleet or profile: every type that it does not name


class TaskType(StrEnum):
    """The usual types of tasks. A type is any word; a model's capability prior is given per type."""

    CODE = "code"
    MATH = "math"
    REASONING = "reasoning"
    EXTRACTION = "extraction"
    SUMMARIZE = "summarize"
    CREATIVE = "creative"


def type_name(word: str) -> str | None:
    """Return a type of task as it is compared: in lower case, without blanks around it; None for what is no type.

    A type has one line of at most 60 characters, and is not `*`. An accent is part of its letter (Unicode NFC).
    """
    name = unicodedata.normalize("NFC", word.strip().lower())
    return name if name and name.isprintable() and len(name) <= MAX_TYPE_CHARS and name != ANY_TYPE else None


def in_type_order(types: Iterable[str]) -> tuple[str, ...]:
    """Return task types as they are listed: the usual ones first, the others by name, each once; `*` last."""
    place = {str(usual): n for n, usual in enumerate(TaskType)}
    return tuple(sorted(set(types), key=lambda name: (name == ANY_TYPE, place.get(name, len(place)), name)))


def type_fault(word: str) -> str:
    """Return the sentence that says why a word is no type of task."""
    return f"{word!r:.80} is no task type; write a word of 1 to {MAX_TYPE_CHARS} characters, such as code or math"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One LLM call: what is asked, how hard it is believed to be (1..5), and what is expected (None = unscored).

    `type` is any word (`TaskType` has the usual ones), compared in lower case.

    `estimated_tokens` counts prompt and completion together, as the routers' cost estimate does. `derive`
    is a formula over the parents' answers (`pytest_swarm.domain.formula`) that gives what is right for the inputs
    that the task really had; `expected` is what is right for the right inputs. `derive="expected"` says that the
    inputs do not matter. `system` is sent as a system message before the prompt. Both may contain placeholders of
    earlier tasks' answers (`pytest_swarm.domain.placeholders`). `source_model` is the model that the task had in the
    workflow that it was imported from; routers do not read it. `reference_model` is the model whose answer `expected`
    is, so that a score is agreement with it; None where `expected` is held to be true.
    """

    id: str
    type: str
    prompt: str
    estimated_tokens: int
    difficulty: float = MIN_DIFFICULTY
    expected: Expectation | None = None
    derive: str | None = None
    system: str | None = None
    source_model: str | None = None
    reference_model: str | None = None
    derives_from: frozenset[str] = field(init=False, repr=False, compare=False)
    """The tasks whose answers its formula uses."""

    def __post_init__(self) -> None:
        _check_kinds(self)
        if not self.id.strip():
            raise GraphError("a task has an empty id; give every task its own name")
        name = type_name(self.type)
        if name is None:
            raise GraphError(f"task {self.id!r}: {type_fault(self.type)}")
        object.__setattr__(self, "type", name)
        if not self.prompt.strip():
            raise GraphError(f"task {self.id!r}: the prompt is empty")
        if self.system is not None and not self.system.strip():
            raise GraphError(f"task {self.id!r}: the system prompt is empty; leave 'system' out")
        if not 1 <= self.estimated_tokens <= MAX_ESTIMATED_TOKENS:
            bound = "at least 1" if self.estimated_tokens < 1 else f"at most {MAX_ESTIMATED_TOKENS:,}"
            found = shown(self.estimated_tokens)
            raise GraphError(f"task {self.id!r}: estimated_tokens is {found}, but must be {bound}")
        object.__setattr__(self, "difficulty", float(self.difficulty))  # 2 and 2.0 must have the same digest
        if not (math.isfinite(self.difficulty) and MIN_DIFFICULTY <= self.difficulty <= MAX_DIFFICULTY):
            raise GraphError(f"task {self.id!r}: difficulty is {self.difficulty:g}, but must be from 1 to 5")
        derives_from = _NO_TASKS if self.derive is None else _checked_formula(self.id, self.derive, self.expected)
        object.__setattr__(self, "derives_from", derives_from)

    @property
    def formula(self) -> str | None:
        """The formula that gives what is right for its inputs; None where `expected` always is."""
        return None if self.derive == NEEDS_NO_INPUT else self.derive

    @property
    def whole_prompt(self) -> str:
        """System text and prompt as one text."""
        return self.prompt if self.system is None else f"{self.system}\n\n{self.prompt}"


_NO_TASKS: Final = frozenset[str]()  # one for all: an empty set takes as much memory as the rest of a task
_KINDS: Final[tuple[tuple[str, type | UnionType, str], ...]] = (
    ("id", str, "a text"),
    ("type", str, "a text"),
    ("prompt", str, "a text"),
    ("estimated_tokens", int, "a whole number"),
    ("difficulty", int | float, "a number"),
    ("expected", Expectation | None, "an expectation such as Number(value=3), or None"),
    ("derive", str | None, "a formula as text, or None"),
    ("system", str | None, "a text, or None"),
    ("source_model", str | None, "a text, or None"),
    ("reference_model", str | None, "a text, or None"),
)


def _check_kinds(task: Task) -> None:
    """Raise GraphError for a value of the wrong type: a graph built in Python passes no loader."""
    for name, kind, article in _KINDS:
        value = getattr(task, name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise GraphError(f"task {task.id!r}: {name} must be {article}, found {value!r:.60}")


def _checked_formula(task_id: str, formula: str, expected: Expectation | None) -> frozenset[str]:
    """Return the tasks that a formula uses; raise GraphError for what is none, or cannot derive what is expected."""
    if formula == NEEDS_NO_INPUT and expected is not None:
        return _NO_TASKS
    if expected is None:
        raise GraphError(
            f"task {task_id!r}: has derive, and no expected: the formula says what is right for what parents really "
            "answered, expected what is right for right answers. Give both, or neither"
        )
    if not isinstance(expected, DERIVABLE):
        kinds = ", ".join(kind.kind for kind in DERIVABLE)
        raise GraphError(f"task {task_id!r}: only an expectation of {kinds} can be derived from parents' answers")
    try:
        return check_formula(formula)
    except GraphError as error:
        raise GraphError(f"task {task_id!r}: {error}") from error


_LATER_KEYS: Final = ("derive", "system", "source_model", "reference_model")
_KEYS: Final = ("id", "type", "prompt", "estimated_tokens", "difficulty", "expected", *_LATER_KEYS)


def encode_task(task: Task) -> dict[str, Json]:
    """Return the JSON object of a task; without the fields that were added later where unset: its digest stays."""
    later: dict[str, Json] = {key: getattr(task, key) for key in _LATER_KEYS}
    return {
        "id": task.id,
        "type": task.type,
        "prompt": task.prompt,
        "estimated_tokens": task.estimated_tokens,
        "difficulty": task.difficulty,
        "expected": None if task.expected is None else encode_expectation(task.expected),
        **{key: value for key, value in later.items() if value is not None},
    }


def decode_task(fields: Fields, *, also: tuple[str, ...] = ()) -> Task:
    """Return the task of a JSON or TOML table.

    Args:
        fields: The table.
        also: Keys that the caller reads, such as `after`.
    """
    fields.only((*_KEYS, *also))
    if "expected" in fields and not isinstance(given := fields.raw("expected"), Mapping):
        raise fields.fail(
            f"'expected' must be a table, such as {{ kind = \"number\", value = 42 }}, not {shown(given)}"
        )
    return Task(
        id=fields.text("id"),
        type=fields.text("type"),
        prompt=fields.text("prompt"),
        estimated_tokens=fields.whole("estimated_tokens", low=1),
        difficulty=fields.number("difficulty", MIN_DIFFICULTY),
        expected=decode_expectation(fields.table("expected")) if "expected" in fields else None,
        derive=fields.optional_text("derive"),
        system=fields.optional_text("system"),
        source_model=fields.optional_text("source_model"),
        reference_model=fields.optional_text("reference_model"),
    )
