"""What measuring each answer once saves: calls, loads and GPU seconds, with and without a store, on the simulator.

    python -m benchmarks.performance.measure_once                 six modes, workflowbench and six generated jobs
    python -m benchmarks.performance.measure_once --published     17 workflows, 7 modes, 4 horizons, 3 budgets
    python -m benchmarks.performance.measure_once --rounds        what the rounds cost over a chain of 50 tasks

The simulated server stands in for a real one. Every case is also run without a store, and compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_swarm.calibration.measured_world import measured_world
from pytest_swarm.domain.graph import HorizonDepth, TaskGraph
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.record import Case, CaseKey, JobRecord
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.execution.answer_broker import AnswerBroker
from pytest_swarm.execution.answer_gate import Need
from pytest_swarm.execution.asked_server import AskSettings
from pytest_swarm.execution.backends import Backend, simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.case_player import CompleteCase
from pytest_swarm.execution.model_loading import Room
from pytest_swarm.execution.playing_backend import Played
from pytest_swarm.execution.server_answers import ServerAnswers, identities, served_models
from pytest_swarm.execution.waves import Measurer, WaveReport, Waves
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.workloads.fleet import load_fleet
from pytest_swarm.workloads.graph_files import load_graph
from pytest_swarm.workloads.workflowgen.jobs import generate_jobs

GRAPHS = Path(__file__).parents[1] / "graphs"
PLANNER = "llama3.1:8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The cases of every workflow."""

    modes: tuple[str, ...]
    horizons: tuple[HorizonDepth, ...]
    budgets_gb: tuple[float, ...]
    generated: int
    repeats: int = 2

    def graphs(self) -> tuple[TaskGraph, ...]:
        """Return workflowbench and generated jobs."""
        shipped = (load_graph(GRAPHS / f"{name}.toml") for name in ("wb1", "wb2", "wb3"))
        return (*shipped, *(job.graph for job in generate_jobs(self.generated, seed=11)))

    def cases(self, graph: TaskGraph) -> list[Case]:
        """Return the cases of one workflow."""
        return [
            Case(graph=graph, key=CaseKey(mode=mode, horizon=horizon, vram_budget_gb=budget_gb, repeat=repeat))
            for mode in self.modes
            for horizon in self.horizons
            for budget_gb in self.budgets_gb
            for repeat in range(1, self.repeats + 1)
        ]


SIX = Matrix(
    modes=("lp", "milp", "staged", "llm", "greedy", "random"), horizons=(0, 1, 3), budgets_gb=(8.0, 16.0), generated=6
)
PUBLISHED = Matrix(
    modes=("lp", "milp", "staged", "llm", "greedy", "best-single", "random"),
    horizons=(0, 1, 3, "flat"),
    budgets_gb=(8.0, 16.0, 24.0),
    generated=14,
)


@dataclass(slots=True, kw_only=True)
class Totals:
    """Calls of tasks and of planners, loads, seconds of the server, and seconds of this process."""

    tasks: int = 0
    planners: int = 0
    loads: int = 0
    server_s: float = 0.0
    process_s: float = 0.0

    def add(self, record: JobRecord) -> None:
        """Add a case that was run."""
        self.tasks += sum(outcome.model is not None for outcome in record.outcomes)
        self.planners += sum(len(step.planner_calls) for step in record.steps)
        self.loads += sum(switch.action == "load" for switch in record.switches)
        self.server_s += record.makespan_s or 0.0


def server() -> Backend:
    """Return the server that stands in for a real one."""
    return simulated_backend(SimulatedWorld(profile=load_profile("a40")), load_fleet("heavy"))


def bench_of(backend: Backend) -> Bench:
    """Return a bench on the heavy fleet."""
    return Bench(backend=backend, fleet=load_fleet("heavy"), settings=BenchSettings(planner=PLANNER))


def without_store(matrix: Matrix, graph: TaskGraph, totals: Totals) -> Iterator[JobRecord]:
    """Yield the records of a workflow's cases, each run on the server."""
    started_s = time.process_time()
    with bench_of(server()) as bench:
        for case in matrix.cases(graph):
            record = bench.run(case)
            totals.add(record)
            yield record
    totals.process_s += time.process_time() - started_s


class TimedMeasurer:
    """Measures as another one does, and counts the seconds of this process that it takes."""

    def __init__(self, inner: Measurer) -> None:
        self._inner = inner
        self.process_s = 0.0

    def measure(self, needs: Sequence[Need], case: Case, *, wave: int) -> WaveReport:
        """Return what was measured."""
        started_s = time.process_time()
        report = self._inner.measure(needs, case, wave=wave)
        self.process_s += time.process_time() - started_s
        return report


