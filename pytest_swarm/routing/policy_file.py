"""policy.json, schema `swarm-policy/1`: a policy that was chosen, with everything that is needed to play it.

Owns the types of the file, and reading and writing it. It must not know how a policy was chosen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from pytest_swarm.codec import JsonDecoder, JsonObject, json_schema, to_json
from pytest_swarm.domain.limits import full_tag
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.errors import FleetError, PolicyError
from pytest_swarm.files import write_whole

SCHEMA: Final = "swarm-policy/"
VERSION: Final = 1

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
    digest: Annotated[str | None, Meta(description="digest on the server; null where it was not known")] = None
    measured_load_s: Annotated[NotNegative | None, Meta(description="mean seconds of its loads in the runs")] = None


class PolicyEstimate(Struct, frozen=True, kw_only=True):
    """What is known of one model on one type of task."""

    model: str
    type: str
    believed: Annotated[Share, Meta(description="quality that the policy starts from, at difficulty 1")]
    score: Annotated[Share | None, Meta(description="mean score that was measured; null where none was")]
    tasks: Annotated[Count, Meta(description="scored tasks behind it")]


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
    ruling: Annotated[str, Meta(description="use, keep, unknown or too-few")]
    decided_by: str
    against: Annotated[str, Meta(description="the policy that it was compared with")]
    jobs: Count
    repeats: Count
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None


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
    rule_over_types: Annotated[bool, Meta(description="whether the type alone decides the model")] = False
    table: tuple[PolicyCell, ...]
    provenance: PolicyProvenance

    @property
    def fleet(self) -> Fleet:
        """The models with what the policy believes of them."""
        return Fleet(name=self.fleet_name, models=tuple(map(_model, self.models)), assign=self.assign)


class _PolicyHead(Struct, frozen=True, kw_only=True):
    """What is read of a file before its version is known."""

    schema: str = ""


_ADVICE: Final = "write it anew with python -m pytest_swarm decide RUN --policy FILE"
_HEAD: Final[JsonDecoder[_PolicyHead]] = JsonDecoder(_PolicyHead, error=PolicyError, advice=_ADVICE)
_FILE: Final[JsonDecoder[PolicyFile]] = JsonDecoder(PolicyFile, error=PolicyError, advice=_ADVICE)


def read_policy(path: Path) -> PolicyFile:
    """Return the policy of a file.

    Raises:
        PolicyError: the file cannot be read, is newer, or is no policy. One sentence says where and why.
    """
    where = f"policy {path}"
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise PolicyError(f"{where}: there is no such file; {_ADVICE}") from None
    except OSError as error:
        raise PolicyError(f"{where}: cannot be read: {error}") from error
    schema = _HEAD.decode(text, where=where).schema
    version = schema.removeprefix(SCHEMA)
    if version == schema:
        raise PolicyError(f"{where}: is not a policy of pytest-swarm: its 'schema' is not {SCHEMA}{VERSION}")
    if not version.isdecimal() or int(version) > VERSION:
        raise PolicyError(f"{where}: its schema {schema} is newer than {SCHEMA}{VERSION}; update pytest-swarm")
    policy = _FILE.decode(text, where=where)
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
        name=f"swarm-policy-{VERSION}",
        title=f"A policy of pytest-swarm, schema {SCHEMA}{VERSION}",
        description="A routing policy that was chosen from runs, with what is needed to play it.",
    )


def fleet_fault(policy: PolicyFile, fleet: Fleet, *, where: str) -> str | None:
    """Return the sentence that says which model a fleet lacks, or has beyond the policy's; None where they agree.

    Args:
        policy: The policy.
        fleet: The models on offer.
        where: How the sentence names the policy.
    """
    own = policy.fleet
    missing = [tag for tag in own.tags if tag not in fleet]
    if missing:
        return f"{where}: the fleet {fleet.name!r} has no model {missing[0]!r}; it has {', '.join(fleet.tags)}"
    further = [tag for tag in fleet.tags if tag not in own]
    if further:
        return (
            f"{where}: the fleet {fleet.name!r} has model {further[0]!r}, among which the policy was not chosen; "
            f"leave it out or decide anew"
        )
    return None


def changed_models(policy: PolicyFile, installed: Iterable[tuple[str, str | None]]) -> tuple[str, ...]:
    """Return a sentence for each model that a server lacks, or has with another digest than when it was measured.

    Args:
        policy: The policy.
        installed: Tag and digest of the models of the server.
    """
    digests = {full_tag(tag): digest for tag, digest in installed}
    found: list[str] = []
    for model in policy.models:
        if full_tag(model.name) not in digests:
            found.append(f"model {model.name} is not installed; pull it, or decide anew without it")
            continue
        now = digests[full_tag(model.name)]
        if now is not None and model.digest is not None and now != model.digest:
            found.append(
                f"model {model.name} is another one (digest {now[:19]}) than when it was measured "
                f"({model.digest[:19]}); measure and decide anew"
            )
    return tuple(found)


def _model(row: PolicyModel) -> Model:
    return Model(
        tag=row.name,
        vram_gb=row.vram_gb,
        load_time_ms=row.load_time_ms,
        cost_per_token=row.cost_per_token,
        max_ctx=row.max_ctx,
        num_ctx=row.num_ctx,
        capabilities=row.capabilities,
        prefill_tokens_per_s=row.prefill_tokens_per_s,
        decode_tokens_per_s=row.decode_tokens_per_s,
        keep=row.keep,
        auto_ctx=row.auto_ctx,
    )
