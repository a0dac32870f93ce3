"""A tiny benchmark suite for pytester, on the simulator."""

from __future__ import annotations

import json
import signal
import socket
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import dedent, indent
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.plugin.options import ROWS
from pytest_swarm.plugin.settings import Settings
from pytest_swarm.routing.mode_table import ModeTable
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.server.faults import parse_fault
from pytest_swarm.simulator.server.simulated_server import SimulatedServer
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.graph_files import load_graph

GRAPHS = Path(__file__).parents[2] / "benchmarks" / "graphs"

SUITE = """
import pytest
from pytest_swarm import JsonFields, Number, Task, TaskGraph, chain

@pytest.fixture
def dag() -> TaskGraph:
    return chain(
        "invoice",
        Task(id="fields", type="extraction", prompt="Give net and tax of: net 40, tax 8. Reply with JSON.",
             estimated_tokens=120, expected=JsonFields(fields={"net": 40, "tax": 8})),
        Task(id="total", type="math", prompt="Add net and tax. Reply with the number.",
             estimated_tokens=60, difficulty=2, expected=Number(value=48)),
    )

def test_invoice(swarm_run, dag):
    result = swarm_run(dag)
    assert result.status == "completed"
    assert 0 <= result.score <= 1
"""

WB1 = f"""
from pathlib import Path
import pytest
from pytest_swarm import load_graph

@pytest.fixture
def wb1():
    return load_graph({str(GRAPHS / "wb1.toml")!r})

def test_wb1(swarm_run, wb1):
    assert swarm_run(wb1).score > 0
"""

INI = """
[pytest]
addopts = -p no:cacheprovider
swarm_vram = 8GB
swarm_backend = sim
swarm_report = json
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with one benchmark, an 8 GB budget and the simulator."""
    pytester.makeini(INI)
    pytester.makepyfile(test_invoice=SUITE)
    return pytester


def refuses(suite: pytest.Pytester, *arguments: str, says: str) -> None:
    """Check that a run ends before its first test with one sentence, a pattern of `fnmatch`, and no traceback."""
    result = suite.runpytest(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {says}"])
    output = result.stdout.str() + result.stderr.str()
    assert not any(word in output for word in ("Traceback", "INTERNALERROR", " passed", " failed"))
    assert max(map(len, result.errlines)) < 700


class _Arguments:
    """Takes what the rows of the table give to pytest's parser."""

    def __init__(self) -> None:
        self.parser = ArgumentParser(allow_abbrev=False)
        for row in ROWS:
            row.register(self, self)  # type: ignore[arg-type]

    def addoption(self, *names: str, **facts: Any) -> None:
        self.parser.add_argument(*names, **facts)

    def addini(self, *_: object, **__: object) -> None: ...


def settings_of(*arguments: str, **ini: object) -> Settings:
    """The settings of a command line and of an ini file, as a session makes them, without one."""
    option = _Arguments().parser.parse_args(arguments)
    option.override_ini = None
    config: Any = SimpleNamespace(
        option=option,
        getoption=vars(option).get,
        getini=ini.get,
        rootpath=Path.cwd(),
        inipath=Path("tox.ini").absolute(),
    )
    return Settings(config, modes=ModeTable({}))


class Reports:
    """What the last run of a suite left in reports/."""

    def __init__(self, root: Path) -> None:
        self.root = root / "reports"

    @property
    def folder(self) -> Path:
        return sorted(path.parent for path in self.root.glob("*/events.jsonl"))[-1]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]

    @property
    def report(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return loaded

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]


@pytest.fixture
def reports(suite: pytest.Pytester) -> Reports:
    return Reports(suite.path)


def quick_server(*faults: str, seed: int = 0, graphs: Sequence[TaskGraph] = ()) -> SimulatedServer:
    """A server of the a40 models that take next to no time, without the waits for stale free memory."""
    profile = load_profile("a40")
    quick = tuple(
        replace(model, prefill_tokens_per_s=1e9, decode_tokens_per_s=1e6, load_s=0.0, first_load_s=None, overhead_s=0.0)
        for model in profile.server_spec.models
    )
    spec = replace(profile.server_spec, models=quick, load_poll_s=0.0, stale_free_memory=False)
    world = SimulatedWorld(profile=profile, seed=seed, faults=tuple(map(parse_fault, faults)))
    return world.server(world.generator(graphs) if graphs else None, spec=spec)


@contextmanager
def served(*faults: str, graphs: Sequence[TaskGraph] = ()) -> Iterator[str]:
    """Such a server over HTTP."""
    with serve_in_thread(quick_server(*faults, graphs=graphs)) as url:
        yield url


@pytest.fixture
def fast_server() -> Iterator[str]:
    """One that knows the graph of `WB1`."""
    with served(graphs=[load_graph(GRAPHS / "wb1.toml")]) as url:
        yield url


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port at which connections are refused: it is bound, so nobody else takes it, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def mode_that(name: str, body: str, *, head: str = "") -> str:
    """The text of a conftest.py with a mode that runs `body` before each plan, and plans as `greedy` does."""
    return f"""
import asyncio, os, shutil, signal, time
from pathlib import Path
import pytest
from pytest_swarm import SwarmError
from pytest_swarm.routing.greedy import GreedyRouter

{dedent(head)}

class Own(GreedyRouter):
    async def route(self, view):
{indent(dedent(body).strip(), " " * 8)}
        return await super().route(view)

def pytest_swarm_routers(config):
    return {{{name!r}: lambda setup: Own()}}
"""


@contextmanager
def usual_signals() -> Iterator[None]:
    """Handle signals as a terminal's process does, also where `nohup`, a shell or the run of these tests does not."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL, signal.SIGTERM: signal.SIG_DFL}
    before = {each: signal.signal(each, handler) for each, handler in usual.items()}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