class Store:
    """A store in memory, with the server that it is filled from."""

    def __init__(self, budgets_gb: Sequence[float]) -> None:
        self.inner, self.store, fleet = server(), AnswerStore(None), load_fleet("heavy")
        known = ServerAnswers(
            store=self.store, models=identities(served_models(self.inner, world="a40")), timeout_s=120.0
        )
        sizes_gb = {full_tag(model.tag): model.vram_gb for model in fleet}
        self.broker = AnswerBroker(self.inner, known, AskSettings(room=Room(gb=max(budgets_gb), sizes_gb=sizes_gb)))
        self.asking = TimedMeasurer(self.broker)
        self.waves = Waves(
            Played(known=known, detail="measured"),
            world=lambda: measured_world(self.store),
            measurer=self.asking,
            make_bench=bench_of,
        )

    def play(self, cases: Sequence[Case], reports: list[WaveReport]) -> list[JobRecord]:
        """Return the records of cases, and append what their waves have measured."""
        measured = self.waves.play(cases)
        reports += measured.waves
        complete = [result for result in measured.cases.values() if isinstance(result, CompleteCase)]
        return [result.record for result in complete if result.record is not None]

    def questions(self) -> tuple[int, int]:
        """Return how many answers of tasks and of planners the store has."""
        kinds = [answer.kind for _, answer in self.store.entries()]
        return len(kinds) - kinds.count("planner"), kinds.count("planner")


def differences(played: JobRecord, real: JobRecord) -> list[str]:
    """Return in what a played case differs from a real one."""
    found = []
    answers = [
        [(o.task, o.model, o.answer, o.score, o.prompt_tokens) for o in each.outcomes] for each in (played, real)
    ]
    plans = [[(s.executed, s.target_residency, s.violation) for s in each.steps] for each in (played, real)]
    if answers[0] != answers[1]:
        found.append("answers")
    if plans[0] != plans[1]:
        found.append("plans")
    if abs((played.makespan_s or 0.0) - (real.makespan_s or 0.0)) > 0.03 * (real.makespan_s or 0.0):
        found.append("makespan")
    return found


def print_rounds() -> None:
    """Print the computing time of all rounds of a chain, without asking, as a multiple of one simulation."""
    tasks = tuple(
        Task(id=f"t{n}", type=TaskType.MATH, prompt=f"Task {n}: how much is 20 + {n}?", estimated_tokens=100)
        for n in range(50)
    )
    graph = TaskGraph(name="chain", tasks=tasks, edges=tuple((f"t{n}", f"t{n + 1}") for n in range(49)))
    matrix = replace(SIX, modes=("milp", "staged", "greedy", "random"), horizons=(0, 1), repeats=1)
    for attempt in ("warm-up", "measured"):
        store, reports = Store(matrix.budgets_gb), list[WaveReport]()
        with closing(store.broker):
            seconds = []
            for _ in range(2):
                started_s = time.process_time()
                store.play(matrix.cases(graph), reports)
                seconds.append(time.process_time() - started_s)
        rounds_s = seconds[0] - store.asking.process_s
        print(
            f"{attempt}: {len(matrix.cases(graph))} cases, {len(reports)} waves; the rounds take {rounds_s:.1f} s, one "
            f"simulation {seconds[1]:.1f} s: {rounds_s / seconds[1]:.2f} times"
        )


def main() -> None:
    """Measure, play, compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", action="store_true", help="2,856 cases in place of 648; takes minutes")
    parser.add_argument("--rounds", action="store_true", help="what the rounds cost over a chain of 50 tasks")
    options = parser.parse_args()
    if options.rounds:
        print_rounds()
        return
    matrix = PUBLISHED if options.published else SIX
    plain, reports, differing, worst, cases = Totals(), list[WaveReport](), 0, 0.0, 0
    first_s = again_s = 0.0
    store = Store(matrix.budgets_gb)
    with closing(store.broker):
        for graph in matrix.graphs():
            started_s = time.process_time()
            played = store.play(matrix.cases(graph), reports)
            first_s += time.process_time() - started_s
            asked = len(reports)
            started_s = time.process_time()
            store.play(matrix.cases(graph), reports)
            again_s += time.process_time() - started_s
            assert len(reports) == asked, "a second run asks nothing"
            for one, other in zip(played, without_store(matrix, graph, plain), strict=True):
                cases += 1
                differing += bool(differences(one, other))
                if other.makespan_s:
                    worst = max(worst, abs((one.makespan_s or 0.0) / other.makespan_s - 1))
    tasks, planners = store.questions()
    loads, server_s = sum(each.loads for each in reports), sum(each.server_s for each in reports)
    print(
        f"{cases:,} cases of {len(matrix.graphs())} workflows; {differing} differ, makespan off by {worst:.1e} at most"
    )
    print("| | without a store | measured once | ratio |\n|---|---|---|---|")
    rows = (
        ("calls of tasks", plain.tasks, tasks),
        ("calls of planners", plain.planners, planners),
        ("loads", plain.loads, loads),
        ("seconds of the server", plain.server_s, server_s),
        ("seconds of this process", plain.process_s, first_s),
    )
    for name, without, once in rows:
        print(f"| {name} | {without:,.0f} | {once:,.0f} | {without / max(once, 1e-9):.1f} |")
    print(f"{len(reports)} waves; the second run asks nothing and takes {again_s:.0f} s of this process")


if __name__ == "__main__":
    main()
