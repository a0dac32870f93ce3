"""From the figures of recordings to a simulator profile and a fleet file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from pytest_swarm.calibration.measured_fleet import FleetRow
from pytest_swarm.calibration.recorded_answers import Tally
from pytest_swarm.calibration.recorded_models import RecordedModel
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.task import TaskType
from pytest_swarm.fields import Json
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.server.hardware import ModelSpec
from pytest_swarm.units import bytes_to_gb
from pytest_swarm.workloads.toml_writer import toml_key, toml_value

_UNKNOWN_SHAPE: Final = (1, 1, 1)
"""Layers, KV heads and head size of a model whose shape no profile knows: its contexts weigh next to nothing, so it
takes what was measured, whatever the context."""
_MS_PER_S: Final = 1000.0


LEAST_ANSWERS: Final = 5
"""With fewer scored answers of a type a rate says next to nothing (5 of 5: Wilson's interval starts at 0.57)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a profile is named, where its figures come from, and the profile that gives what was not recorded.

    `gpu_bytes` None: that profile's.
    """

    name: str
    source: str
    profile: Profile
    gpu_bytes: int | None = None


def sorted_out(models: Iterable[RecordedModel]) -> tuple[tuple[RecordedModel, ...], dict[str, str]]:
    """The models that are known well enough to be simulated, and by tag why the others are not."""
    verdicts = [(model, _lacking(model)) for model in models]
    usable = tuple(model for model, why in verdicts if why is None)
    return usable, {model.tag: why for model, why in verdicts if why is not None}


def _lacking(model: RecordedModel) -> str | None:
    if model.decode_tokens_per_s is None or model.prefill_tokens_per_s is None:
        return "no chat of it was recorded that reports its speed"
    if model.size_bytes is None:
        return "no list of resident models shows its footprint"
    return "no load of it was recorded" if model.warm_load_s is None else None


# --- the simulator profile -------------------------------------------------------------------------------------------


def profile_text(models: Sequence[RecordedModel], basis: Basis) -> str:
    """The profile as TOML; `load_profile` reads it. What was not measured is the base profile's, and says so."""
    base = basis.profile
    behaviour = base.behaviour
    tallies = [tally for model in models for tally in model.accuracy.values()]
    answers = sum(tally.scored for tally in tallies)
    difficulty = behaviour.reference_difficulty
    if answers:
        difficulty = sum(tally.difficulty * tally.scored for tally in tallies) / answers
    lines = [
        f"# Measured from recordings. What no recording tells is taken over from the profile {base.name}.",
        f"name = {toml_value(basis.name)}",
        f"source = {toml_value(basis.source)}",
        "",
        "[hardware]",
        *_hardware(basis),
        "",
        "[behaviour]",
        _line("reference_difficulty", round(difficulty, 3), f"mean difficulty of the {answers} scored answers"),
        *(_line(key, getattr(behaviour, key), f"of {base.name}") for key in _RULES),
        "[behaviour.completion_tokens]",
        *_tokens(models, base),
        "",
        "[planner]",
        f"# of {base.name}",
        *_planner(base),
    ]
    for model in models:
        lines += ["", "[[models]]", *_model(model, base)]
    for model in models:
        lines += _known(model)
    return "\n".join(lines) + "\n"


_RULES: Final = (
    *("difficulty_slope", "partial_share", "error_carryover", "self_contained_carryover", "neutral_accuracy"),
    "token_spread",
)


def _hardware(basis: Basis) -> list[str]:
    spec = basis.profile.server_spec
    keys = ("max_loaded_models", "num_parallel", "max_queue", "keep_alive_s", "compute_bytes", "fit_margin_bytes")
    gpu: list[str] = []
    if basis.gpu_bytes is not None:
        gpu = [_line("gpu_bytes", basis.gpu_bytes, "as given")]
    elif spec.gpu_bytes is not None:
        gpu = [_line("gpu_bytes", spec.gpu_bytes, f"of {basis.profile.name}: no recording tells; give it with --gpu")]
    stale = _line("stale_free_memory", spec.stale_free_memory)
    return [*gpu, *(_line(key, getattr(spec, key)) for key in keys), stale]


def _tokens(models: Sequence[RecordedModel], base: Profile) -> list[str]:
    lines = []
    for kind in TaskType:
        counts = [count for model in models for count in model.tokens.get(kind, ())]
        if counts:
            lines.append(_line(kind.value, max(1, round(median(counts))), f"median of {len(counts)} answers"))
        elif kind in base.behaviour.completion_tokens:
            lines.append(_line(kind.value, base.behaviour.completion_tokens[kind], f"of {base.name}"))
    return lines


def _planner(base: Profile) -> list[str]:
    planner = base.planner
    plain: dict[str, Json] = {
        "favours": planner.favours.value,
        "corrects": planner.corrects,
        "ignores_schema": planner.ignores_schema,
        "thinking_tokens": planner.thinking_tokens,
        "runaway_tokens": planner.runaway_tokens,
    }
    return [_line(key, value) for key, value in {**plain, **dict(planner.faults)}.items()]


def _model(model: RecordedModel, base: Profile) -> list[str]:
    spec, shape = _spec(model, base)
    loads = f"median of {model.loads} loads by the client's clock"
    calls = f"{model.calls} calls"
    lines = [
        _line("name", model.tag),
        _line("source", f"{calls}, {model.loads} loads; {shape}"),
        _line("blob", spec.blob),
        *(_line(key, getattr(spec, key)) for key in ("size_bytes", "layers", "kv_heads", "head_dim", "context_length")),
        _line("prefill_tokens_per_s", round(spec.prefill_tokens_per_s, 3), calls),
        _line("decode_tokens_per_s", round(spec.decode_tokens_per_s, 3), calls),
        _line("overhead_s", round(spec.overhead_s, 6), "median of the calls that ran alone"),
        _line("load_s", round(spec.load_s, 6), loads),
    ]
    if spec.first_load_s is not None:
        lines.append(_line("first_load_s", round(spec.first_load_s, 6), "median of each run's first load"))
    known = base.model(model.tag)
    rows = {} if known is None else {kind: (each.value, each.source) for kind, each in known.accuracy.items()}
    rows |= {kind: (round(tally.rate, 4), _tally_text(tally)) for kind, tally in _telling(model).items()}
    if rows:
        lines += ["accuracy = [", *(_accuracy(kind, *row) for kind, row in sorted(rows.items())), "]"]
    return lines


def _telling(model: RecordedModel) -> dict[TaskType, Tally]:
    """The accuracies that rest on enough answers."""
    return {kind: tally for kind, tally in model.accuracy.items() if tally.scored >= LEAST_ANSWERS}


def _spec(model: RecordedModel, base: Profile) -> tuple[ModelSpec, str]:
    """The model's figures for the simulator, and a word on its shape. Weights are what is left of the footprint."""
    assert model.decode_tokens_per_s is not None
    assert model.prefill_tokens_per_s is not None
    assert model.warm_load_s is not None
    assert model.size_bytes is not None
    known = base.model(model.tag)
    layers, kv_heads, head_dim = _UNKNOWN_SHAPE
    num_ctx = model.num_ctx or 1
    shape = f"shape unknown, so the footprint is {model.size_bytes} bytes at any context"
    if known is not None:
        layers, kv_heads, head_dim = known.spec.layers, known.spec.kv_heads, known.spec.head_dim
        shape = f"shape of {base.name}, footprint {model.size_bytes} bytes at num_ctx {num_ctx}"
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
    beside = spec.kv_bytes(num_ctx, base.server_spec.num_parallel) + base.server_spec.compute_bytes
    return replace(spec, size_bytes=max(1, model.size_bytes - beside)), shape


def _accuracy(kind: TaskType, value: float, source: str) -> str:
    row: dict[str, Json] = {"type": kind.value, "value": value, "source": source}
    return f"  {toml_value(row)},"


def _tally_text(tally: Tally) -> str:
    low, high = tally.interval
    return (
        f"{tally.right} of {tally.scored} right, Wilson 95 % interval {low:.3f} to {high:.3f}, "
        f"mean difficulty {tally.difficulty:.2f}"
    )


def _known(model: RecordedModel) -> list[str]:
    lines: list[str] = []
    for record in model.tasks:
        rows: list[tuple[str, Sequence[Json]]] = [
            ("scores", [round(score, 6) for score in record.scores]),
            ("completion_tokens", record.completion_tokens),
        ]
        if any(values for _, values in rows):
            lines += ["", "[[known]]", _line("job", record.job), _line("task", record.task), _line("model", model.tag)]
            lines.append(_line("context", "any" if record.handed_on or not record.has_parents else "none"))
            lines += [_line(key, list(values)) for key, values in rows if values]
    return lines


def _line(key: str, value: Json, comment: str | None = None) -> str:
    return f"{toml_key(key)} = {toml_value(value)}" + (f"  # {comment}" if comment else "")


# --- the fleet file --------------------------------------------------------------------------------------------------


def fleet_rows(models: Iterable[RecordedModel], believed: Fleet) -> tuple[FleetRow, ...]:
    """The models with measured footprint, load time, speeds and accuracies in place of the believed fleet's.

    FleetError for a model that the believed fleet lacks: cost and longest context cannot be measured.
    """
    return tuple(_fleet_row(model, believed[model.tag], believed.name) for model in models)


def _fleet_row(found: RecordedModel, model: Model, believed: str) -> FleetRow:
    assert found.size_bytes is not None
    assert found.warm_load_s is not None
    assert found.decode_tokens_per_s is not None
    assert found.prefill_tokens_per_s is not None
    rates = {kind: round(tally.rate, 4) for kind, tally in _telling(found).items()}
    num_ctx = found.num_ctx or model.context_tokens
    updated = replace(
        model,
        vram_gb=round(bytes_to_gb(found.size_bytes), 3),
        load_time_ms=round(found.warm_load_s * _MS_PER_S, 1),
        num_ctx=num_ctx,
        capabilities={
            kind: rates.get(kind, model.capability(kind)) for kind in TaskType if kind in {*rates, *model.capabilities}
        },
        prefill_tokens_per_s=round(found.prefill_tokens_per_s, 2),
        decode_tokens_per_s=round(found.decode_tokens_per_s, 2),
    )
    sources = {
        "vram_gb": f"measured at num_ctx {num_ctx}",
        "load_time_ms": f"measured, median of {found.loads} loads",
        "cost_per_token": f"of fleet {believed}, not measured",
        "max_ctx": f"of fleet {believed}",
        "prefill_tokens_per_s": f"measured, {found.calls} calls",
        "decode_tokens_per_s": f"measured, {found.calls} calls",
        **{kind.value: f"of fleet {believed}, not measured" for kind in model.capabilities},
        **{kind.value: _tally_text(tally) for kind, tally in _telling(found).items()},
    }
    return FleetRow(model=updated, sources=sources)
