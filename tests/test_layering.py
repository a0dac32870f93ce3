"""The structure of the package, read from its source: imports, circles, names and sizes. One test per rule."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_swarm"

BASE = {"errors", "garbage", "units", "fields", "files", "open_files", "documents"}
LOW = BASE | {"codec", "domain", "graph_codec", "planner_problem"}
MIDDLE = {"estimate", "workloads", "scoring", "ollama", "telemetry", "statistics"}
UP_TO_METRICS = LOW | MIDDLE | {"routing", "execution", "metrics"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "garbage": {"errors"},
    "units": {"errors"},
    "fields": {"errors"},
    "files": {"errors"},
    "open_files": {"errors"},
    "codec": {"errors", "garbage", "units", "fields", "files", "open_files"},
    "documents": {"errors", "garbage", "units", "fields", "files", "open_files"},
    "domain": BASE,
    **dict.fromkeys(("graph_codec", "planner_problem"), BASE | {"codec", "domain"}),
    **dict.fromkeys(sorted(MIDDLE), LOW),
    "simulator": BASE | {"domain", "planner_problem", "scoring"},
    "routing": LOW | MIDDLE,
    "execution": LOW | MIDDLE | {"routing", "simulator"},
    "metrics": LOW | MIDDLE | {"routing", "execution"},
    "calibration": UP_TO_METRICS | {"simulator"},
    "gate": UP_TO_METRICS,
    "decision": UP_TO_METRICS | {"gate"},
    "report": UP_TO_METRICS | {"gate", "decision"},
    "plugin": UP_TO_METRICS | {"calibration", "gate", "decision", "report", "simulator"},
    "cli": UP_TO_METRICS | {"calibration", "gate", "decision", "report", "simulator"},
}
"""The rooms, lowest first, each with the rooms that it may import. docs/contributing.md draws them."""

FRONT_DOORS = {"__init__", "__main__", "schemas"}
"""Modules of the package itself, which may open any room."""

HEAVY = {"asyncio", "cvxpy", "highspy", "httpx", "jinja2", "msgspec", "numpy", "ollama", "pynvml", "scipy"}
"""Libraries that no plain test suite may pay for: they are imported inside functions, when an option needs them."""

LIGHT_OF_A_RUN = {"asyncio", "msgspec"}
"""Those of them that each process of a run uses, the controller of xdist too, which runs no case."""

MODULE_NAMES_TWICE: dict[str, str] = {}
"""A module name that stands in two rooms -> the reason. Five at most."""

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 50
OUTSIDE = "design".upper()  # not written out, so that this line is no reference itself
MAX_MODULE_NAMES_TWICE = 5
TEXTS = ("*.md", "*.py", "*.toml", "*.j2", "*.html", "*.js", "*.css", "*.json", "*.yml")


@cache
def trees() -> Mapping[Path, ast.Module]:
    """The source files of the package, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a source file that are no expressions."""
    found: list[ast.AST] = [trees()[path]]
    for node in found:  # it grows below
        found += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]
    return tuple(found)


@cache
def every_import(path: Path) -> tuple[tuple[int, str], ...]:
    """What a source file imports anywhere."""
    return tuple(imports(trees()[path], typing=True))


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(tree: ast.AST, *, late: bool = True, typing: bool = False) -> Iterator[tuple[int, str]]:
    """Yield line and name of what is imported.

    Args:
        tree: The syntax tree of a module, or a part of it.
        late: Whether imports inside functions count.
        typing: Whether imports under `if TYPE_CHECKING` count.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.expr):
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not late:
            continue
        elif isinstance(node, ast.If) and is_type_checking(node) and not typing:
            for branch in node.orelse:
                yield from imports(ast.Module(body=[branch], type_ignores=[]), late=late, typing=typing)
        else:
            yield from imports(node, late=late, typing=typing)


def file_graph(*, late: bool) -> dict[str, set[str]]:
    """Return each module with the modules of the package that it imports."""
    names = {module_name(path) for path in trees()}
    graph: dict[str, set[str]] = {}
    for path, tree in trees().items():
        wanted = {name if name in names else name.rpartition(".")[0] for _, name in imports(tree, late=late)}
        graph[module_name(path)] = (wanted & names) - {module_name(path)}
    return graph


def find_circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the modules of a circle, the first one again at its end; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_room_has_its_place() -> None:
    there = {room(path) for path in trees()} - FRONT_DOORS
    assert there == set(ALLOWED), f"rooms without a place, or places without a room: {sorted(there ^ set(ALLOWED))}"


def test_the_rooms_point_one_way() -> None:
    circle = find_circle(ALLOWED)
    assert not circle, f"ALLOWED lets rooms import each other in a circle: {' -> '.join(circle)}"


def test_the_picture_of_the_rooms_is_true() -> None:
    """docs/contributing.md: each room may import all rows below its own, but for what the table under it takes out."""
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    picture, _, rest = page.partition("<!-- rooms:")[2].partition("```text\n")[2].partition("```")
    table = rest.partition("## ")[0].splitlines()
    without = {}
    for cells in (line.strip("| ").split(" | ") for line in table if line.startswith("| ") and "does not" not in line):
        without[cells[0]] = set(cells[1].split(", "))
    drawn: dict[str, set[str]] = {}
    for row in reversed(re.split(r"-{5,}", picture)):
        below = set(drawn)
        drawn |= {name: below - without.pop(name, set()) for name in row.split()}
    assert not without, f"the table names rooms that the picture lacks: {sorted(without)}"
    assert drawn == ALLOWED


