"""The conformance kit's recorded cases in virtual time, where the kit is present: the real server's behavior.

The kit's own runner is used, unchanged; only its clocks are replaced by the virtual ones. Over a real socket and in
real time the same cases run as a step of their own (docs/server.md).
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest

from pytest_swarm.simulator.launcher import read_spec
from pytest_swarm.simulator.models.fixed_length_text import FixedLengthGenerator
from pytest_swarm.simulator.server.simulated_server import SimulatedServer
from pytest_swarm.simulator.virtual_loop import wall_time_s
from tests.simulator.servers import in_virtual_time

KIT = Path(__file__).parents[3] / "shared" / "ollama_conformance"
COLD_S = 0.1

if not (KIT / "check.py").is_file():
    pytest.skip("the conformance kit is not here", allow_module_level=True)


class VirtualDatetime(datetime):
    """`now()` is the running loop's wall clock."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.fromtimestamp(wall_time_s(asyncio.get_running_loop()), tz)


def load_kit() -> ModuleType:
    """The kit's runner as a module, on the loop's clocks."""
    found = importlib.util.spec_from_file_location("ollama_conformance_check", KIT / "check.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module  # its dataclasses look their module up
    found.loader.exec_module(module)
    module.time = SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time())  # type: ignore[attr-defined]
    module.datetime = VirtualDatetime  # type: ignore[attr-defined]
    return module


CHECK = load_kit()


CASES = CHECK.load_cases(KIT / "cases", list(CHECK.SUITES))
LATER_CASES = CHECK.load_cases(KIT / "cases_real", list(CHECK.SUITES)) if (KIT / "cases_real").is_dir() else []


def mismatches(case: Any, *, stale_free_memory: bool = True) -> list[Any]:
    """The differences that the kit finds in one case."""
    server_spec = replace(read_spec(json.dumps(case.server)), stale_free_memory=stale_free_memory)

    async def main() -> list[Any]:
        server = SimulatedServer(server_spec, generator=FixedLengthGenerator())
        names = {model["name"]: model["name"] for model in case.server["models"]}
        async with httpx.AsyncClient(
            transport=server.transport(), base_url="http://simulated", timeout=None, trust_env=False
        ) as http:
            return list(await CHECK.run_case(case, CHECK.Session(http, names, COLD_S)))

    return in_virtual_time(main)


@pytest.mark.parametrize("case", [*CASES, *LATER_CASES], ids=lambda case: case.label)
def test_the_simulator_behaves_as_recorded(case: Any) -> None:
    assert mismatches(case) == []


def test_without_stale_memory_exactly_the_cases_marked_for_it_differ() -> None:
    """Of the other cases a third is asked, because all take half as long as the whole kit."""
    document = json.loads((KIT / "cases" / "sched.json").read_text())
    marked = {f"sched/{entry['id']}" for entry in document["cases"] if entry.get("quirk") == "stale-free-memory"}
    scheduling = [case for case in CASES if case.label.startswith("sched/")]
    asked = [case for place, case in enumerate(scheduling) if case.label in marked or place % 3 == 0]
    differing = {case.label for case in asked if mismatches(case, stale_free_memory=False)}
    assert differing == marked != set()
