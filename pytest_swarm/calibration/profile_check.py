"""The check of a measured profile: the recorded cases, played again by the profile, against the recording.

Each figure is summed over the cases whose plans are equal: every task on the model of the recording. The same is done
without the recorded answers, so that it shows what the profile's rules predict for requests that were never recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import compress
from typing import Final

from pytest_swarm.calibration.machine_speed import MachineDrift, joined_drifts, machine_speed
from pytest_swarm.calibration.recorded_chats import RecordedChat, is_load, recorded_chats
from pytest_swarm.calibration.recorded_settings import recorded_seed, recorded_settings
from pytest_swarm.domain.model import Fleet
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.prompt_speed import STALLED_TIMES, is_stalled
from pytest_swarm.domain.record import JobRecord, TaskStatus
from pytest_swarm.execution.backends import simulated_backend
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.ollama.cassette.takes import Take
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from pytest_swarm.units import plural

FAR_SHARE: Final = 0.35
"""A case counts as far off in a figure where the prediction differs from the recording by more than this share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFigures:
    """The figures of one case, summed over its tasks: seconds by the client's clock, tokens, and scores."""

    makespan_s: float
    latency_s: float
    load_s: float
    prompt_tokens: float
    completion_tokens: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedCase:
    """One case, as it was recorded or as it was predicted: the model of each task, and its figures."""

    plan: Mapping[str, str]
    figures: CaseFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureCheck:
    """One figure over the cases with equal plans: both sums, and the cases that are far off."""

    name: str
    recorded: float
    predicted: float
    far_cases: int

    @property
    def ratio(self) -> float | None:
        """Predicted over recorded; None where nothing was recorded."""
        return self.predicted / self.recorded if self.recorded else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileCheck:
    """How a profile predicts its recording: the number of cases, those with equal plans, and the figures over these.

    The figures leave out the `stalled_cases`, whose prompts took `stalled_s` seconds more than the profile says.
    """

    cases: int
    equal_plans: int
    figures: tuple[FigureCheck, ...]
    drift: MachineDrift
    stalled_cases: int = 0
    stalled_s: float = 0.0

    @property
    def sentences(self) -> list[str]:
        """What to know of the figures, besides the table."""
        stalled = (
            f"The sums leave out {plural(self.stalled_cases, 'case')} in which the server took {self.stalled_s:.1f} s "
            "more than usual to read prompts, as where it prepares itself for its first ones."
        )
        return [*([stalled] if self.stalled_cases else []), *filter(None, [self.drift.sentence])]


def check_profile(profile: Profile, fleet: Fleet, takes: Iterable[Take], *, seed: int | None = None) -> ProfileCheck:
    """Return how the profile predicts recorded cases; of several takes of a case, the last counts.

    Args:
        profile: The measured profile.
        fleet: The fleet of the recorded run; models that the profile lacks are left out.
        takes: The recordings.
        seed: The seed of the recorded runs; None finds that of each.

    Raises:
        OptionError: A recorded mode cannot run, for lack of a planner's recording, or the seed is not found.
    """
    latest = {take.case.digest: take for take in takes}
    runs: dict[tuple[str, int], list[Take]] = {}
    for take in latest.values():
        runs.setdefault((take.origin.run, recorded_seed(take) if seed is None else seed), []).append(take)
    predicted: list[PlayedCase] = []
    for (_, found), run in runs.items():
        predicted += _played(run, profile, fleet, recorded_settings(run, found))
    played = [take for run in runs.values() for take in run]
    chats = [tuple(recorded_chats(take)) for take in played]
    recorded = list(map(recorded_case, played, chats))
    speeds = [machine_speed(each, profile) for each in chats]
    stalled_s = [_stalled_s(each, profile) for each in chats]
    return _compare(recorded, predicted, speeds, stalled_s)


def _played(run: Iterable[Take], profile: Profile, fleet: Fleet, settings: BenchSettings) -> list[PlayedCase]:
    """Return the cases of one run as the profile predicts them."""
    offered = Fleet(name=fleet.name, models=tuple(model for model in fleet if profile.model(model.tag) is not None))
    backend = simulated_backend(SimulatedWorld(profile=profile, seed=settings.seed), offered)
    with Bench(backend=backend, fleet=offered, settings=settings) as bench:
        return [predicted_case(bench.run(take.case)) for take in run]


def joined_checks(checks: Sequence[ProfileCheck]) -> ProfileCheck | None:
    """Return the check of all cases of several checks; None of none."""
    if not checks:
        return None
    rows = zip(*(check.figures for check in checks), strict=True)
    return ProfileCheck(
        cases=sum(check.cases for check in checks),
        equal_plans=sum(check.equal_plans for check in checks),
        figures=tuple(
            FigureCheck(
                name=row[0].name,
                recorded=sum(each.recorded for each in row),
                predicted=sum(each.predicted for each in row),
                far_cases=sum(each.far_cases for each in row),
            )
            for row in rows
        ),
        drift=joined_drifts([check.drift for check in checks]),
        stalled_cases=sum(check.stalled_cases for check in checks),
        stalled_s=sum(check.stalled_s for check in checks),
    )


