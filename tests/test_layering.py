"""Imports point one way: the test reads them, also those inside functions, and names every one that does not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pytest_swarm"

BASE = {"errors", "units", "fields", "documents"}
MIDDLE = {"estimate", "workloads", "scoring", "ollama", "telemetry", "statistics"}
UP_TO_METRICS = BASE | MIDDLE | {"codec", "graph_codec", "domain", "routing", "execution", "metrics"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "units": {"errors"},
    "fields": {"errors"},
    "codec": {"errors", "fields"},
    "documents": {"errors", "fields"},
    "domain": BASE,
    "graph_codec": {"errors", "fields", "codec", "domain"},
    **{room: BASE | {"codec", "graph_codec", "domain"} for room in MIDDLE},
    "simulator": BASE | {"domain", "scoring"},
    "routing": BASE | MIDDLE | {"domain"},
    "execution": BASE | MIDDLE | {"domain", "routing", "simulator"},
    "metrics": BASE | MIDDLE | {"domain", "routing", "execution"},
    "calibration": UP_TO_METRICS | {"simulator"},
    "gate": UP_TO_METRICS,
    "report": UP_TO_METRICS | {"gate"},
    "plugin": UP_TO_METRICS | {"gate", "report", "simulator"},
}
FRONT_DOORS = {"__init__", "__main__", "cli", "schemas"}
"""Modules of the package itself, which may open any room."""

HEAVY = {"cvxpy", "numpy", "scipy", "httpx", "ollama", "jinja2", "asyncio", "highspy", "pynvml"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def test_every_room_has_its_place() -> None:
    assert {room(path) for path in modules()} - FRONT_DOORS <= set(ALLOWED)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    own = room(path)
    if own in FRONT_DOORS:
        return
    wrong = []
    for line, name in imports(path):
        parts = name.split(".")
        if parts[0] == "pytest_swarm" and len(parts) > 1 and parts[1] not in ALLOWED[own] | {own}:
            wrong.append(f"line {line}: {name}")
        if parts[0] == "pytest" and own != "plugin":
            wrong.append(f"line {line}: {name}, but only plugin/ knows pytest")
    assert not wrong, wrong


def test_domain_is_standard_library_only() -> None:
    import sys

    for path in modules():
        if room(path) in BASE | {"domain"}:
            for line, name in imports(path):
                root = name.split(".")[0]
                assert root == "pytest_swarm" or root in sys.stdlib_module_names, f"{path}:{line} imports {name}"
