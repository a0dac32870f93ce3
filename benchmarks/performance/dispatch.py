"""The table of dispatch in docs/performance.md:  python -m benchmarks.performance.dispatch GRAPH... [--json FILE]

Each mode runs the given graphs and twelve generated jobs in the simulator twice: with a barrier after each step
(`layers`), and without one (`tasks`). Beside the sums of makespan stands what no schedule of the same calls can beat,
see `schedule_bound`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.performance.schedule_bound import ScheduleProblem, lower_bound_s
from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.record import Case, CaseKey, JobRecord, JobStatus
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings, Dispatch
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.server.chat_endpoint import REQUEST_OVERHEAD_S
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs

MODES: Final = ("fixed", "collate", "greedy", "milp", "staged", "heft")
BUDGETS_GB: Final = (8.0, 16.0)
SLOTS: Final = 4
_JOBS: Final = 12
_SEED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRow:
    """A mode at a budget, summed up over all graphs; seconds of virtual time, milliseconds of real time."""

    mode: str
    budget_gb: float
    layers_s: float
    tasks_s: float
    bound_s: float
    layers_loads: int
    tasks_loads: int
    decision_ms: float
    harness_ms: float

    @property
    def ratio(self) -> float:
        """Makespan without a barrier as a share of that with one."""
        return self.tasks_s / self.layers_s


def run(graph: TaskGraph, mode: str, budget_gb: float, *, dispatch: Dispatch) -> tuple[JobRecord, float]:
    """Return the record of a job, and the seconds of CPU that it took.

    Args:
        graph: The job.
        mode: The routing mode.
        budget_gb: The VRAM budget.
        dispatch: With a barrier after each step, or without.
    """
    profile = load_profile("a40")
    fleet = with_speeds(load_fleet("heavy"), profile)
    backend = simulated_backend(SimulatedWorld(profile=profile), fleet)
    settings = BenchSettings(concurrency=SLOTS, dispatch=dispatch)
    case = Case(graph=graph, key=CaseKey(mode=mode, horizon=1, vram_budget_gb=budget_gb))
    with Bench(backend=backend, fleet=fleet, settings=settings) as bench:
        started_s = time.process_time()
        record = bench.run(case)
        used_s = time.process_time() - started_s
    if record.status is not JobStatus.COMPLETED:
        raise SystemExit(f"{graph.name} under {mode} at {budget_gb:g} GB: {record.error}")
    return record, used_s


def with_speeds(fleet: Fleet, profile: Profile) -> Fleet:
    """Return the fleet with the speeds that the simulated models really have, which mode `heft` needs."""
    specs = {spec.name: spec for spec in profile.server_spec.models}
    models = tuple(
        replace(
            model,
            prefill_tokens_per_s=specs[model.tag].prefill_tokens_per_s,
            decode_tokens_per_s=specs[model.tag].decode_tokens_per_s,
        )
        for model in fleet
    )
    return replace(fleet, models=models)


def bound_s(record: JobRecord) -> float:
    """Return the seconds that no schedule of the same calls on the same models can beat.

    The seconds of a call are those of the server, waiting left out.
    """
    profile = load_profile("a40")
    overhead_s = {spec.name: REQUEST_OVERHEAD_S + spec.overhead_s for spec in profile.server_spec.models}
    model = {each.task: str(each.model) for each in record.outcomes}
    load_s: dict[str, float] = {}
    for switch in record.switches:
        if switch.action == "load":
            load_s.setdefault(switch.model, switch.finished_s - switch.started_s)
    return lower_bound_s(
        ScheduleProblem(
            graph=record.case.graph,
            model=model,
            call_s={
                each.task: overhead_s[model[each.task]] + (each.prefill_s or 0.0) + (each.decode_s or 0.0)
                for each in record.outcomes
            },
            load_s=load_s,
            vram_gb=record.steps[0].vram_gb,
            budget_gb=record.case.key.vram_budget_gb,
            slots=SLOTS,
        )
    )


def measure(graphs: Sequence[TaskGraph], mode: str, budget_gb: float) -> DispatchRow:
    """Return the row of a mode at a budget."""
    layers = [run(graph, mode, budget_gb, dispatch="layers")[0] for graph in graphs]
    pairs = [run(graph, mode, budget_gb, dispatch="tasks") for graph in graphs]
    tasks = [record for record, _ in pairs]
    questions = [step.decision_ms for record in tasks for step in record.steps]
    count = sum(len(graph) for graph in graphs)
    return DispatchRow(
        mode=mode,
        budget_gb=budget_gb,
        layers_s=_makespan_s(layers),
        tasks_s=_makespan_s(tasks),
        bound_s=sum(map(bound_s, tasks)),
        layers_loads=_loads(layers),
        tasks_loads=_loads(tasks),
        decision_ms=sum(questions) / len(questions),
        harness_ms=(1000 * sum(used_s for _, used_s in pairs) - sum(questions)) / count,
    )


def _makespan_s(records: Iterable[JobRecord]) -> float:
    return sum(each.makespan_s or 0.0 for each in records)


def _loads(records: Iterable[JobRecord]) -> int:
    return sum(switch.action == "load" for record in records for switch in record.switches)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graphs", nargs="*", type=Path, help="graph files of any format that can be imported")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    options = parser.parse_args()
    graphs = [TaskGraph.load(path).with_context("none") for path in options.graphs]
    graphs += [job.graph for job in generate_jobs(_JOBS, _SEED)]
    print("| mode | budget | layers | tasks | ratio | bound | loads | decision | harness per task |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = []
    for mode in options.modes.split(","):
        for budget_gb in BUDGETS_GB:
            row = measure(graphs, mode, budget_gb)
            rows.append(asdict(row) | {"ratio": row.ratio})
            print(
                f"| `{mode}` | {budget_gb:g} GB | {row.layers_s:,.0f} s | {row.tasks_s:,.0f} s | {row.ratio:.3f} "
                f"| {row.bound_s:,.0f} s | {row.layers_loads} / {row.tasks_loads} | {row.decision_ms:.2f} ms "
                f"| {row.harness_ms:.2f} ms |",
                flush=True,
            )
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