def check_table(with_answers: ProfileCheck, by_rules: ProfileCheck, new_jobs: ProfileCheck | None = None) -> list[str]:
    """Return the lines of a table in Markdown: each figure recorded and predicted, and as predicted with less known.

    Args:
        with_answers: The check of the whole profile.
        by_rules: The check without the recorded answers.
        new_jobs: The check of each job by the recordings of others; None where there are none.
    """
    others = {"by rules alone": by_rules} | ({"as a new job": new_jobs} if new_jobs is not None else {})
    lines = [
        "| | recorded | predicted | ratio | far off |" + "".join(f" {name} | far off |" for name in others),
        "|---|---|---|---|---|" + "---|---|" * len(others),
        f"| equal plans | {with_answers.cases} | {with_answers.equal_plans} | | |"
        + "".join(f" {_plans(each, with_answers.cases)} | |" for each in others.values()),
    ]
    for n, figure in enumerate(with_answers.figures):
        less_known = [check.figures[n] for check in others.values()]
        lines.append(
            f"| {figure.name} | {figure.recorded:.6g} | {figure.predicted:.6g} |"
            + "".join(f" {_ratio(each)} | {each.far_cases} |" for each in (figure, *less_known))
        )
    return [*lines, *(line for sentence in with_answers.sentences for line in ("", sentence))]


def without_answers(profile: Profile) -> Profile:
    """Return the profile without its recorded answers: its rules alone."""
    return replace(profile, answers=())


def _plans(check: ProfileCheck, cases: int) -> str:
    return f"{check.equal_plans}" if check.cases == cases else f"{check.equal_plans} of {check.cases}"


def _ratio(figure: FigureCheck) -> str:
    return "-" if figure.ratio is None else f"{figure.ratio:.3f}"


def recorded_case(take: Take, answered: Iterable[RecordedChat]) -> PlayedCase:
    """Return a case as it was recorded, from its first load or chat on: before that, the server is cleared for it.

    Args:
        take: The recorded case.
        answered: Its `recorded_chats`.
    """
    chats = [chat for chat in answered if chat.exchange.task is not None]
    calls = [row for row in take.exchanges if not row.watched]
    start_s = min((row.sent_s for row in calls if is_load(row) or row.path == "/api/chat"), default=0.0)
    scores = [score_text(chat.task.expected, chat.reply.text).value for chat in chats if chat.task is not None]
    return PlayedCase(
        plan={chat.exchange.task: full_tag(chat.model) for chat in chats if chat.exchange.task is not None},
        figures=CaseFigures(
            makespan_s=max((row.ended_s for row in calls), default=0.0) - start_s,
            latency_s=sum(chat.exchange.end_s for chat in chats),
            load_s=sum(row.end_s for row in calls if is_load(row)),
            prompt_tokens=sum(chat.reply.prompt_tokens or 0 for chat in chats),
            completion_tokens=sum(chat.reply.completion_tokens or 0 for chat in chats),
            score=sum(score for score in scores if score is not None),
        ),
    )


def predicted_case(record: JobRecord) -> PlayedCase:
    """Return a case as it was played."""
    done = [outcome for outcome in record.outcomes if outcome.status is TaskStatus.OK]
    scores = [score_text(record.case.graph.task(outcome.task).expected, outcome.answer or "").value for outcome in done]
    return PlayedCase(
        plan={outcome.task: full_tag(outcome.model) for outcome in done if outcome.model is not None},
        figures=CaseFigures(
            makespan_s=record.makespan_s or 0.0,
            latency_s=sum((outcome.finished_s or 0.0) - (outcome.started_s or 0.0) for outcome in done),
            load_s=sum(each.finished_s - each.started_s for each in record.switches if each.action == "load"),
            prompt_tokens=sum(outcome.prompt_tokens or 0 for outcome in done),
            completion_tokens=sum(outcome.completion_tokens or 0 for outcome in done),
            score=sum(score for score in scores if score is not None),
        ),
    )


def _stalled_s(chats: Iterable[RecordedChat], profile: Profile) -> float:
    """Return how many seconds more than by the profile the prompts of a case took that stalled."""
    lost_s = 0.0
    for chat in chats:
        model, tokens, seconds = profile.model(chat.model), chat.reply.prompt_tokens or 0, chat.reply.prefill_s or 0.0
        if model is not None:
            usual = model.spec.prefill_tokens_per_s
            lost_s += seconds - tokens / usual if is_stalled(tokens, seconds, slowest=usual / STALLED_TIMES) else 0.0
    return lost_s


def _compare(
    recorded: Sequence[PlayedCase],
    predicted: Sequence[PlayedCase],
    speeds: Sequence[float | None],
    stalled_s: Sequence[float],
) -> ProfileCheck:
    equal = [was.plan == now.plan for was, now in zip(recorded, predicted, strict=True)]
    kept = [same and not lost_s for same, lost_s in zip(equal, stalled_s, strict=True)]
    rows = list(compress(zip(recorded, predicted, speeds, strict=True), kept))
    figures = []
    for field in fields(CaseFigures):
        values = [(getattr(was.figures, field.name), getattr(now.figures, field.name)) for was, now, _ in rows]
        figures.append(
            FigureCheck(
                name=field.name,
                recorded=sum(was for was, _ in values),
                predicted=sum(now for _, now in values),
                far_cases=sum(is_far(was, now) for was, now in values),
            )
        )
    times = [
        (getattr(was.figures, name), getattr(now.figures, name), speed or 1.0)
        for was, now, speed in rows
        for name in ("makespan_s", "latency_s", "load_s")
    ]
    drift = MachineDrift(
        speeds=tuple(speed for speed in speeds if speed is not None),
        far=sum(is_far(was, now) for was, now, _ in times),
        far_at_speed=sum(is_far(was, now) and is_far(was, now / speed) for was, now, speed in times),
    )
    return ProfileCheck(
        cases=len(recorded),
        equal_plans=sum(equal),
        figures=tuple(figures),
        drift=drift,
        stalled_cases=sum(bool(each) for each in compress(stalled_s, equal)),
        stalled_s=sum(compress(stalled_s, equal)),
    )


def is_far(recorded: float, predicted: float) -> bool:
    """Return whether a predicted figure differs from the recorded one by more than FAR_SHARE."""
    return abs(predicted - recorded) > FAR_SHARE * abs(recorded)
