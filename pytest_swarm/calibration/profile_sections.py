"""The sections of a measured profile besides the models' own figures: hardware, planner, calls, tasks and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pytest_swarm.calibration.accuracy import TaskSamples
from pytest_swarm.calibration.cost_fit import MeasuredCost
from pytest_swarm.calibration.measured_models import ModelMeasurement
from pytest_swarm.documents import toml_comment, toml_line
from pytest_swarm.fields import Json
from pytest_swarm.simulator.models.profile_types import KnownContext, Profile
from pytest_swarm.simulator.models.recorded_answers import RecordedAnswer
from pytest_swarm.units import plural

_HARDWARE: Final = ("max_loaded_models", "num_parallel", "max_queue", "keep_alive_s", "fit_margin_bytes")
_DIGITS: Final = 6


def hardware_lines(models: Sequence[ModelMeasurement], base: Profile, gpu_bytes: int | None) -> list[str]:
    """Return the table `[hardware]`: no GPU where the recorded server used none.

    Args:
        models: The measured models.
        base: The base profile.
        gpu_bytes: The VRAM of the recorded GPU; None takes that of the base profile.
    """
    spec = base.server_spec
    lines = [toml_line(key, getattr(spec, key)) for key in _HARDWARE]
    lines.append(toml_line("load_poll_s", 0.0, "the measured loads hold the server's polls"))
    lines.append(toml_line("compute_bytes", scratch_bytes(models, base)))
    lines.append(toml_line("stale_free_memory", spec.stale_free_memory))
    if gpu_bytes is not None:
        return [toml_line("gpu_bytes", gpu_bytes, "from --gpu"), *lines]
    if all(model.vram_bytes == 0 for model in models):
        return [toml_comment("no gpu_bytes: no recorded model used a GPU"), *lines]
    if spec.gpu_bytes is not None:
        comment = f"from {base.name}; recordings do not tell, set it with --gpu"
        return [toml_line("gpu_bytes", spec.gpu_bytes, comment), *lines]
    return lines


def scratch_bytes(models: Sequence[ModelMeasurement], base: Profile) -> int:
    """Return the scratch memory of a model on the GPU: the base's, or 0 where a measured footprint is too small for it.

    A footprint holds it in any case; with 0 it counts as weights.

    Args:
        models: The measured models.
        base: The base profile.
    """
    scratch = base.server_spec.compute_bytes
    fits = all((model.vram_bytes or 0) > scratch + _context_bytes(model, base) for model in models)
    return scratch if fits else 0


def _context_bytes(model: ModelMeasurement, base: Profile) -> int:
    known = base.model(model.tag)
    return 0 if known is None else known.spec.kv_bytes(model.num_ctx or 1, base.server_spec.num_parallel)


def planner_lines(models: Sequence[ModelMeasurement], base: Profile) -> list[str]:
    """Return the table `[planner]`: from the model with the most recorded plans, else from the base profile.

    Args:
        models: The measured models.
        base: The base profile.
    """
    asked = [(model.tag, model.planner) for model in models if model.planner is not None]
    tag, seen = max(asked, key=lambda row: row[1].answers, default=("", None))
    profile = base.planner
    values: dict[str, Json] = {
        "favours": profile.favours.value,
        "corrects": profile.corrects,
        "ignores_schema": profile.ignores_schema,
        "thinking_tokens": profile.thinking_tokens,
        "runaway_tokens": profile.runaway_tokens,
        "ignores_budget": profile.ignores_budget,
        **({"answer_tokens": list(profile.answer_tokens)} if profile.answer_tokens else {}),
        **dict(profile.faults),
    }
    if seen is None:
        return [toml_comment(f"from {base.name}"), *(toml_line(key, value) for key, value in values.items())]
    measured: dict[str, Json] = {name: round(share, _DIGITS) for name, share in seen.faults.items()}
    if seen.corrects is not None:
        measured["corrects"] = round(seen.corrects, _DIGITS)
    if seen.favours is not None:
        measured |= {"favours": seen.favours.value, "ignores_budget": seen.ignores_budget}
    if seen.answer_tokens:
        values["answer_tokens"] = measured["answer_tokens"] = list(seen.answer_tokens)
    measured |= {"fenced": 0.0, "runaway": 0.0}
    comment = toml_comment(f"from {plural(seen.answers, 'answer')} of {tag}; without a comment: from {base.name}")
    chosen = {key: (measured.get(key, value), key in measured) for key, value in values.items()}
    return [comment, *(toml_line(key, value, "measured" if new else None) for key, (value, new) in chosen.items())]


def call_lines(model: ModelMeasurement) -> list[str]:
    """Return the lines of a model about its calls: their costs, its own limit, and the length of its answers."""
    cache = None if model.prompt_cache is None else model.prompt_cache.value
    rows: tuple[tuple[str, str | float | None, str], ...] = (
        ("num_predict", model.own_limit, "the length at which most of its cut answers end"),
        ("estimate_per_token", model.estimate_per_token, f"of the answers of {plural(model.call_count, 'call')}"),
        ("prompt_cache", cache, "the rule of the server's prompt cache that explains the times of prefill best"),
        ("slowdown_beside", model.slowdown_beside, "how many times longer its calls took while another model computed"),
        ("first_format_s", model.first_format_s, "what the first call with a format took more after each load"),
    )
    lines = [toml_line(key, _written(value), comment) for key, value, comment in rows if value is not None]
    kinds = (("plain_calls", model.plain), ("schema_calls", model.schema))
    costs = [toml_line(key, _cost_table(kind), f"fitted to {kind.calls} calls") for key, kind in kinds if kind]
    return lines + costs


def _written(value: str | float) -> str | float:
    return round(value, _DIGITS) if isinstance(value, float) else value


def _cost_table(measured: MeasuredCost) -> dict[str, Json]:
    cost = measured.cost
    table: dict[str, Json] = {
        "base_tokens": round(cost.base_tokens, _DIGITS),
    }
    if cost.rates is not None:
        table["tokens_per_estimate"] = round(cost.rates.other, _DIGITS)
        table["system_tokens_per_estimate"] = round(cost.rates.system, _DIGITS)
    return table if cost.overhead_s is None else {**table, "overhead_s": round(cost.overhead_s, _DIGITS)}


def answer_lines(model: ModelMeasurement) -> list[str]:
    """Return the `[[answers]]` tables of a model: its reply to each recorded request."""
    return [line for answer in model.replies for line in ("", "[[answers]]", *_answer(answer))]


def _answer(answer: RecordedAnswer) -> list[str]:
    counts = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens}
    times = {"prefill_s": answer.prefill_s, "decode_s": answer.decode_s, "overhead_s": answer.overhead_s}
    return [
        toml_line("model", answer.model),
        toml_line("request", answer.request),
        toml_line("text", answer.text),
        *(toml_line(key, count) for key, count in counts.items() if count is not None),
        *([toml_line("repeats", True)] if answer.repeats else []),
        *(toml_line(key, round(value, _DIGITS)) for key, value in times.items() if value is not None),
    ]


def known_outcome_lines(model: ModelMeasurement) -> list[str]:
    """Return the `[[known]]` tables of a model: what it did on each task of a recorded job."""
    lines: list[str] = []
    for samples in model.answers.tasks:
        if samples.scores or samples.completion_tokens:
            lines += ["", "[[known]]", *_known_outcome(samples, model.tag)]
        if samples.scores_after_wrong_input:
            scores: list[Json] = [round(score, 6) for score in samples.scores_after_wrong_input]
            lines += ["", "[[known]]", *_task_lines(samples, model.tag, "wrong"), toml_line("scores", scores)]
    return lines


def _known_outcome(samples: TaskSamples, tag: str) -> list[str]:
    """Return one measured task; `context` tells whether the scores hold with parents' outputs in the prompt."""
    context: KnownContext = "any" if samples.outputs_given or not samples.has_parents else "none"
    values: tuple[tuple[str, list[Json]], ...] = (
        ("scores", [round(score, 6) for score in samples.scores]),
        ("completion_tokens", list(samples.completion_tokens)),
    )
    return [
        *_task_lines(samples, tag, context),
        *(toml_line(key, each) for key, each in values if each),
    ]


def _task_lines(samples: TaskSamples, tag: str, context: KnownContext) -> list[str]:
    return [
        toml_line("job", samples.job),
        toml_line("task", samples.task),
        toml_line("model", tag),
        toml_line("context", context),
    ]
