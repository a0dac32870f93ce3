"""The pages name files, pages, sections and imports that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "tests" / "README.md"])
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
CODE = re.compile(r"^(?P<indent>[ ]*)```python\n(?P<code>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
NAMED_FILE = re.compile(r"`((?:pytest_swarm|tests|docs|configs|benchmarks|examples)/[\w./-]*\w)`(?! \(\*new\*\))")


def text_of(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_pages_and_sections_that_exist(page: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(text_of(page)):
        other = (page.parent / target).resolve() if target else page
        if not other.exists() or (anchor and other.suffix == ".md" and anchor not in anchors(other)):
            broken.append(f"{target}#{anchor}" if anchor else target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tables_are_whole(page: Path) -> None:
    """Each begins with a head and its rule, and every row has as many cells."""
    lines = ["", *text_of(page).splitlines(), ""]
    broken = []
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if line.startswith("|") and not before.startswith("|"):
            cells = after.count("|") if re.fullmatch(r"\|[\s:|-]+\|", after) else 0
        if line.startswith("|") and len(re.findall(r"(?<!\\)\|", line)) != cells:
            broken.append(line)
    assert not broken


@pytest.mark.parametrize("page", ["docs/contributing.md", "docs/architecture.md", "tests/README.md"])
def test_files_that_are_named_exist(page: str) -> None:
    named = NAMED_FILE.findall(text_of(ROOT / page))
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]


def imports_of(code: str) -> Iterator[tuple[str, str]]:
    """Each name of ours that a block imports, with its module."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ("pytest_swarm", "tests"):
            yield from ((str(node.module), each.name) for each in node.names)


def code_of(page: Path) -> list[str]:
    return [dedent(found["code"]) for found in CODE.finditer(page.read_text(encoding="utf-8"))]


def test_the_pages_show_imports() -> None:
    assert sum(len(list(imports_of(code))) for page in PAGES for code in code_of(page)) >= 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_imports_that_are_shown_work(page: Path) -> None:
    broken = []
    for module, name in (each for code in code_of(page) for each in imports_of(code)):
        if not hasattr(import_module(module), name):
            broken.append(f"from {module} import {name}")
    assert not broken
