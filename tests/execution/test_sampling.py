"""What is seen inside a step: unplanned loads, peaks between two plans, and no difference where nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import httpx
import pytest

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.domain.vram_sample import GpuReading, ResidentModel, SamplePhase, VramSample
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.job_clock import JobClock
from pytest_swarm.execution.sampling import REAL_INTERVAL, Look, SamplingInterval, VramSampler
from pytest_swarm.metrics.job_metrics import job_metrics
from pytest_swarm.ollama.client import OllamaClient
from pytest_swarm.simulator.virtual_loop import new_virtual_loop
from pytest_swarm.telemetry.events import encode_vram_sample
from pytest_swarm.telemetry.nvml import GpuMeter
from tests.execution.lab import HEAVY, PLANNER, backend, bench, case, graph, run

GB = 1_000_000_000


class Ps:
    """A server whose list of resident models is a function of the time; counts how often it is asked."""

    def __init__(self, *rows: tuple[float, Iterable[str]], fails: bool = False, takes_s: float = 0.0) -> None:
        self.takes_s = takes_s
        self.answered = 0
        self.rows = rows
        self.fails = fails
        self.asked: list[float] = []
        self.ends: list[float] = []

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        now_s = asyncio.get_running_loop().time()
        self.asked.append(now_s)
        await asyncio.sleep(self.takes_s)
        self.answered += 1
        models = [{"name": name, "model": name, "size": 2 * GB, "size_vram": GB} for name in self._names(now_s)]
        return httpx.Response(500 if self.fails else 200, json={"models": models})

    def known(self) -> tuple[ResidentModel, ...]:
        names = self._names(asyncio.get_running_loop().time())
        return tuple(ResidentModel(tag=name, size_bytes=2 * GB, size_vram_bytes=GB) for name in names)

    def _names(self, now_s: float) -> Iterable[str]:
        names: Iterable[str] = ()
        for since_s, present in self.rows:
            names = present if now_s >= since_s else names
        return names


def sampled(
    ps: Ps,
    *seconds: float,
    interval: SamplingInterval = REAL_INTERVAL,
    gpu: GpuMeter | None = None,
    known: bool = False,
) -> list[VramSample]:
    """The samples of steps of that many virtual seconds, whose ends are in `ps.ends`; `known` without a request."""
    kept: list[VramSample] = []

    async def main() -> None:
        client = OllamaClient("http://box:1", transport=httpx.MockTransport(ps))
        look = Look(resident=client.resident, known=ps.known if known else client.known_resident)
        sampler = VramSampler(look, gpu, JobClock(virtual=True), interval=interval, on_sample=kept.append)
        await sampler.record(0, SamplePhase.START, ())
        for step, step_s in enumerate(seconds):
            sampler.begin(step)
            await asyncio.sleep(step_s)
            await sampler.end()
            ps.ends.append(round(asyncio.get_running_loop().time(), 3))

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        runner.run(main())
    return kept


def test_a_model_that_came_and_went_inside_a_step_is_seen() -> None:
    samples = sampled(Ps((0, ()), (3, ("m",)), (5, ())), 8)
    assert [(each.at_s, [row.tag for row in each.resident]) for each in samples] == [(0, []), (3, ["m"]), (5, [])]
    assert samples[1].resident == (ResidentModel(tag="m", size_bytes=2 * GB, size_vram_bytes=GB),)
    assert samples[1].phase is SamplePhase.PLANNING


def test_where_it_is_known_that_nothing_has_changed_nothing_is_asked() -> None:
    ps = Ps((0, ()), (3, ("m",)), (5, ()))
    known = sampled(ps, 8, known=True)
    assert len(ps.asked) == 2
    assert known == sampled(Ps((0, ()), (3, ("m",)), (5, ())), 8)


def test_samples_follow_the_interval_and_end_with_the_step() -> None:
    ps = Ps((0, ()))
    sampled(ps, 2.2)
    assert ps.asked == [0.5, 1.0, 1.5, 2.0]
    ps = Ps((0, ()))
    sampled(ps, 100, interval=SamplingInterval(first_s=1, growth=2))
    assert ps.asked == [1, 3, 7, 15, 31, 63]


@pytest.mark.parametrize(("takes_s", "answered"), [(0.06, 1), (60, 0)])
def test_a_pending_request_may_be_answered_but_not_for_long(takes_s: float, answered: int) -> None:
    ps = Ps((0, ("m",)), takes_s=takes_s)
    samples = sampled(ps, 0.52)
    assert (ps.asked, ps.answered, len(samples)) == ([0.5], answered, 1 + answered)


def test_a_request_that_was_given_up_delays_no_later_step() -> None:
    ps = Ps((0, ("m",)), takes_s=60)
    sampled(ps, 0.52, 0.2, 0.2)
    assert (ps.asked, ps.ends) == ([0.5], [0.62, 0.82, 1.02])


def test_a_server_error_is_left_to_the_steps_own_calls() -> None:
    ps = Ps(fails=True)
    assert len(sampled(ps, 3)) == 1
    assert len(ps.asked) == 5


def gpu_of(*used: int) -> GpuMeter:
    """A GPU whose figures are a list, one for each reading."""
    readings = iter(used)

    class Nvml:
        NVMLError = ValueError

        def nvmlDeviceGetMemoryInfo(self, _: object) -> object:  # noqa: N802 - NVML's own name
            return type("Memory", (), {"used": next(readings), "total": GB})

        def nvmlDeviceGetComputeRunningProcesses(self, _: object) -> list[object]:  # noqa: N802
            return []

    return GpuMeter(names=("g",), totals_bytes=(GB,), _nvml=Nvml(), _handles=(0,))  # type: ignore[arg-type]


def test_a_higher_gpu_reading_is_kept_and_a_lower_one_is_not() -> None:
    samples = sampled(Ps((0, ())), 2.7, gpu=gpu_of(5, 4, 7, 7, 6, 8))
    assert [each.gpu_used_bytes for each in samples] == [5, 7, 8]


def test_a_planned_run_is_not_changed_by_sampling() -> None:
    record = run(case(graph(("a", "b"), ("a", "c")), "milp"))
    metrics = job_metrics(record)
    assert [each.phase for each in record.samples] == [SamplePhase.START, SamplePhase.READY] * len(record.steps) + [
        SamplePhase.END
    ]
    assert (metrics.unplanned_loads, metrics.residency_mismatches) == (0, 0)
    assert metrics.gpu_peak_gb is None
    assert metrics.server_gpu_peak_gb is None


def test_the_planners_own_residency_is_seen() -> None:
    record = run(case(graph(("a", "b")), "llm"))
    planning = [each for each in record.samples if each.phase is SamplePhase.PLANNING]
    assert PLANNER in {row.tag for each in planning for row in each.resident}
    assert run(case(graph(("a", "b")), "llm")).samples == record.samples


def test_a_crashed_model_is_an_unplanned_load() -> None:
    settings = BenchSettings(concurrency=1)
    with bench("crash:after=1,times=1", settings=settings) as a_bench:
        record = a_bench.run(case(graph(ids="a b"), "single:gemma2:2b"))
    metrics = job_metrics(record)
    assert (metrics.tasks_failed, metrics.unplanned_loads) == (1, 1)


def altered(record: JobRecord, *samples: VramSample) -> JobRecord:
    return replace(record, samples=samples)


def sample(step: int, *tags: str, phase: SamplePhase = SamplePhase.RUNNING) -> VramSample:
    rows = tuple(ResidentModel(tag=tag, size_bytes=5 * GB, size_vram_bytes=5 * GB) for tag in tags)
    return VramSample(step=step, at_s=0.0, resident=rows, phase=phase)


@pytest.mark.parametrize(
    ("tags", "phase", "mismatches"),
    [
        (("gemma2:2b",), SamplePhase.RUNNING, 0),
        ((), SamplePhase.RUNNING, 1),
        (("gemma2:2b", "stranger:7b"), SamplePhase.READY, 1),
        (("stranger:7b",), SamplePhase.PLANNING, None),
        (("stranger:7b",), SamplePhase.SCORING, None),
    ],
)
def test_residency_against_plan(tags: tuple[str, ...], phase: SamplePhase, mismatches: int | None) -> None:
    record = run(case(graph(ids="a"), "single:gemma2:2b"))
    found = job_metrics(altered(record, sample(0, *tags, phase=phase)))
    assert found.residency_mismatches == mismatches


@pytest.mark.parametrize(("tag", "mismatches"), [("phi4:14b", 0), ("qwen2.5-coder:7b", 1)])
def test_a_model_that_is_loaded_for_a_later_task_is_no_mismatch(tag: str, mismatches: int) -> None:
    record = run(case(graph(("a", "b")), "single:gemma2:2b"))
    first, *rest = record.steps
    later = replace(first.assignments[0], task="b", model="phi4:14b")
    sampled_later = altered(record, sample(0, "gemma2:2b", tag, phase=SamplePhase.READY))
    steps = (replace(first, assignments=(*first.assignments, later), deferred=("b",)), *rest)
    assert job_metrics(replace(sampled_later, steps=steps)).residency_mismatches == 1
    steps = (replace(steps[0], running=()), *rest)
    assert job_metrics(replace(sampled_later, steps=steps)).residency_mismatches == mismatches


def test_a_model_of_somebody_else_is_no_mismatch() -> None:
    record = run(case(graph(ids="a"), "single:gemma2:2b"))
    one = sample(0, "gemma2:2b", "stranger:7b", phase=SamplePhase.READY)
    marked = tuple(replace(row, foreign=row.tag == "stranger:7b") for row in one.resident)
    assert job_metrics(altered(record, replace(one, resident=marked))).residency_mismatches == 0


def test_peak_violation_and_spill_inside_a_step_count() -> None:
    record = run(case(graph(ids="a"), "single:gemma2:2b"))
    half = ResidentModel(tag="m", size_bytes=9 * GB, size_vram_bytes=4 * GB)
    inside = replace(sample(0, "gemma2:2b"), resident=(*sample(0, "gemma2:2b").resident, half))
    found = job_metrics(altered(record, sample(0), inside, sample(0)))
    assert (found.measured_peak_vram_gb, found.measured_violations, found.spilled_gb) == (9.0, 1, 5.0)


def test_nothing_measured_is_none() -> None:
    found = job_metrics(altered(run(case(graph(ids="a"), "milp"))))
    assert (found.measured_peak_vram_gb, found.measured_violations, found.spilled_gb, found.residency_mismatches) == (
        None,
    ) * 4


def test_the_servers_processes_are_told_from_others() -> None:
    from pytest_swarm.domain.vram_sample import GpuProcess

    record = run(case(graph(ids="a"), "milp"))
    processes = (
        GpuProcess(gpu=0, pid=1, name="/opt/ollama/llama-server", used_bytes=4 * GB),
        GpuProcess(gpu=1, pid=2, name="C:\\Programs\\Ollama\\ollama.exe", used_bytes=GB),
        GpuProcess(gpu=0, pid=3, name="/home/ollama/train.py", used_bytes=9 * GB),
        GpuProcess(gpu=0, pid=4, name=None, used_bytes=GB),
    )
    reading = GpuReading(used_bytes=(14 * GB, 2 * GB), processes=processes)
    found = job_metrics(altered(record, replace(sample(0), gpu=reading)))
    assert (found.gpu_peak_gb, found.server_gpu_peak_gb) == (16.0, 5.0)


def test_a_local_gpu_is_measured_and_recorded() -> None:
    meter = gpu_of(*range(1, 100))
    local = replace(backend(), simulated=False, is_local=True)
    with Bench(backend=local, fleet=HEAVY, settings=BenchSettings(), gpu=meter) as a_bench:
        a_case = case(graph(ids="a"), "milp")
        record = a_bench.run(a_case)
    assert all(each.gpu is not None for each in record.samples)
    assert encode_vram_sample(a_case, record.samples[0], 0.0)["gpus"] == (1,)
    assert job_metrics(record).gpu_peak_gb == pytest.approx(len(record.samples) / 1e9, rel=1)
    with bench() as simulated:
        assert all(each.gpu is None for each in simulated.run(a_case).samples)


class SlowToStop:
    """A client whose request takes a second to be cancelled, as closing a connection may."""

    async def resident(self) -> tuple[ResidentModel, ...]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
            raise
        return ()


@pytest.mark.parametrize("at_s", [0.55, 0.65, 1.2])  # in the step, within the grace, while the sampler ends
def test_a_cancelled_job_is_cancelled_while_it_samples(at_s: float) -> None:
    """Ctrl-C cancels the job's task: were that taken for the end of the sampler, the run would go on."""
    ended: list[str] = []

    async def job() -> None:
        clock = JobClock(virtual=True)
        sampler = VramSampler(
            Look(resident=SlowToStop().resident), None, clock, interval=REAL_INTERVAL, on_sample=lambda _: None
        )
        sampler.begin(0)
        try:
            await asyncio.sleep(0.6)
        finally:
            await sampler.end()
        ended.append("went on")

    async def main() -> None:
        task = asyncio.get_running_loop().create_task(job())
        asyncio.get_running_loop().call_later(at_s, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    with asyncio.Runner(loop_factory=new_virtual_loop) as runner:
        runner.run(main())
    assert ended == []
