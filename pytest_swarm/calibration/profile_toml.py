"""A simulator profile as TOML, from measured models and a base profile for everything that was not measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from pytest_swarm.calibration.accuracy import TaskSamples
from pytest_swarm.calibration.measured_models import ModelMeasurement
from pytest_swarm.documents import toml_comment, toml_line, toml_value
from pytest_swarm.domain.task import TaskType
from pytest_swarm.fields import Json
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.server.hardware import ModelSpec

_UNKNOWN_SHAPE: Final = (1, 1, 1)
"""Layers, KV heads and head size of a model that the base profile does not have. Its context then takes next to no
memory, so its footprint is what was measured, at any context."""

_HARDWARE: Final = (
    *("max_loaded_models", "num_parallel", "max_queue", "keep_alive_s", "compute_bytes", "fit_margin_bytes"),
    "stale_free_memory",
)
_RULES: Final = (
    *("difficulty_slope", "partial_share", "error_carryover", "self_contained_carryover", "neutral_accuracy"),
    "token_spread",
)
_SHAPE: Final = ("size_bytes", "layers", "kv_heads", "head_dim", "context_length")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileTemplate:
    """What a measured profile starts from: its name and source, and the base profile for what was not measured.

    `gpu_bytes` is the VRAM of the recorded GPU; None takes that of the base profile.
    """

    name: str
    source: str
    base: Profile
    gpu_bytes: int | None = None


def profile_toml(models: Sequence[ModelMeasurement], template: ProfileTemplate) -> str:
    """Return the text of a profile; `load_profile` reads it. Comments tell where each value comes from.

    Args:
        models: Models for which `missing_measurement` is None.
        template: Everything that was not measured.
    """
    base = template.base
    lines = [
        toml_comment(f"Measured from recordings. What they do not tell is taken from the profile {base.name}."),
        toml_line("name", template.name),
        toml_line("source", template.source),
        "",
        "[hardware]",
        *_hardware(template),
        "",
        "[behaviour]",
        *_behaviour(models, base),
        "[behaviour.completion_tokens]",
        *_completion_tokens(models, base),
        "",
        "[planner]",
        toml_comment(f"from {base.name}"),
        *_planner(base),
    ]
    for model in models:
        lines += ["", "[[models]]", *_model(model, base)]
    for model in models:
        lines += _known_outcomes(model)
    return "\n".join(lines) + "\n"


def _hardware(template: ProfileTemplate) -> list[str]:
    spec = template.base.server_spec
    lines = [toml_line(key, getattr(spec, key)) for key in _HARDWARE]
    if template.gpu_bytes is not None:
        return [toml_line("gpu_bytes", template.gpu_bytes, "from --gpu"), *lines]
    if spec.gpu_bytes is not None:
        comment = f"from {template.base.name}; recordings do not tell, set it with --gpu"
        return [toml_line("gpu_bytes", spec.gpu_bytes, comment), *lines]
    return lines


def _behaviour(models: Iterable[ModelMeasurement], base: Profile) -> list[str]:
    """Return the rules; the reference difficulty is that of the scored answers, because the accuracies hold there."""
    counts = [count for model in models for count in model.answers.accuracy.values()]
    scored = sum(count.scored for count in counts)
    difficulty = base.behaviour.reference_difficulty
    if scored:
        difficulty = sum(count.mean_difficulty * count.scored for count in counts) / scored
    return [
        toml_line("reference_difficulty", round(difficulty, 3), f"mean difficulty of the {scored} scored answers"),
        *(toml_line(key, getattr(base.behaviour, key), f"from {base.name}") for key in _RULES),
    ]


def _completion_tokens(models: Iterable[ModelMeasurement], base: Profile) -> list[str]:
    models = tuple(models)
    lines = []
    for kind in TaskType:
        counts = [count for model in models for count in model.completion_tokens.get(kind, ())]
        if counts:
            middle = max(1, round(median(counts)))
            lines.append(toml_line(kind.value, middle, f"median of {len(counts)} answers"))
        elif kind in base.behaviour.completion_tokens:
            lines.append(toml_line(kind.value, base.behaviour.completion_tokens[kind], f"from {base.name}"))
    return lines


def _planner(base: Profile) -> list[str]:
    planner = base.planner
    values: dict[str, Json] = {
        "favours": planner.favours.value,
        "corrects": planner.corrects,
        "ignores_schema": planner.ignores_schema,
        "thinking_tokens": planner.thinking_tokens,
        "runaway_tokens": planner.runaway_tokens,
    }
    return [toml_line(key, value) for key, value in {**values, **dict(planner.faults)}.items()]


def _model(model: ModelMeasurement, base: Profile) -> list[str]:
    spec, shape = _spec(model, base)
    calls = f"{model.call_count} calls"
    lines = [
        toml_line("name", model.tag),
        toml_line("source", f"{calls}, {model.load_count} loads; {shape}"),
        toml_line("blob", spec.blob),
        *(toml_line(key, getattr(spec, key)) for key in _SHAPE),
        toml_line("prefill_tokens_per_s", round(spec.prefill_tokens_per_s, 3), calls),
        toml_line("decode_tokens_per_s", round(spec.decode_tokens_per_s, 3), calls),
        toml_line("overhead_s", round(spec.overhead_s, 6), "median of the calls that ran alone"),
        toml_line("load_s", round(spec.load_s, 6), f"median of {model.load_count} loads by the client's clock"),
    ]
    if spec.first_load_s is not None:
        lines.append(toml_line("first_load_s", round(spec.first_load_s, 6), "median of each run's first load"))
    return lines + _accuracy(model, base)


def _accuracy(model: ModelMeasurement, base: Profile) -> list[str]:
    """Return the accuracy by type: the base profile's, replaced where enough answers were recorded."""
    known = base.model(model.tag)
    rows = {} if known is None else {kind: (each.value, each.source) for kind, each in known.accuracy.items()}
    rows |= {kind: (round(count.rate, 4), count.summary) for kind, count in model.reliable_accuracy.items()}
    tables = [
        toml_value({"type": kind.value, "value": value, "source": source})
        for kind, (value, source) in sorted(rows.items())
    ]
    return ["accuracy = [", *(f"  {table}," for table in tables), "]"] if tables else []


