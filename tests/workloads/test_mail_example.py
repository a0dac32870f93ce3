"""The workflow of the docs' transcript: it imports as shown, and runs on the simulator with the answers filled in."""

from __future__ import annotations

import shutil
from pathlib import Path

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.importers.import_cases import ImportOptions, read_cases
from pytest_swarm.workloads.importers.import_files import import_files

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "benchmarks" / "workflows"


def test_the_example_imports_and_runs(tmp_path: Path) -> None:
    options = ImportOptions(cases=read_cases(EXAMPLE / "mails.jsonl"))
    summary = import_files([EXAMPLE / "support_mail.json"], tmp_path, options)
    assert [each.graph for each in summary.imported] == ["support mail-1", "support mail-2", "support mail-3"]
    written = (tmp_path / "support-mail-1.toml").read_text()
    shown = (ROOT / "docs" / "importing.md").read_text()
    assert written[written.index('[[tasks]]\nid = "Write reply"') :] in shown
    shutil.copytree(EXAMPLE / "expected", tmp_path / "expected")
    assert (tmp_path / "expected" / "support-mail-1.toml").read_text() in shown
    test = shown[shown.index("The benchmark, `test_mail.py`:") :]
    code = test[test.index("```python\n") + 10 : test.index("```\n\nIts run")]
    assert "test_mail" in run_code(code, tmp_path)
    fleet = load_fleet("heavy")
    backend = simulated_backend(SimulatedWorld(profile=load_profile("a40")), fleet)
    with Bench(backend=backend, fleet=fleet) as bench:
        for each in summary.imported:
            graph = TaskGraph.load(each.path)
            record = bench.run(Case(graph=graph, key=CaseKey(mode="greedy", horizon=1, vram_budget_gb=8)))
            assert [outcome.status.value for outcome in record.outcomes] == ["ok"] * 3
            assert [outcome.score is not None for outcome in record.outcomes] == [True, True, False]


def run_code(code: str, folder: Path) -> dict[str, object]:
    names: dict[str, object] = {"__file__": str(folder / "test_mail.py")}
    exec(compile(code, "test_mail.py", "exec"), names)  # the docs' own
    return names
