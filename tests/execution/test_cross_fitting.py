"""What a policy knows of a job never comes from the answers on which the job is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_swarm import load_fleet, load_graph
from pytest_swarm.domain.estimates_info import EstimatesChoice, EstimatesKind
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.estimate_sources import estimate_source
from pytest_swarm.routing.registry import MODES
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.matrices.import_matrix import MatrixImport, import_matrix

JUDGED = "t-2"
POLICIES = tuple(spec.name for spec in MODES if not spec.needs and spec.stands_alone)


def imported(folder: Path, *, turned: bool) -> Path:
    """A table of four jobs of two prompts; with `turned`, scores, tokens and costs of one job are others."""
    folder.mkdir()
    rows = []
    for n in range(8):
        judged = turned and n % 4 == 1  # prompts are dealt over four jobs
        for model, score in (("small", 1.0 if n % 4 == 1 else 0.0), ("big", 0.0 if n % 4 == 1 else 0.5)):
            rows.append(
                {
                    "prompt_id": f"q{n}",
                    "prompt": f"Question {n}?",
                    "task": "math" if n < 4 else "law",
                    "model": model,
                    "score": 1.0 - score if judged else score,
                    "prompt_tokens": 10,
                    "completion_tokens": 900 if judged else 20 + n,
                }
            )
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_matrix(folder / "t.jsonl", folder / "out", MatrixImport(format="long", batch=2))
    return folder / "out"


def choices(folder: Path, kind: EstimatesKind) -> dict[str, dict[str, str]]:
    """The model of each task of the judged job, by policy."""
    fleet, profile = load_fleet(folder / "fleet.toml"), load_profile(folder / "profile.toml")
    source = estimate_source(EstimatesChoice(kind=kind), fleet, learning=True, imported=folder / "answers.jsonl")
    graph = load_graph(folder / "jobs" / f"{JUDGED}.json")
    backend = simulated_backend(SimulatedWorld(profile=profile), fleet)
    found: dict[str, dict[str, str]] = {}
    with Bench(backend=backend, fleet=fleet, settings=BenchSettings(estimates=source)) as bench:
        for mode in POLICIES:
            record = bench.run(Case(graph=graph, key=CaseKey(mode=mode, horizon=0, vram_budget_gb=2)))
            found[mode] = {each.task: str(each.model) for each in record.outcomes}
    return found


@pytest.mark.parametrize("kind", [EstimatesKind.CROSS, EstimatesKind.PRIOR])
def test_no_policy_chooses_otherwise_when_the_answers_of_its_job_are_others(
    tmp_path: Path, kind: EstimatesKind
) -> None:
    straight, turned = imported(tmp_path / "a", turned=False), imported(tmp_path / "b", turned=True)
    job = Path("jobs") / f"{JUDGED}.json"
    assert (straight / job).read_text() == (turned / job).read_text()
    known = choices(straight, kind)
    assert known == choices(turned, kind)
    assert {"fixed", "collate", "best-single", "greedy", "milp", "lp"} <= known.keys()
    if kind is EstimatesKind.CROSS:  # in the other jobs, `big` did better; in this one it did not
        for mode in ("fixed", "collate", "best-single", "greedy", "milp"):
            assert set(known[mode].values()) == {"big"}, mode
