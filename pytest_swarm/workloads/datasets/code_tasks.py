"""Programming tasks: HumanEval and MBPP (JSON lines).

Their tests are Python. They are never run here: assertions of the form `f(literals) == literal` are read as cases,
all others are left out, and a task without such assertions is checked statically.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator
from typing import Final

from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.domain.limits import CHARS_PER_TOKEN
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.fields import Fields, Json

ANSWER_TOKENS: Final = 250
DIFFICULTY: Final = 3.0
_FENCED: Final = "Answer with one fenced Python block that holds the whole function and what it imports."


def read_humaneval(fields: Fields) -> Task:
    """The task of a row: prompt (signature and docstring), entry_point, test (a `check(candidate)` function)."""
    name = fields.text("entry_point")
    text = f"Complete this Python function.\n\n```python\n{fields.text('prompt').strip()}\n```\n\n{_FENCED}"
    return _task(text, name, tuple(_cases(fields, fields.text("test"), "candidate")))


def read_mbpp(fields: Fields) -> Task:
    """The task of a row: text (or prompt), test_list (assertions that name the function)."""
    wording = fields.text("text") if "text" in fields else fields.text("prompt")
    tests = fields.texts("test_list")
    if not tests:
        raise fields.fail("'test_list' is empty, so the function has no name")
    name = _called(fields, tests[0])
    text = f"{wording.strip()} The function must be called {name}, so that this holds: {tests[0].strip()}\n\n{_FENCED}"
    return _task(text, name, tuple(case for test in tests for case in _cases(fields, test, name)))


def _task(text: str, name: str, cases: tuple[CodeCase, ...]) -> Task:
    return Task(
        id="row",
        type=TaskType.CODE,
        prompt=text,
        estimated_tokens=math.ceil(len(text) / CHARS_PER_TOKEN) + ANSWER_TOKENS,
        difficulty=DIFFICULTY,
        expected=PythonCode(entry_point=name, cases=cases),
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
                return names[-1] if names[0] in ("set", "sorted", "list", "tuple", "abs", "round") else names[0]
    raise fields.fail(f"the test {test[:60]!r} asserts nothing of a function")


def _cases(fields: Fields, tests: str, name: str) -> Iterator[CodeCase]:
    for node in ast.walk(_parsed(fields, tests)):
        match node:
            case ast.Assert(
                test=ast.Compare(
                    left=ast.Call(func=ast.Name(id=called), args=args, keywords=[]), ops=[ast.Eq()], comparators=[value]
                )
            ) if called == name:
                read = _literals([*args, value])
                if read is not None:
                    yield CodeCase(args=tuple(read[:-1]), returns=read[-1])


def _literals(nodes: list[ast.expr]) -> list[Json] | None:
    """The nodes' values as JSON holds them, None where one is no literal or would not survive JSON (a set, 1: "a")."""
    try:
        values = [ast.literal_eval(node) for node in nodes]
        read = json.loads(json.dumps(values, allow_nan=False))
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None
    return read if isinstance(read, list) and _listed(values) == read else None


def _listed(value: object) -> object:
    """The value with tuples as lists, to be compared with what came through JSON."""
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    return {key: _listed(each) for key, each in value.items()} if isinstance(value, dict) else value


def _parsed(fields: Fields, code: str) -> ast.Module:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise fields.fail(f"the tests are no Python: {getattr(error, 'msg', 'too deep')}") from error