def _spec(model: ModelMeasurement, base: Profile) -> tuple[ModelSpec, str]:
    """Return the model for the simulator, and a sentence on its shape.

    The size of the weights is the measured footprint less context and scratch memory.
    """
    assert model.decode_tokens_per_s is not None
    assert model.prefill_tokens_per_s is not None
    assert model.warm_load_s is not None
    assert model.size_bytes is not None
    known = base.model(model.tag)
    layers, kv_heads, head_dim = _UNKNOWN_SHAPE
    num_ctx = model.num_ctx or 1
    shape = f"unknown shape, so the footprint is {model.size_bytes} bytes at any context"
    if known is not None:
        layers, kv_heads, head_dim = known.spec.layers, known.spec.kv_heads, known.spec.head_dim
        shape = f"shape from {base.name}, footprint {model.size_bytes} bytes at num_ctx {num_ctx}"
    spec = ModelSpec(
        name=model.tag,
        size_bytes=model.size_bytes,
        layers=layers,
        kv_heads=kv_heads,
        head_dim=head_dim,
        context_length=num_ctx if known is None else max(num_ctx, known.spec.context_length),
        blob=(model.digest or "0").removeprefix("sha256:")[:16],
        prefill_tokens_per_s=model.prefill_tokens_per_s,
        decode_tokens_per_s=model.decode_tokens_per_s,
        overhead_s=model.overhead_s or 0.0,
        load_s=model.warm_load_s,
        first_load_s=model.first_load_s,
    )
    besides_weights = spec.kv_bytes(num_ctx, base.server_spec.num_parallel) + base.server_spec.compute_bytes
    return replace(spec, size_bytes=max(1, model.size_bytes - besides_weights)), shape


def _known_outcomes(model: ModelMeasurement) -> list[str]:
    lines: list[str] = []
    for samples in model.answers.tasks:
        if samples.scores or samples.completion_tokens:
            lines += ["", "[[known]]", *_known_outcome(samples, model.tag)]
    return lines


def _known_outcome(samples: TaskSamples, tag: str) -> list[str]:
    """Return one measured task; `context` tells whether the scores hold with parents' outputs in the prompt."""
    context = "any" if samples.outputs_given or not samples.has_parents else "none"
    values: tuple[tuple[str, list[Json]], ...] = (
        ("scores", [round(score, 6) for score in samples.scores]),
        ("completion_tokens", list(samples.completion_tokens)),
    )
    return [
        toml_line("job", samples.job),
        toml_line("task", samples.task),
        toml_line("model", tag),
        toml_line("context", context),
        *(toml_line(key, each) for key, each in values if each),
    ]
