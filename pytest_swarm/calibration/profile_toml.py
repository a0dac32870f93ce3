"""A simulator profile as TOML, from measured models and a base profile for everything that was not measured."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import median
from typing import Final

from pytest_swarm.calibration.measured_models import ModelMeasurement
from pytest_swarm.calibration.pooled_accuracy import partial_share, pooled_accuracies
from pytest_swarm.calibration.profile_sections import (
    answer_lines,
    call_lines,
    hardware_lines,
    known_outcome_lines,
    planner_lines,
    scratch_bytes,
)
from pytest_swarm.documents import toml_comment, toml_line, toml_value
from pytest_swarm.domain.task import in_type_order
from pytest_swarm.fields import Json
from pytest_swarm.simulator.models.profile_types import Behaviour, Profile
from pytest_swarm.simulator.server.hardware import ModelSpec
from pytest_swarm.units import plural

_UNKNOWN_SHAPE: Final = (1, 1, 1)
"""Layers, KV heads and head size of a model that the base profile does not have. Its context then takes next to no
memory, so its footprint is what was measured, at any context."""

_RULES: Final = (
    *("difficulty_slope", "error_carryover", "self_contained_carryover", "neutral_accuracy"),
    "token_spread",
)
_SHAPE: Final = ("size_bytes", "layers", "kv_heads", "head_dim", "context_length")


def profile_toml(
    models: Sequence[ModelMeasurement], base: Profile, *, name: str, source: str, gpu_bytes: int | None = None
) -> str:
    """Return the text of a profile; `load_profile` reads it. Comments tell where each value comes from.

    Args:
        models: Models for which `missing_measurement` is None.
        base: The profile that tells everything that was not measured.
        name: The name of the new one.
        source: What it was measured from.
        gpu_bytes: The VRAM of the recorded GPU; None takes that of the base.
    """
    behaviour = _behaviour(models, base)
    lines = [
        toml_comment(f"Measured from recordings. What they do not tell is taken from the profile {base.name}."),
        toml_line("name", name),
        toml_line("source", source),
        "",
        "[hardware]",
        *hardware_lines(models, base, gpu_bytes),
        "",
        "[behaviour]",
        *_rules(behaviour, base),
        "[behaviour.completion_tokens]",
        *_completion_tokens(models, base),
        "",
        "[planner]",
        *planner_lines(models, base),
    ]
    for model in models:
        lines += [
            "",
            "[[models]]",
            *_model(model, base, scratch_bytes(models, base)),
            *_accuracy(model, base, behaviour),
        ]
    for model in models:
        lines += known_outcome_lines(model)
    for model in models:
        lines += answer_lines(model)
    return "\n".join(lines) + "\n"


def _behaviour(models: Sequence[ModelMeasurement], base: Profile) -> Behaviour:
    """Return the rules; the reference difficulty is that of the scored answers, because the accuracies hold there."""
    counts = [count for model in models for count in model.answers.accuracy.values()]
    scored = sum(count.scored for count in counts)
    if not scored:
        return base.behaviour
    difficulty = sum(count.mean_difficulty * count.scored for count in counts) / scored
    partial = partial_share([model.answers for model in models], base.behaviour.partial_share)
    return replace(base.behaviour, reference_difficulty=round(difficulty, 3), partial_share=round(partial, 4))


def _rules(behaviour: Behaviour, base: Profile) -> list[str]:
    return [
        toml_line("reference_difficulty", behaviour.reference_difficulty, "mean difficulty of the scored answers"),
        toml_line("partial_share", behaviour.partial_share, f"of the wrong answers, pooled with that of {base.name}"),
        *(toml_line(key, getattr(behaviour, key), f"from {base.name}") for key in _RULES),
    ]


def _completion_tokens(models: Iterable[ModelMeasurement], base: Profile) -> list[str]:
    models = tuple(models)
    lines = []
    known = (*base.behaviour.completion_tokens, *(kind for model in models for kind in model.completion_tokens))
    for kind in in_type_order(known):
        counts = [count for model in models for count in model.completion_tokens.get(kind, ())]
        if counts:
            middle = max(1, round(median(counts)))
            lines.append(toml_line(kind, middle, f"median of {plural(len(counts), 'answer')}"))
        elif kind in base.behaviour.completion_tokens:
            lines.append(toml_line(kind, base.behaviour.completion_tokens[kind], f"from {base.name}"))
    return lines


def _model(model: ModelMeasurement, base: Profile, scratch: int) -> list[str]:
    spec, shape = _spec(model, base, scratch)
    calls, loads = plural(model.call_count, "call"), plural(model.load_count, "load")
    lines = [
        toml_line("name", model.tag),
        toml_line("source", f"{calls}, {loads}; {shape}"),
        toml_line("blob", spec.blob),
        *([toml_line("manifest", spec.manifest, f"of the weights of {model.weights}")] if spec.manifest else []),
        *(toml_line(key, getattr(spec, key)) for key in _SHAPE),
        toml_line("prefill_tokens_per_s", round(spec.prefill_tokens_per_s, 3), calls),
        toml_line("decode_tokens_per_s", round(spec.decode_tokens_per_s, 3), calls),
        toml_line("overhead_s", round(spec.overhead_s, 6), "median of the calls that ran alone"),
        toml_line("load_s", round(spec.load_s, 6), f"mean of {loads} by the client's clock"),
    ]
    if spec.first_load_s is not None:
        lines.append(toml_line("first_load_s", round(spec.first_load_s, 6), "median of each run's first load"))
    tokens: dict[str, Json] = {kind: list(counts) for kind, counts in model.completion_tokens.items()}
    if tokens:
        lines.append(toml_line("completion_tokens", tokens, "the mean of each task"))
    return lines + call_lines(model)


def _accuracy(model: ModelMeasurement, base: Profile, behaviour: Behaviour) -> list[str]:
    """Return the accuracy by type: that of the model's own answers, or the base profile's where none was scored."""
    counts, known = model.answers.accuracy, base.model(model.tag)
    if counts:
        pooled = pooled_accuracies(counts, behaviour)
        sources = {kind: f"{count.summary}, pooled with the model's other types" for kind, count in counts.items()}
        rows = {kind: (round(value, 4), sources.get(kind, "all types")) for kind, value in pooled.items()}
    else:
        rows = {kind: (each.value, each.source) for kind, each in known.accuracy.items()} if known else {}
    tables = [
        toml_value({"type": kind, "value": value, "source": source}) for kind, (value, source) in sorted(rows.items())
    ]
    return ["accuracy = [", *(f"  {table}," for table in tables), "]"] if tables else []


def _beginning(text: str) -> str:
    """Return the beginning of a digest that stands for one that was not recorded."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _spec(model: ModelMeasurement, base: Profile, scratch: int) -> tuple[ModelSpec, str]:
    """Return the model for the simulator, and a sentence on its shape.

    The size of the weights is the measured footprint less context and scratch memory.
    """
    assert model.decode_tokens_per_s is not None
    assert model.prefill_tokens_per_s is not None
    assert model.warm_load_s is not None
    assert model.size_bytes is not None
    known = base.model(model.tag)
    layers, kv_heads, head_dim = _UNKNOWN_SHAPE
    own = (model.digest or "0").removeprefix("sha256:")[:16]
    if model.weights is not None and model.digest is None:  # the server lists the one that stands for the weights
        own = _beginning(model.tag)
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
        context_length=max(num_ctx, model.max_ctx or 0, 0 if known is None else known.spec.context_length),
        blob=own if model.weights is None else _beginning(model.weights),
        manifest="" if model.weights is None else own,
        prefill_tokens_per_s=model.prefill_tokens_per_s,
        decode_tokens_per_s=model.decode_tokens_per_s,
        overhead_s=model.overhead_s or 0.0,
        load_s=model.mean_load_s or model.warm_load_s,
        first_load_s=model.first_load_s,
    )
    cache_bytes = spec.kv_bytes(num_ctx, base.server_spec.num_parallel)
    if cache_bytes >= model.size_bytes:  # another model under the same name
        layers, kv_heads, head_dim = _UNKNOWN_SHAPE
        spec = replace(spec, layers=layers, kv_heads=kv_heads, head_dim=head_dim)
        shape = f"the shape of {base.name} does not fit, so the footprint is {model.size_bytes} bytes at any context"
        cache_bytes = spec.kv_bytes(num_ctx, base.server_spec.num_parallel)
    return replace(spec, size_bytes=max(1, model.size_bytes - cache_bytes - scratch)), shape
