"""Fleet entries from measured models, with the figures of a given fleet for what cannot be measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pytest_swarm.calibration.measured_models import ModelMeasurement
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.task import in_type_order
from pytest_swarm.units import bytes_to_gb
from pytest_swarm.workloads.fleet import FleetEntry

_MS_PER_S: Final = 1000.0


def measured_fleet(models: Iterable[ModelMeasurement], fleet: Fleet) -> tuple[FleetEntry, ...]:
    """Return fleet entries with measured footprint, load time, speeds and accuracies.

    Args:
        models: Models for which `missing_measurement` is None.
        fleet: Gives cost per token, longest context, and the capabilities that were not measured.

    Raises:
        FleetError: For a model that `fleet` lacks.
    """
    return tuple(_entry(model, fleet[model.tag], fleet.name) for model in models)


def _entry(found: ModelMeasurement, model: Model, fleet: str) -> FleetEntry:
    assert found.size_bytes is not None
    assert found.warm_load_s is not None
    assert found.decode_tokens_per_s is not None
    assert found.prefill_tokens_per_s is not None
    measured = {kind: round(count.rate, 4) for kind, count in found.reliable_accuracy.items()}
    known = {*measured, *model.capabilities}
    num_ctx = found.num_ctx or model.context_tokens
    calls = f"measured, {found.call_count} calls"
    updated = replace(
        model,
        vram_gb=round(bytes_to_gb(found.size_bytes), 3),
        load_time_ms=round(found.warm_load_s * _MS_PER_S, 1),
        num_ctx=num_ctx,
        capabilities={kind: measured.get(kind, model.capability(kind)) for kind in in_type_order(known)},
        prefill_tokens_per_s=round(found.prefill_tokens_per_s, 2),
        decode_tokens_per_s=round(found.decode_tokens_per_s, 2),
    )
    comments = {
        "vram_gb": f"measured at num_ctx {num_ctx}",
        "load_time_ms": f"measured, median of {found.load_count} loads",
        "cost_per_token": f"from fleet {fleet}, not measured",
        "max_ctx": f"from fleet {fleet}",
        "prefill_tokens_per_s": calls,
        "decode_tokens_per_s": calls,
        **dict.fromkeys(model.capabilities, f"from fleet {fleet}, not measured"),
        **{kind: count.summary for kind, count in found.reliable_accuracy.items()},
    }
    return FleetEntry(model=updated, comments=comments)
