"""policy.json, schema `swarm-policy/1`: a policy that was chosen, with everything that is needed to play it.

Owns the types of the file, and reading and writing it. It must not know how a policy was chosen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from pytest_swarm.codec import FileDecoder, JsonObject, SharedFields, json_schema, to_json
from pytest_swarm.domain.estimates_info import EstimatesKind
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.errors import FleetError, PolicyError
from pytest_swarm.files import write_whole
from pytest_swarm.routing.registry import policy_name
from pytest_swarm.units import format_gb

SCHEMA: Final = "swarm-policy/1"

Count = Annotated[int, Meta(ge=0)]
NotNegative = Annotated[float, Meta(ge=0.0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class PolicyModel(Struct, frozen=True, kw_only=True):
    """A model that the policy chooses among."""

    name: Annotated[str, Meta(min_length=1, description="its tag")]
    vram_gb: Annotated[float, Meta(gt=0.0, description="footprint in GB at num_ctx")]
    load_time_ms: NotNegative
    cost_per_token: NotNegative
    max_ctx: Annotated[int, Meta(ge=1)]
    num_ctx: Annotated[int, Meta(ge=1, description="context that is sent with every request")]
    capabilities: Annotated[Mapping[str, Share], Meta(description="type of task -> believed quality; `*` for others")]
    prefill_tokens_per_s: NotNegative | None = None
    decode_tokens_per_s: NotNegative | None = None
    keep: bool = False
    auto_ctx: bool = False
    parallel: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="calls that the server runs on it at a time")
    ] = None
    shares_with: Annotated[
        str | None, Meta(description="the model whose copy in VRAM it uses, made of the same weights")
    ] = None
    digest: Annotated[str | None, Meta(description="digest on the server; null where it was not known")] = None
    measured_load_s: Annotated[NotNegative | None, Meta(description="median seconds of its loads in the runs")] = None


MODEL_FIELDS: Final = SharedFields(Model, PolicyModel, but=("tag", "capabilities"))
"""What a policy keeps of a model as it is."""


class PolicyEstimate(Struct, frozen=True, kw_only=True):
    """What is known of one model on one type of task."""

    model: str
    type: str
    believed: Annotated[Share, Meta(description="quality that the policy starts from, at difficulty 1")]
    score: Annotated[Share | None, Meta(description="mean score that was measured; null where none was")]
    tasks: Annotated[Count, Meta(description="scored tasks behind it")]
    spread: Annotated[
        NotNegative, Meta(description="largest distance of a job's own estimate from `believed`, in the runs")
    ] = 0.0


class PolicyCell(Struct, frozen=True, kw_only=True):
    """What the policy did with one type of task while some models were resident."""

    type: str
    resident: Annotated[tuple[str, ...], Meta(description="models in VRAM when it was planned")]
    model: Annotated[str, Meta(description="the model that it gave the type most often")]
    share: Annotated[Share, Meta(description="how often it was that model")]
    tasks: Count
    jobs: Annotated[Count, Meta(description="different jobs behind the cell")]


class PolicyWeights(Struct, frozen=True, kw_only=True):
    """The weights of the objective."""

    token: NotNegative
    switch: NotNegative
    latency: NotNegative = 0.0


class PolicyRun(Struct, frozen=True, kw_only=True):
    """A run that the decision rests on."""

    run: str
    started_ts_ms: float
    digest: Annotated[str, Meta(description="SHA-256 over the cases and their figures")]
    complete: Annotated[bool, Meta(description="false: only jobs that ended before it was cut off count")] = True


class PolicyProvenance(Struct, frozen=True, kw_only=True):
    """Where the policy comes from."""

    runs: tuple[PolicyRun, ...]
    backend: str
    backend_detail: str
    simulated: bool
    profile: str | None
    versions: Annotated[Mapping[str, str], Meta(description="package -> version, of the first run")]
    written: Annotated[str, Meta(description="date and time in UTC")]
    tool_version: str
    ruling: Annotated[str, Meta(description="use, keep, unusable (the policy cannot be used) or unknown")]
    decided_by: str
    against: Annotated[str, Meta(description="the policy that it was compared with, by name")]
    against_assumed: Annotated[
        bool, Meta(description="whether nothing told what was in use, so that `against` only stood for it")
    ] = False
    jobs: Count
    families: Annotated[
        Count | None, Meta(description="families of the jobs, which chance counts; null where none was declared")
    ] = None
    repeats: Count
    gain: Annotated[
        float | None, Meta(description="honest gain over `against` of the policy that looked best, used or not")
    ] = None
    gain_low: Annotated[float | None, Meta(description="lower end of the 95 % interval of that gain")] = None
    gain_high: Annotated[float | None, Meta(description="upper end of the 95 % interval of that gain")] = None
    figures: Annotated[
        Literal["measured", "replayed", "predicted", "simulated"] | None,
        Meta(description="where times and loads come from; null in a file of an earlier version"),
    ] = None
    verified_cases: Annotated[Count, Meta(description="cases that were also run for real")] = 0
    makespan_off: Annotated[
        float | None, Meta(description="(predicted - real) / real of their makespans; null where it is not known")
    ] = None
    fault: Annotated[str | None, Meta(description="why the policy cannot be used; null where it can")] = None
    host: Annotated[str | None, Meta(description="the one real server of the runs; null where there was none")] = None

    @property
    def cut_off_remark(self) -> str | None:
        """Which runs did not come to their end; None where all did."""
        names = [each.run for each in self.runs if not each.complete]
        return f"{', '.join(names)} did not come to its end: only the jobs that ended before count." if names else None


class PolicyFile(Struct, frozen=True, kw_only=True):
    """A whole file."""

    schema: Literal["swarm-policy/1"]
    mode: Annotated[str, Meta(min_length=1, description="the routing mode that it plays, as in --swarm-compare")]
    horizon_depth: Annotated[int, Meta(ge=0)] | Literal["flat"]
    vram_budget_gb: Annotated[float, Meta(gt=0.0)]
    weights: PolicyWeights
    fleet_name: str
    models: Annotated[tuple[PolicyModel, ...], Meta(min_length=1)]
    assign: Annotated[Mapping[str, str], Meta(description="type of task -> model that the fleet file names")] = {}
    estimates: tuple[PolicyEstimate, ...]
    estimates_from: Annotated[str, Meta(description="what --swarm-estimates said")] = "prior"
    learning: Annotated[
        bool | None, Meta(description="whether estimates follow the answers; null: as the run that plays it says")
    ] = None
    options: Annotated[
        Mapping[str, str], Meta(description="further options of the first run that change how a mode plans")
    ] = {}
    rule_over_types: Annotated[bool, Meta(description="whether the type alone decides the model")] = False
    table: tuple[PolicyCell, ...]
    provenance: PolicyProvenance

    @property
    def name(self) -> str:
        """The policy as people read it: `MILP (horizon 3)`."""
        return policy_name(self.mode, self.horizon_depth)

    @property
    def setting(self) -> str:
        """The options that play it where it was decided: `--swarm-horizon=3 --swarm-vram=8GB`."""
        return f"--swarm-horizon={self.horizon_depth} --swarm-vram={format_gb(self.vram_budget_gb, 9)}"

    @property
    def estimates_remark(self) -> str | None:
        """What the file could not keep of the estimates that each job had for itself; None where all had the same."""
        if self.estimates_from.partition(":")[0] not in _PER_JOB:
            return None
        spread = max((row.spread for row in self.estimates), default=0.0)
        apart = f", from which those of a job differed by up to {spread:.2f}" if spread else ""
        return (
            f"its estimates were made for each job anew ({self.estimates_from}), so it starts from their means over "
            f"jobs{apart}: its plans can differ from those of its decision"
        )

    @property
    def fleet(self) -> Fleet:
        """The models with what the policy believes of them."""
        models = tuple(
            Model(tag=row.name, capabilities=row.capabilities, **MODEL_FIELDS.of(row)) for row in self.models
        )
        return Fleet(name=self.fleet_name, models=models, assign=self.assign)


_PER_JOB: Final = tuple(kind for kind in EstimatesKind if kind.per_job)
_ADVICE: Final = "write it anew with python -m pytest_swarm decide RUN --policy FILE"
_FILE: Final[FileDecoder[PolicyFile]] = FileDecoder(
    PolicyFile, schema=SCHEMA, what="a policy", error=PolicyError, advice=_ADVICE
)


def read_policy(path: Path) -> PolicyFile:
    """Return the policy of a file.

    Raises:
        PolicyError: the file cannot be read, is newer, or is no policy. One sentence says where and why.
    """
    where = f"policy {path}"
    policy = _FILE.read(path, where=where, make=_ADVICE)
    if policy.mode.startswith("policy:"):
        raise PolicyError(f"{where}: its mode is {policy.mode!r}, but a policy cannot play another one; {_ADVICE}")
    try:
        known = policy.fleet
    except FleetError as error:
        raise PolicyError(f"{where}: {error}") from error
    except OverflowError as error:  # a whole number beyond every float
        raise PolicyError(f"{where}: a number of a model is beyond all bounds; {_ADVICE}") from error
    for tag in [each.model for each in policy.estimates] + [each.model for each in policy.table]:
        if tag not in known:
            raise PolicyError(f"{where}: names model {tag!r}, which is not among its models; {_ADVICE}")
    return policy


def write_policy(policy: PolicyFile, path: Path) -> None:
    """Write the whole file or nothing; PolicyError where its folder cannot be written to."""
    try:
        write_whole(path, policy_text(policy).encode("ascii"))
    except OSError as error:
        raise PolicyError(f"policy {path}: cannot be written: {error}") from error


def policy_text(policy: PolicyFile) -> str:
    """Return the text of the file, one value a line, so that a diff shows what changed."""
    return json.dumps(to_json(policy), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def policy_schema() -> JsonObject:
    """Return the JSON Schema of a policy file."""
    return json_schema(
        PolicyFile,
        name="swarm-policy-1",
        title=f"A policy of pytest-swarm, schema {SCHEMA}",
        description="A routing policy that was chosen from runs, with what is needed to play it.",
    )