def test_imports_point_one_way() -> None:
    wrong = []
    for path in trees():
        own = room(path)
        for line, name in every_import(path):
            top, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            if top == "pytest_swarm" and other in ALLOWED and own in ALLOWED and other not in ALLOWED[own] | {own}:
                wrong.append(f"{label(path)}:{line} imports {name}; {own} may import {sorted(ALLOWED[own])}")
    assert not wrong, "\n".join(wrong)


def test_only_the_plugin_imports_pytest() -> None:
    wrong = [
        f"{label(path)}:{line} imports {name}"
        for path in trees()
        for line, name in every_import(path)
        if name.partition(".")[0] in ("pytest", "_pytest") and room(path) != "plugin"
    ]
    assert not wrong, "\n".join(wrong)


def test_the_domain_is_standard_library_only() -> None:
    known = sys.stdlib_module_names | {"pytest_swarm"}
    wrong = [
        f"{label(path)}:{line} imports {name}"
        for path in trees()
        for line, name in every_import(path)
        if room(path) in BASE | {"domain"} and name.partition(".")[0] not in known
    ]
    assert not wrong, "\n".join(wrong)


def test_no_files_import_each_other_in_a_circle() -> None:
    circle = find_circle(file_graph(late=True))
    assert not circle, f"files import each other: {' -> '.join(circle)}"


def test_no_public_class_name_stands_twice() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in trees():
        for node in nodes(path):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(f"{label(path)}:{node.lineno}")
    twice = [f"class {name}: {', '.join(places)}" for name, places in sorted(homes.items()) if len(places) > 1]
    assert not twice, "\n".join(twice)


def test_module_names_that_stand_twice_are_listed_with_a_reason() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in trees():
        if path.stem not in FRONT_DOORS:
            homes[path.stem].append(label(path))
    twice = {name: places for name, places in homes.items() if len(places) > 1}
    unlisted = {name: places for name, places in twice.items() if name not in MODULE_NAMES_TWICE}
    assert not unlisted, f"module names used twice without a reason in MODULE_NAMES_TWICE: {unlisted}"
    assert not set(MODULE_NAMES_TWICE) - set(twice), "MODULE_NAMES_TWICE lists a name that stands once"
    assert len(twice) <= MAX_MODULE_NAMES_TWICE


def test_no_module_is_too_long() -> None:
    lengths = {label(path): len(path.read_text(encoding="utf-8").splitlines()) for path in trees()}
    long = [
        f"{name} has {lines} lines, {MAX_MODULE_LINES} at most"
        for name, lines in lengths.items()
        if lines > MAX_MODULE_LINES
    ]
    assert not long, "\n".join(long)


def test_no_function_is_too_long() -> None:
    long = []
    for path in trees():
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    long.append(
                        f"{label(path)}:{node.lineno} {node.name} has {lines} lines, {MAX_FUNCTION_LINES} at most"
                    )
    assert not long, "\n".join(long)


def test_nothing_refers_to_a_document_outside_the_project() -> None:
    folders = ("pytest_swarm", "docs", "tests", "benchmarks", "examples", "configs")
    files = [path for folder in folders for kind in TEXTS for path in (ROOT / folder).rglob(kind)]
    lines = [
        f"{label(path)}:{number} {line.strip()}"
        for path in [*files, *ROOT.glob("*.md"), ROOT / "pyproject.toml"]
        if "node_modules" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if OUTSIDE in line
    ]
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize(
    ("roots", "heavy"),
    [
        pytest.param(["plugin", "plugin.hooks"], HEAVY, id="plugin"),
        pytest.param(["plugin.backend_choice", "plugin.reporting"], HEAVY - LIGHT_OF_A_RUN, id="controller-of-xdist"),
        pytest.param(
            ["plugin.job_runner", "execution.bench", "execution.simulated_client"],
            HEAVY - LIGHT_OF_A_RUN - {"httpx", "numpy"},
            id="cases-on-a-simulated-server",
        ),
        pytest.param(["plugin.reporting", "report.outputs"], {"pytest_swarm.gate.evaluate"}, id="writing-a-report"),
    ],
)
def test_a_process_imports_nothing_heavy_that_it_does_not_use(roots: list[str], heavy: set[str]) -> None:
    graph = file_graph(late=False)
    packages = {name.rpartition(".")[0] for name in graph} & set(graph)
    reached, waiting = set(), [f"pytest_swarm.{root}" for root in roots]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [*graph[name], *(parent for parent in packages if name.startswith(f"{parent}."))]
    wrong = [
        f"{label(path)}:{line} imports {name}"
        for path, tree in trees().items()
        if module_name(path) in reached
        for line, name in imports(tree, late=False)
        if any(f"{name}.".startswith(f"{each}.") for each in heavy)
    ]
    assert not wrong, "\n".join(wrong)
