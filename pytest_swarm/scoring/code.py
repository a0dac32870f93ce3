"""Scoring Python code: found in the answer, parsed, and, only when asked, run on the task's cases in the sandbox.

Code is looked for in an <answer>, in fenced blocks, else in a text that is mostly code, else in indented blocks, else
in a span in backticks.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.expectation import PythonCode
from pytest_swarm.scoring.answer_regions import enclosed_region
from pytest_swarm.scoring.asides import before_next_question
from pytest_swarm.scoring.code_statements import (
    MAX_CODE_CHARS,
    does_nothing,
    helpers,
    parse,
    problem,
    without_demonstrations,
    without_unused_packages,
)
from pytest_swarm.scoring.fences import Fence, before_first_fence, fences
from pytest_swarm.scoring.verdict import EMPTY, RIGHT, AnswerPlace, Score, unscored, wrong

NO_CASES = "there is no case to run, so nothing is known of this code"
_MAX_CUTS: Final = 20  # of prose after code without a fence
_PYTHON: Final = frozenset({"python", "py", "python3", "py3", "python2", ""})
_MARKDOWN: Final = frozenset({"markdown", "md"})
_FIRST_LINES: Final = 5  # of which one has a prompt in a transcript
_MAX_INLINE: Final = 20
_INDENTED: Final = re.compile(r"(?:\A|(?<=\n\n))(?:(?: {4}|\t)[ \t]*\S[^\n]*\n|[ \t]*\n)+")
_INLINE: Final = re.compile(r"(?<!`)`([^`\n]{8,400})`(?!`)")
_FIRST_WORDS: Final = ("def ", "class ", "import ", "from ", "@", "async def ")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCode:
    """Code that parses and defines the entry point, or None and why there is none."""

    code: str | None
    fault: str = ""


def score_code_statically(expected: PythonCode, text: str) -> Score:
    """1 where the answer holds code that parses and defines the entry point; nothing is run.

    0 for a function that does nothing. Unscored where the task has no cases: no run could tell right from wrong.
    """
    found = find_code(text, expected.entry_point)
    if found.code is None:
        return wrong(found.fault)
    if not expected.cases:
        return unscored(NO_CASES)
    if does_nothing(found.code, expected.entry_point):
        return wrong(f"{expected.entry_point} does nothing")
    return RIGHT


def score_code_by_running(expected: PythonCode, text: str, *, strict: bool = False) -> Score:
    """Share of `expected.cases` that the answer's code passes in the sandbox; 0 for an empty answer.

    Not pure: starts a process. Unscored where there is no case, and where the sandbox itself fails. With `strict`,
    code is run only where the kernel confines it. Raises ScoringError where there is no sandbox.
    """
    from pytest_swarm.scoring.sandbox.run_cases import run_cases

    if not text:
        return EMPTY
    found = find_code(text, expected.entry_point)
    if found.code is None:
        return wrong(found.fault)
    if not expected.cases:
        return unscored(NO_CASES)
    results = run_cases(found.code, expected, strict=strict)
    if results.broken is not None:
        return Score(value=None, detail=results.broken, layers=results.layers)
    faults = [f"case {number}: {fault}" for number, fault in enumerate(results.faults, 1) if fault is not None]
    total = len(results.faults)
    detail = "; ".join(faults[:3]) or None
    return Score(value=(total - len(faults)) / total, detail=detail, layers=results.layers)


def find_code(text: str, entry_point: str) -> FoundCode:
    """Return the answer's code for `entry_point`: the last Python or nameless block that defines it.

    What other blocks import and define goes in front of it, because a helper may stand in a block of its own; what
    they do besides (a demonstration, a print) is left out. In a text without blocks, the code begins at the first line
    that can begin one.
    """
    region = enclosed_region(text)
    if region is not None and region[1] is AnswerPlace.TAG and entry_point in region[0]:
        text = region[0]
    before = before_next_question(text)
    if before is not None and (found := find_code(before, entry_point)).code is not None:
        return found
    blocks = [_typed_in(textwrap.dedent(block.text)) for block in _blocks(text) if block.language in _PYTHON]
    found = _last_that_defines(blocks or [_unfenced_code(text)], entry_point)
    if found.code is None:  # the opening fence is missing, or the code is indented, or a span within a line
        spans = [*_INLINE.findall(text)[-_MAX_INLINE:], *_indented_blocks(text)]
        other = _last_that_defines([_unfenced_code(before_first_fence(text))] if blocks else spans, entry_point)
        return found if other.code is None else other
    return found


def _last_that_defines(candidates: list[str], entry_point: str) -> FoundCode:
    """The last candidate that defines the entry point, with its helpers and without its demonstrations."""
    fault = ""
    for number in reversed(range(len(candidates))):
        found = problem(candidates[number], entry_point)
        if found is None:
            parts = (*helpers(candidates, number, entry_point), without_demonstrations(candidates[number], entry_point))
            return FoundCode(code=without_unused_packages("\n\n".join(parts), entry_point))
        fault = fault or found
    return FoundCode(code=None, fault=fault)


def _typed_in(code: str) -> str:
    """The code of a transcript of the interactive interpreter, without prompts and output; other code as it is."""
    lines = code.split("\n")
    if not any(line.startswith(">>> ") for line in lines[:_FIRST_LINES]):
        return code
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... ")) or line.rstrip() in (">>>", "..."))


def _blocks(text: str) -> Iterator[Fence]:
    """The fenced blocks of a text; in place of a Markdown block, the blocks in it."""
    for block in fences(text):
        if block.language in _MARKDOWN:
            yield from fences(block.text)
        else:
            yield block


def _indented_blocks(text: str) -> list[str]:
    """The blocks that Markdown sets as code by their indent; none where code begins at the margin."""
    if any(line.startswith(_FIRST_WORDS) for line in text.split("\n")):
        return []
    blocks = _INDENTED.findall(text.replace("\r\n", "\n") + "\n")[-_MAX_INLINE:]
    return [_typed_in(textwrap.dedent(block)) for block in blocks]


def _unfenced_code(text: str) -> str:
    """The code in a text without fences: all of it, else from the first line of code to where it breaks off."""
    if len(text) > MAX_CODE_CHARS:
        return text
    lines = text.split("\n")
    start = next((number for number, line in enumerate(lines) if line.startswith(_FIRST_WORDS)), None)
    if start is None:
        return _typed_in(text)
    end = len(lines)
    for _ in range(_MAX_CUTS):
        code = "\n".join(lines[start:end])
        try:
            parse(code)
        except SyntaxError as error:
            broken = start + min(error.lineno or 1, end - start) - 1
            end = next((at for at in range(broken, start, -1) if lines[at][:1].strip()), start)
            if end == start:
                return text
        except (ValueError, RecursionError, MemoryError):
            return text
        else:
            return code
    return text
