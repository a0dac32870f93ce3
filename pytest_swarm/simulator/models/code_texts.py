"""Python code as a simulated model writes it: code that passes the test cases, or broken code.

The code is only written here, never run.
"""

from __future__ import annotations

from random import Random
from typing import Final

from pytest_swarm.domain.expectation import PythonCode
from pytest_swarm.fields import Json

_LARGEST: Final = 1000  # largest argument that is checked against a known function

_KNOWN: Final = {
    "hyp_sq": "def hyp_sq(a, b):\n    return a * a + b * b\n",
    "fib": (
        "def fib(n):\n    previous, current = 0, 1\n    for _ in range(n):\n"
        "        previous, current = current, previous + current\n    return previous\n"
    ),
}


def working_code(expected: PythonCode) -> str:
    """Return code that defines the entry point and passes every case: a known function, else a table of the cases.

    Without cases the function returns its first argument.
    """
    if _is_known_function(expected):
        return _KNOWN[expected.entry_point]
    if not expected.cases:
        return f"def {expected.entry_point}(*args):\n    return args[0] if args else None\n"
    rows = "".join(f"        ({list(case.args)!r}, {case.returns!r}),\n" for case in expected.cases)
    return (
        f"def {expected.entry_point}(*args):\n    known = [\n{rows}    ]\n"
        "    for arguments, result in known:\n        if list(args) == arguments:\n            return result\n"
        '    raise ValueError("no result is known for these arguments")\n'
    )


def broken_code(expected: PythonCode, rng: Random) -> str:
    """Return code that does not parse or does not define the entry point, so that parser and sandbox both reject it.

    Args:
        expected: The entry point and its test cases.
        rng: Generator of the choice.
    """
    name = expected.entry_point
    return rng.choice(
        (
            f"def {name}(value)\n    return value\n",
            f"def {name}(value:\n    result = value\n    return result\n",
            f"def solve_{name}(value):\n    return value\n",
        )
    )


def _is_known_function(expected: PythonCode) -> bool:
    """Return whether the entry point is a known function that passes the cases."""
    match expected.entry_point:
        case "hyp_sq":
            return all(_hypotenuse_squared(case.args) == case.returns for case in expected.cases)
        case "fib":
            return all(_fibonacci(case.args) == case.returns for case in expected.cases)
    return False


def _hypotenuse_squared(args: tuple[Json, ...]) -> float | None:
    match args:
        case (int(a) | float(a), int(b) | float(b)):
            return a * a + b * b
    return None


def _fibonacci(args: tuple[Json, ...]) -> int | None:
    match args:
        case (int(n),) if 0 <= n <= _LARGEST:
            previous, current = 0, 1
            for _ in range(n):
                previous, current = current, previous + current
            return previous
    return None
