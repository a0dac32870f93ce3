"""What a model's code does besides defining its function: demonstrations are left out, all else stays."""

from __future__ import annotations

import ast

import pytest

from pytest_swarm.scoring.code_statements import parse, without_demonstrations, without_unused_packages

DEFINED = "def f(x):\n    return x\n"


@pytest.mark.parametrize(
    "tail",
    [
        "print(f(1))",
        "assert f(1) == 2",
        "y = f(1)\nprint(y)",
        "n = int(input())\nz = n + 1\nprint(z)",
        "for i in range(3):\n    f(i)",
        "if __name__ == '__main__':\n    print(f(1))",
        "doctest.testmod()",
        "unittest.main()",
    ],
)
def test_a_demonstration_is_left_out(tail: str) -> None:
    assert without_demonstrations(DEFINED + tail, "f").strip() == DEFINED.strip()


@pytest.mark.parametrize(
    "tail",
    ["import sys\nsys.exit()", "TABLE = {1: 2}", "f = abs", "def g(x):\n    return f(x)", "g = 3\ng += 1"],
)
def test_everything_else_stays(tail: str) -> None:
    assert without_demonstrations(DEFINED + tail, "f") == DEFINED + tail


def test_what_stands_before_the_function_stays() -> None:
    code = "print('loading')\n" + DEFINED
    assert without_demonstrations(code, "f") == code


def test_what_asks_for_input_before_the_function_is_left_out() -> None:
    code = "x = int(input('x: '))\ny = x + 1\n" + DEFINED + "print(f(y))"
    assert without_demonstrations(code, "f").strip() == DEFINED.strip()


def test_a_main_before_the_function_is_not_called() -> None:
    code = "def main():\n    print(f(1))\n" + DEFINED + "main()"
    assert without_demonstrations(code, "f").strip() == code.removesuffix("main()").strip()


def test_what_the_function_needs_stays() -> None:
    code = "limit = int(input())\n\ndef f(x):\n    return x < limit\n"
    assert without_demonstrations(code, "f") == code


def test_lines_keep_their_numbers() -> None:
    shown = without_demonstrations(DEFINED + "print(f(1))\nTABLE = {}\n", "f")
    assert shown.split("\n").index("TABLE = {}") == DEFINED.count("\n") + 1


def test_the_tree_of_a_code_stays_as_it_is_where_packages_are_left_out() -> None:
    code = "import json, numpy\n" + DEFINED
    left = without_unused_packages(code, "f")
    assert "numpy" not in left
    assert ast.unparse(parse(code)).startswith("import json, numpy")
