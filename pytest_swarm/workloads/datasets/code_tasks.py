"""Programming tasks: HumanEval and MBPP (JSON lines).

Their tests are Python. They are never run here: assertions about constants are read as cases (see `assertion_cases`),
all others are left out. A task without such an assertion stays unscored.
"""

from __future__ import annotations

import ast
from typing import Final

from pytest_swarm.domain.expectation import RESULT_FUNCTIONS, CodeCase, PythonCode
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Fields
from pytest_swarm.workloads.datasets.assertion_cases import cases_of
from pytest_swarm.workloads.datasets.row_task import row_task

ANSWER_TOKENS: Final = 250
DIFFICULTY: Final = 3.0
_FENCED: Final = "Answer with one fenced Python block that holds the whole function and what it imports."


def read_humaneval(fields: Fields) -> Task:
    """The task of a row: prompt (signature and docstring), entry_point, test (a `check(candidate)` function)."""
    name = fields.text("entry_point")
    text = f"Complete this Python function.\n\n```python\n{fields.text('prompt').strip()}\n```\n\n{_FENCED}"
    return _task(text, name, tuple(cases_of(_parsed(fields, fields.text("test")), "candidate")))


def read_mbpp(fields: Fields) -> Task:
    """The task of a row: text (or prompt), test_list (assertions that name the function)."""
    wording = fields.text("text") if "text" in fields else fields.text("prompt")
    tests = fields.texts("test_list")
    if not tests:
        raise fields.fail("'test_list' is empty, so the function has no name")
    name = _called(fields, tests[0])
    text = f"{wording.strip()} The function must be called {name}, so that this holds: {tests[0].strip()}\n\n{_FENCED}"
    return _task(text, name, tuple(case for test in tests for case in cases_of(_parsed(fields, test), name)))


def _task(text: str, name: str, cases: tuple[CodeCase, ...]) -> Task:
    return row_task(
        text,
        PythonCode(entry_point=name, cases=cases),
        type_=TaskType.CODE,
        answer_tokens=ANSWER_TOKENS,
        difficulty=DIFFICULTY,
    )


def _called(fields: Fields, test: str) -> str:
    for node in ast.walk(_parsed(fields, test)):
        if isinstance(node, ast.Assert):
            names = [
                call.func.id
                for call in ast.walk(node)
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
            ]
            if names:
                own = [name for name in names if name not in RESULT_FUNCTIONS and name != "round"]
                return own[0] if own else names[-1]
    raise fields.fail(f"the test {test[:60]!r} asserts nothing of a function")


def _parsed(fields: Fields, code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise fields.fail(f"the tests are no Python: {getattr(error, 'msg', 'too deep')}") from error
