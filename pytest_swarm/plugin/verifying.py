"""--swarm-verify: cases that are drawn by the seed are run for real as well, and their figures are kept beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.measured_run import PredictedAndReal, VerifiedCase
from pytest_swarm.domain.record import JobStatus
from pytest_swarm.domain.seeding import stable_rng
from pytest_swarm.errors import OptionError, SwarmError
from pytest_swarm.metrics.job_metrics import encode_metrics, job_metrics
from pytest_swarm.telemetry.events import encode_note
from pytest_swarm.telemetry.measured_events import encode_verified_case

if TYPE_CHECKING:
    from pytest_swarm.domain.record import JobRecord
    from pytest_swarm.execution.bench import Bench
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.telemetry.sink import Sink

FIGURES: Final = ("score", "makespan_s", "load_s", "total_latency_s", "measured_peak_vram_gb")


def drawn_tests(resources: Resources) -> frozenset[str]:
    """Return the tests that --swarm-verify runs for real as well, those of other shards too.

    Repeats that --swarm-repeat=auto may leave out are not among them. A remark says so where too few can be run.
    """
    settings = resources.settings
    if not settings.verify:
        return frozenset()
    whole = resources.collected.cases.items()
    tests = {test: key.mode for test, key in whole if not (settings.auto_repeat and key.repeat > 1)}
    able = verifiable(tests, resources.server_bench)
    if len(able) < min(settings.verify, len(tests)):
        resources.remarks.append(
            f"--swarm-verify={settings.verify}: a server can run {len(able)} of the {len(tests)} cases, and these are "
            "verified; the modes of the others must know all answers beforehand"
        )
    return drawn(able, settings.verify, seed=settings.seed)


def drawn(tests: Sequence[str], count: int, *, seed: int) -> frozenset[str]:
    """Return the tests to verify, the same in every process and shard of a run.

    Args:
        tests: The node IDs of the cases of the whole run.
        count: How many to draw.
        seed: The seed of the run.
    """
    return frozenset(stable_rng("verify", seed).sample(sorted(tests), min(count, len(tests))))


def verify(predicted: JobRecord, resources: Resources, *, sink: Sink) -> None:
    """Run a case for real, and write its figures beside the predicted ones; a note where it does not complete.

    Args:
        predicted: The case as it was played.
        resources: The server.
        sink: Takes the event.
    """
    case, found = predicted.case, _verified(predicted, resources)
    if isinstance(found, str):
        sentence = f"{case.label} could not be verified: {found}"
        sink.emit(encode_note(case, sentence, predicted.started_ts_ms))
    else:
        sink.emit(encode_verified_case(found, predicted.started_ts_ms))


def _verified(predicted: JobRecord, resources: Resources) -> VerifiedCase | str:
    """Return the figures of a real run beside the predicted ones, or why they cannot be compared."""
    case = predicted.case
    try:
        with resources.exclusive():
            real = resources.server_bench.run(case)
    except SwarmError as error:
        return str(error)
    if JobStatus.COMPLETED not in (real.status, predicted.status) or real.status is not predicted.status:
        return real.error or f"it ended as {real.status}"
    replaced = () if resources.measuring is None else resources.measuring.replaced()
    if replaced:
        return replaced[0]
    was, now = (encode_metrics(job_metrics(record)) for record in (predicted, real))
    figures = {
        name: PredictedAndReal(predicted=_number(was.get(name)), real=_number(now.get(name))) for name in FIGURES
    }
    asked = asked_again(predicted, real)
    return VerifiedCase(
        case=case.digest,
        job=case.job,
        mode=case.key.mode,
        label=case.key.label,
        figures=figures,
        questions=len(asked),
        other_answers=sum(first != second for first, second in asked),
    )


def asked_again(predicted: JobRecord, real: JobRecord) -> list[tuple[str, str]]:
    """Return the measured and the real answer to each question of a task that was the same one in both.

    It is the same one where the model is, and what the answers before it have handed on.

    Args:
        predicted: The case as it was played.
        real: The case as it was run.
    """
    graph = predicted.case.graph
    was, now = ({each.task: each for each in record.outcomes} for record in (predicted, real))
    found: list[tuple[str, str]] = []
    for task in was.keys() & now.keys():
        first, second = was[task], now[task]
        handed_on = all(was[each].answer == now[each].answer for each in graph.inputs(task))
        if first.answer is not None and second.answer is not None and first.model == second.model and handed_on:
            found.append((first.answer, second.answer))
    return found


def verifiable(tests: Mapping[str, str], bench: Bench) -> list[str]:
    """Return the tests whose cases a server can run: not those of modes that must know all answers beforehand.

    Args:
        tests: Node ID -> mode.
        bench: The bench of the server.
    """
    refused = set[str]()
    for mode in set(tests.values()):
        try:
            bench.check_modes([mode])
        except OptionError:
            refused.add(mode)
    return [test for test, mode in tests.items() if mode not in refused]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
