"""What a user's annotations name is there when the tests run. `mypy` itself checks the file: see pyproject.toml."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

import pytest_swarm

BENCHMARK = Path(__file__).parent / "typed_benchmark.py"


def test_typed_benchmark_runs(suite: pytest.Pytester) -> None:
    text = BENCHMARK.read_text(encoding="utf-8")
    suite.makepyfile(test_typed=text)
    suite.makeconftest("from test_typed import Smallest, pytest_swarm_routers")
    suite.runpytest("test_typed.py", "--swarm-compare=smallest,greedy").assert_outcomes(passed=2)


def test_mypy_checks_the_typed_benchmark() -> None:
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["tool"]["mypy"]["modules"] == [f"{__package__}.{BENCHMARK.stem}"]


def test_type_checkers_know_every_public_name() -> None:
    """Each is imported for them by name, because they do not see the lazy imports of `__getattr__`."""
    (block,) = (
        node
        for node in ast.parse(Path(pytest_swarm.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    imported = [alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(imported) == sorted(pytest_swarm.__all__)
    assert all(getattr(pytest_swarm, name).__name__ == name for name in pytest_swarm.__all__ if name != "Expectation")
