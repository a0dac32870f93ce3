"""Which scorer reads which expectation: `score_text` for all that is pure, `Scorers` for a run.

The order of `_score` is that of the table in docs/scoring.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import iscoroutine
from numbers import Real

from pytest_swarm.domain.expectation import (
    Custom,
    Exact,
    Expectation,
    JsonFields,
    Judge,
    Keywords,
    Letter,
    Number,
    PythonCode,
    Regex,
    RougeL,
    TokenF1,
    YesNo,
)
from pytest_swarm.domain.task import Task
from pytest_swarm.errors import ScoringError
from pytest_swarm.scoring.answer_text import readable
from pytest_swarm.scoring.code import score_code_by_running, score_code_statically
from pytest_swarm.scoring.conditional_score import local_expectation
from pytest_swarm.scoring.json import score_json
from pytest_swarm.scoring.judge import JudgeModel, score_by_judge
from pytest_swarm.scoring.kept_answers import once
from pytest_swarm.scoring.letters import score_letter
from pytest_swarm.scoring.numbers import score_number
from pytest_swarm.scoring.overlap import score_rouge_l, score_token_f1
from pytest_swarm.scoring.regex import score_regex
from pytest_swarm.scoring.text import score_exact, score_keywords
from pytest_swarm.scoring.verdict import EMPTY, Score, unscored
from pytest_swarm.scoring.yes_no import score_yes_no


def score_text(expected: Expectation | None, answer: str) -> Score:
    """Return the score of an answer by everything that needs no model and runs no code.

    An empty answer scores 0. Code is checked statically. Unscored: no expectation, code without cases, an answer that
    only a judge can grade, a custom scorer without its function. Raises ScoringError where a custom function fails.

    A short answer is scored once, but for a custom function.
    """
    return _score(expected, answer) if isinstance(expected, Custom) else _known_score(expected, answer)


def _score(expected: Expectation | None, answer: str) -> Score:
    if expected is None:
        return unscored("nothing is expected of this task")
    text = readable(answer)
    if not text:
        return EMPTY
    match expected:
        case JsonFields():
            return score_json(expected, text)
        case Number():
            return score_number(expected, text)
        case YesNo():
            return score_yes_no(expected, text)
        case Letter():
            return score_letter(expected, text)
        case Keywords():
            return score_keywords(expected, text)
        case Exact():
            return score_exact(expected, text)
        case Regex():
            return score_regex(expected, text)
        case PythonCode():
            return score_code_statically(expected, text)
        case TokenF1():
            return score_token_f1(expected, text)
        case RougeL():
            return score_rouge_l(expected, text)
        case Judge():
            return unscored("graded by a judge only")
        case Custom():
            return _score_by_function(expected, text)


_known_score = once(kept=1024)(_score)


@dataclass(frozen=True, slots=True)
class Scorers:
    """All scorers of a run. Code is run, in the sandbox, only with `run_code`; judged tasks need a `judge`.

    `strict` runs code only where the kernel confines it. `threads` moves the sandbox off the event loop. A loop on
    virtual time must leave it off: it would not wait.
    """

    run_code: bool = False
    judge: JudgeModel | None = None
    threads: bool = False
    strict: bool = False

    async def score(self, task: Task, answer: str) -> Score:
        """Return the score of a task's answer; ScoringError names the task whose custom function fails."""
        return await self._score_against(task.expected, task, answer)

    async def local_score(self, task: Task, answer: str, given: Sequence[tuple[Task, str]]) -> Score:
        """Return the score for the inputs that the task really had: `given`, its parents and their answers.

        For a task that derives nothing it is `score`. Unscored where the parents' answers cannot be used.
        """
        expected = local_expectation(task, given)
        if expected is None and task.expected is not None:
            return unscored("the parents' answers cannot be used")
        return await self._score_against(expected, task, answer)

    async def _score_against(self, expected: Expectation | None, task: Task, answer: str) -> Score:
        """Return the score of a task's answer by an expectation, which need not be the task's own."""
        if isinstance(expected, Judge):
            return await score_by_judge(self.judge, expected, task.prompt, answer)
        try:
            if isinstance(expected, PythonCode) and self.run_code:
                return await self._run(expected, answer)
            return score_text(expected, answer)
        except ScoringError as error:
            raise ScoringError(f"task {task.id!r}: {error}") from error

    async def _run(self, expected: PythonCode, answer: str) -> Score:
        text = readable(answer)
        if not self.threads:
            return score_code_by_running(expected, text, strict=self.strict)
        import asyncio

        return await asyncio.to_thread(score_code_by_running, expected, text, strict=self.strict)


def _score_by_function(expected: Custom, text: str) -> Score:
    """Return what the user's function says; pytest's own outcomes (skip, fail, a time limit) pass through."""
    if expected.function is None:
        return unscored(f"the function of custom scorer {expected.name!r} is not available")
    try:
        value = expected.function(text)
        score = None if value is None else _share(value)
    except (Exception, SystemExit, GeneratorExit, _cancellation()) as error:  # it is the user's
        raise ScoringError(f"custom scorer {expected.name!r} failed: {_in_words(error)}") from error
    if value is None:
        return unscored(f"custom scorer {expected.name!r} gave no score")
    if score is None:
        wanted = "a number from 0 to 1, or None"
        raise ScoringError(f"custom scorer {expected.name!r} gave {_shown(value)}, but must give {wanted}")
    return Score(value=score)


def _share(value: object) -> float | None:
    """Return a number from 0 to 1, of NumPy or the standard library too; None for anything else."""
    return float(value) if isinstance(value, Real) and not value < 0 and value <= 1 else None


def _cancellation() -> type[BaseException]:
    """Return what asyncio raises in a cancelled task: from a plain function it can only be the function's own."""
    import asyncio

    return asyncio.CancelledError


def _in_words(error: BaseException) -> str:
    """Return the kind and the text of an error, whose text may fail itself."""
    kind = type(error).__name__
    try:
        return f"{kind}: {error}"
    except Exception:  # noqa: BLE001 - the text is made by a class of the user's
        return kind


def _shown(value: object) -> str:
    """Return a value for a message: the same words in each run, so no address, and whatever its class does."""
    if iscoroutine(value):
        value.close()  # it would warn that nothing awaited it
        return "a coroutine (it must be a function that is not async)"
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 - so is the form of a value, and int has none beyond 4,300 digits
        shown = ""
    return shown if shown and " at 0x" not in shown else f"an object of type {type(value).__name__}"
