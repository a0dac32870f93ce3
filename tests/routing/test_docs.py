"""The router in docs/routing.md works, and the tables of modes there and in the README are true."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from pytest_swarm.routing.base import RouterSetup
from pytest_swarm.routing.feasibility import check
from pytest_swarm.routing.mode_table import make_router
from pytest_swarm.routing.registry import MODES
from tests.instances import GEMMA, HEAVY, WB1, view_of

DOC = Path(__file__).parents[2] / "docs" / "routing.md"
README = Path(__file__).parents[2] / "README.md"


def test_the_router_of_the_documentation_routes() -> None:
    block = re.search(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    names: dict[str, object] = {}
    exec(compile(block[1], str(DOC), "exec"), names)
    extra = names["pytest_swarm_routers"](None)  # type: ignore[operator]
    view = view_of(WB1)
    plan = asyncio.run(make_router("smallest", RouterSetup(fleet=HEAVY), extra).route(view))
    assert set(plan.model_of.values()) == {GEMMA}
    assert check(plan, view) == ()


def rows_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| `")]


def test_the_table_of_the_documentation_is_that_of_the_package() -> None:
    names = {"planner": "a planner model", "speeds": "speeds in the fleet file", "realised": "realised scores"}
    expected = [
        f"| `{spec.written}` | {spec.summary} | {spec.group} | {'exact' if spec.exact else 'heuristic'} "
        f"| {'kept' if spec.keeps_budget else '**can break it**'} | {', '.join(names[need] for need in spec.needs)} |"
        for spec in MODES
    ]
    section = DOC.read_text(encoding="utf-8").partition("## The modes")[2].partition("\n## ")[0]
    assert rows_of(section) == expected, "copy the expected rows into docs/routing.md"


def test_the_readme_names_every_mode() -> None:
    section = README.read_text(encoding="utf-8").partition("## Routing modes")[2].partition("\n## ")[0]
    named = {name for row in rows_of(section) for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
    assert named == {spec.written for spec in MODES}
