"""Imports are declared in pyproject.toml, what is declared is imported, and the oldest Python runs the patterns."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_IMPORTED = {"pytest-benchmark", "nvidia-ml-py"}  # a fixture of the one, and a module of the other, used by name


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """The imports and the constants of a source file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(each for each in ast.walk(tree) if isinstance(each, ast.Import | ast.ImportFrom | ast.Constant))


def imported() -> set[str]:
    """The distributions that the package's files import, inside functions too."""
    modules: set[str] = set()
    for path in (ROOT / "pytest_swarm").rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Import):
                modules.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.partition(".")[0])
    foreign = modules - set(sys.stdlib_module_names) - {"pytest_swarm", "_typeshed", "confine"}
    distributions = packages_distributions()
    return {name.lower() for module in foreign for name in distributions[module]}


def declared(extra: str | None = None) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return {re.split(r"[<>=\[; ]", line, maxsplit=1)[0].lower() for line in lines}


def test_every_import_is_declared_and_every_dependency_is_imported() -> None:
    core, found, optional = declared(), imported(), declared("server") | declared("graphs") | declared("xdist")
    assert found - core - optional == set()
    assert core - found == NOT_IMPORTED


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python before 3.11.5 matches such patterns wrongly where the group can backtrack (CPython issue 106052).

    An atomic group has the same fault. `(?=(?P<all>...))(?P=all)` does what they do.
    """
    possessive = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+|\(\?>")
    assert possessive.search(r"(?:a|b)*+c")
    assert possessive.search(r"(?>a|b)c")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "pytest_swarm").rglob("*.py")
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and possessive.search(node.value)
    ]
    assert found == []
