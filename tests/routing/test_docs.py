"""The router in docs/routing.md works."""

from __future__ import annotations

import asyncio
import re
from operator import attrgetter
from pathlib import Path

from pytest_swarm.routing.base import RouterSetup
from pytest_swarm.routing.feasibility import check
from pytest_swarm.routing.mode_table import ModeTable
from tests.instances import GEMMA, HEAVY, WB1, view_of

DOC = Path(__file__).parents[2] / "docs" / "routing.md"


def test_the_router_of_the_documentation_routes() -> None:
    block = re.search(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    names: dict[str, object] = {}
    exec(compile(block[1], str(DOC), "exec"), names)
    extra = names["pytest_swarm_routers"](None)  # type: ignore[operator]
    view = view_of(WB1)
    plan = asyncio.run(ModeTable(extra).make("smallest", RouterSetup(fleet=HEAVY)).route(view))
    assert set(plan.model_of.values()) == {GEMMA}
    assert check(plan, view) == ()


def test_what_the_documentation_says_of_a_view_it_has() -> None:
    view = view_of(WB1)
    named = set(re.findall(r"`view\.([a-z_.]+)", DOC.read_text(encoding="utf-8")))
    assert {"tasks", "estimates", "fleet.held", "assignable"} <= named
    for name in named:
        attrgetter(name)(view)
