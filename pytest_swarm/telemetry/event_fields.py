"""Fields and rows that the events of a run share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from pytest_swarm.codec import SharedFields
from pytest_swarm.domain.model import Fleet, Model

Milliseconds: TypeAlias = Annotated[float, Meta(description="milliseconds since 1970")]
LARGEST: Final = 2**53
"""The largest whole number that every JSON reader takes exactly."""
JobSeconds: TypeAlias = Annotated[float, Meta(ge=0.0, description="seconds since the start of the job")]
Gigabytes: TypeAlias = Annotated[float, Meta(ge=0.0, description="GB of VRAM")]
Step: TypeAlias = Annotated[int, Meta(ge=0, le=LARGEST, description="planning step of the job, from 0")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=LARGEST)]
NotNegative: TypeAlias = Annotated[float, Meta(ge=0.0)]
ScoreValue: TypeAlias = Annotated[float, Meta(ge=0.0, le=1.0)]
Depth: TypeAlias = Annotated[int, Meta(ge=0, le=LARGEST)] | Literal["flat"]


class FleetModel(Struct, frozen=True, kw_only=True):
    """A model of the fleet, in events and in report.json."""

    name: Annotated[str, Meta(description="its tag")]
    vram_gb: Annotated[Gigabytes, Meta(description="footprint in GB")]
    load_time_ms: NotNegative
    cost_per_token: NotNegative
    max_ctx: Annotated[Count, Meta(description="longest context that the model has, in tokens")]
    num_ctx: Annotated[Count | None, Meta(description="context that it is run with, or begins with, in tokens")] = None
    capabilities: Annotated[Mapping[str, float], Meta(description="type of task -> prior quality, 0 to 1")]
    prefill_tokens_per_s: NotNegative | None = None
    decode_tokens_per_s: NotNegative | None = None
    keep: bool = False
    auto_ctx: Annotated[bool, Meta(description="whether num_ctx is raised for longer prompts")] = False
    parallel: Annotated[
        Annotated[int, Meta(ge=1, le=LARGEST)] | None,
        Meta(description="calls that the server runs on it at a time; null: no bound"),
    ] = None
    shares_with: Annotated[
        str | None, Meta(description="the model whose copy in VRAM it uses, made of the same weights")
    ] = None


MODEL_FIELDS: Final = SharedFields(Model, FleetModel, but=("tag",))


def fleet_models(fleet: Fleet) -> tuple[FleetModel, ...]:
    """Return the models of a fleet as files hold them."""
    return tuple(FleetModel(name=model.tag, **MODEL_FIELDS.of(model)) for model in fleet)


class RunFleet(Struct, frozen=True, kw_only=True):
    """The models on offer, in the order of the fleet file."""

    name: str
    models: tuple[FleetModel, ...]
    assign: Annotated[Mapping[str, str], Meta(description="type of task -> the model that mode fixed gives it")] = {}


class AssignmentRow(Struct, frozen=True, kw_only=True):
    """A task and the model that it is given to."""

    task: str
    model: str


class ResidentRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model that the server reports as resident."""

    model: str
    size_bytes: Count
    size_vram_bytes: Count
    foreign: Annotated[bool, Meta(description="the run neither loaded nor called it")] = False
