"""Scoring Python code: found in the answer, parsed, and, only when asked, run on the task's cases in the sandbox."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import Final

from pytest_swarm.domain.expectation import PythonCode
from pytest_swarm.scoring.answer_text import fences
from pytest_swarm.scoring.verdict import RIGHT, Score, share, unscored, wrong

MAX_CODE_CHARS: Final = 50_000
_PYTHON: Final = frozenset({"python", "py", "python3", "py3", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCode:
    """Code that parses and defines the entry point, or None and why there is none."""

    code: str | None
    fault: str = ""


def score_code_statically(expected: PythonCode, text: str) -> Score:
    """1 where the answer holds code that parses and defines the entry point; nothing is run."""
    found = find_code(text, expected.entry_point)
    return wrong(found.fault) if found.code is None else RIGHT


def score_code_by_running(expected: PythonCode, text: str) -> Score:
    """Share of `expected.cases` that the answer's code passes in the sandbox; without cases, the static score.

    Not pure: starts a process. Unscored where the sandbox itself fails. Raises ScoringError where there is none.
    """
    from pytest_swarm.scoring.sandbox.run_cases import run_cases

    found = find_code(text, expected.entry_point)
    if found.code is None:
        return wrong(found.fault)
    if not expected.cases:
        return RIGHT
    verdict = run_cases(found.code, expected)
    if verdict.broken is not None:
        return unscored(verdict.broken)
    faults = [f"case {number}: {fault}" for number, fault in enumerate(verdict.faults, 1) if fault is not None]
    return share(len(verdict.faults) - len(faults), len(verdict.faults), "; ".join(faults[:3]))


def find_code(text: str, entry_point: str) -> FoundCode:
    """The answer's code for `entry_point`: the last Python or nameless block that defines it.

    Blocks before it that only import and define go in front of it, because a helper may stand in a block of its own.
    A text without such blocks may be nothing but code.
    """
    blocks = [block.text for block in fences(text) if block.language in _PYTHON]
    candidates = blocks or [text]
    fault = ""
    for last in reversed(range(len(candidates))):
        problem = _problem(candidates[last], entry_point)
        if problem is None:
            helpers = [block for block in candidates[:last] if _only_defines(block)]
            return FoundCode(code="\n\n".join((*helpers, candidates[last])))
        fault = fault or problem
    return FoundCode(code=None, fault=fault)


def _problem(code: str, entry_point: str) -> str | None:
    """Why the code will not do, None where it parses and defines the entry point at its top level."""
    tree = _parsed(code)
    if isinstance(tree, str):
        return tree
    return None if entry_point in _defined(tree) else f"the code does not define {entry_point}"


def _parsed(code: str) -> ast.Module | str:
    """The syntax tree, or why there is none."""
    if len(code) > MAX_CODE_CHARS:
        return f"the code is longer than {MAX_CODE_CHARS} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a model's "\d" is bad style, not our warning
            return ast.parse(code)
    except SyntaxError as error:
        return f"the code does not parse: {error.msg} in line {error.lineno}"
    except (ValueError, RecursionError, MemoryError):
        return "the code does not parse"


def _only_defines(code: str) -> bool:
    tree = _parsed(code)
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    return isinstance(tree, ast.Module) and all(isinstance(node, kinds) for node in tree.body)


def _defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                names.add(name)
            case _:
                pass
    return names
