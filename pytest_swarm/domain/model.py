"""Models, and the fleet of models on offer, as a router knows them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.domain.rebuilt import Rebuilt
from pytest_swarm.domain.task import ANY_TYPE, TYPES_COMPARED, Task, type_fault, type_name
from pytest_swarm.errors import FleetError
from pytest_swarm.fields import Json

NEUTRAL_CAPABILITY: Final = 0.5  # the prior where the fleet file has none
DEFAULT_NUM_CTX: Final = 8192  # the context that three of the four published models are limited to


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Rebuilt):
    """An Ollama tag and what the router knows of it.

    `vram_gb` is the footprint at `num_ctx` tokens of context; `max_ctx` the longest context it can take, a hard limit
    on a task's tokens. `num_ctx` is sent with every request, because Ollama's own default moves with the GPU.
    `auto_ctx` (`num_ctx = "auto"`): the context is raised, up to `max_ctx`, for a prompt that needs more.
    `capabilities` maps a task type to the prior of quality; `"*"` stands for every type that it does not name.
    `keep` pins the model in VRAM: every plan holds it resident. `parallel` are the calls that the server runs on it at
    the same time, where a run keeps to it (None = it does not). Speeds are None where the fleet file does not say.
    `shares_with` is the model of the fleet whose weights it uses, of which the server holds one copy for both; None =
    it has weights of its own, or is itself the one that stands for the others.
    """

    tag: str
    vram_gb: float
    load_time_ms: float
    cost_per_token: float
    max_ctx: int
    capabilities: Mapping[str, float] = field(default_factory=dict, hash=False)
    num_ctx: int | None = None
    prefill_tokens_per_s: float | None = None
    decode_tokens_per_s: float | None = None
    keep: bool = False
    auto_ctx: bool = False
    parallel: int | None = None
    shares_with: str | None = None

    def __post_init__(self) -> None:
        if not self.tag.strip():
            raise FleetError("a model of the fleet has an empty name")
        _check(self.tag, "vram_gb", self.vram_gb, above=True)
        _check(self.tag, "load_time_ms", self.load_time_ms)
        _check(self.tag, "cost_per_token", self.cost_per_token)
        _check(self.tag, "max_ctx", self.max_ctx, above=True)
        object.__setattr__(self, "capabilities", MappingProxyType(_priors(self.tag, self.capabilities)))
        if self.num_ctx is None:
            object.__setattr__(self, "num_ctx", min(self.max_ctx, DEFAULT_NUM_CTX))
        _check(self.tag, "num_ctx", self.context_tokens, above=True)
        if self.parallel is not None:
            _check(self.tag, "parallel", self.parallel, above=True)

    @property
    def context_tokens(self) -> int:
        """The `num_ctx` that is sent with every request."""
        assert self.num_ctx is not None  # set in __post_init__
        return self.num_ctx

    @property
    def has_speeds(self) -> bool:
        """Whether the fleet file names both speeds."""
        return self.prefill_tokens_per_s is not None and self.decode_tokens_per_s is not None

    @property
    def speeds(self) -> tuple[float, float]:
        """Tokens per second of prefill and of decoding; infinite where the fleet file does not say."""
        return self.prefill_tokens_per_s or math.inf, self.decode_tokens_per_s or math.inf

    def capability(self, task_type: str) -> float:
        """Return the prior quality for a task type, in [0, 1]; that of `*`, or neutral, where the file has none."""
        return self.capabilities.get(task_type, self.capabilities.get(ANY_TYPE, NEUTRAL_CAPABILITY))

    def can_take(self, task: Task) -> bool:
        """Return whether the task's estimated tokens fit the model's longest context."""
        return task.estimated_tokens <= self.max_ctx


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet(Rebuilt):
    """The models on offer, in the order of the file; `name` says where they come from.

    `assign` maps a task type (`"*"`: the rest) to the model that somebody without a router gives it to; mode `fixed`.

    A tag is found by any of its names: with or without `:latest`, in any case. `fleet[tag].tag` is the fleet's own.
    `merged_tags` are further tags of its models' files, each with the tag that stands for it.

    Models with weights in common (`Model.shares_with`) are told apart where a model is chosen, and are one where VRAM,
    loads and residency are meant: there the first of them, their holder, stands for all. `outside` are the full tags
    that the fleet lacks of models that run on a copy of its weights too, each with the model that has the copy.
    """

    name: str
    models: tuple[Model, ...]
    assign: Mapping[str, str] = field(default_factory=dict)
    merged_tags: Mapping[str, str] = field(default_factory=dict)
    outside: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The models' tags, in the order of the file."""
    row: Mapping[str, int] = field(init=False, repr=False, compare=False)
    """The place of each tag among them."""
    sharers: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """Each model that uses the weights of another one -> that one, its holder."""
    holders: tuple[Model, ...] = field(init=False, repr=False, compare=False)
    """The models of which the server holds a copy each: all but those that use the weights of another one."""
    pinned: tuple[Model, ...] = field(init=False, repr=False, compare=False)
    """The models that are never evicted; of those of the same weights, the one that stands for them."""
    _by_tag: Mapping[str, Model] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.models:
            raise FleetError(f"fleet {self.name!r} has no models")
        object.__setattr__(self, "tags", tuple(model.tag for model in self.models))
        object.__setattr__(self, "row", MappingProxyType({tag: i for i, tag in enumerate(self.tags)}))
        by_tag: dict[str, Model] = {}
        for model in self.models:
            earlier = by_tag.get(full_tag(model.tag))
            if earlier is not None:
                other = "" if earlier.tag == model.tag else f", the other time as {earlier.tag!r}"
                raise FleetError(f"fleet {self.name!r}: model {model.tag!r} appears twice{other}")
            by_tag[full_tag(model.tag)] = model
        by_tag.update({full_tag(tag): by_tag[full_tag(other)] for tag, other in self.merged_tags.items()})
        object.__setattr__(self, "merged_tags", MappingProxyType(dict(self.merged_tags)))
        object.__setattr__(self, "outside", MappingProxyType(dict(self.outside)))
        object.__setattr__(self, "_by_tag", MappingProxyType(by_tag))
        object.__setattr__(self, "assign", MappingProxyType(self._assignments()))
        object.__setattr__(self, "sharers", MappingProxyType(dict(self._sharers())))
        object.__setattr__(self, "holders", tuple(model for model in self.models if model.shares_with is None))
        object.__setattr__(self, "pinned", tuple(model for model in self.holders if model.keep))

    def _sharers(self) -> Iterator[tuple[str, str]]:
        for model in self.models:
            if model.shares_with is None:
                continue
            holder = self._by_tag.get(full_tag(model.shares_with))
            if holder is None or holder.shares_with is not None or _residency(holder) != _residency(model):
                raise FleetError(
                    f"fleet {self.name!r}: model {model.tag!r} shares the weights of {model.shares_with!r}, which must "
                    "be a model of the fleet with weights of its own, and the same vram_gb, load_time_ms, num_ctx and "
                    "keep"
                )
            yield model.tag, holder.tag

    def _assignments(self) -> dict[str, str]:
        assign: dict[str, str] = {}
        for word, tag in self.assign.items():
            kind = word if word == ANY_TYPE else type_name(word)
            if kind is None:
                raise FleetError(f"fleet {self.name!r}, assign: {type_fault(word)}, or {ANY_TYPE!r} for the rest")
            if tag not in self:
                known = ", ".join(self.tags)
                raise FleetError(f"fleet {self.name!r}, assign: {word!r} names {tag!r}, but its models are {known}")
            if kind in assign:
                raise FleetError(f"fleet {self.name!r}, assign: type {kind!r} appears twice; {TYPES_COMPARED}")
            assign[kind] = self[tag].tag
        return assign

    def assigned(self, task_type: str) -> Model | None:
        """Return the model that `assign` names for a task type; None where it names none."""
        tag = self.assign.get(task_type, self.assign.get(ANY_TYPE))
        return None if tag is None else self[tag]

    def __hash__(self) -> int:
        """Return what equal fleets have in common; all their figures would take longer than what is looked up by it."""
        return hash((self.name, self.tags))

    def __len__(self) -> int:
        return len(self.models)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    def __contains__(self, tag: object) -> bool:
        return isinstance(tag, str) and full_tag(tag) in self._by_tag

    def __getitem__(self, tag: str) -> Model:
        try:
            return self._by_tag[full_tag(tag)]
        except KeyError:
            raise FleetError(f"fleet {self.name!r} has no model {tag!r}; it has {', '.join(self.tags)}") from None

    def merged(self, groups: Iterable[tuple[str, ...]]) -> Fleet:
        """Return the fleet with one model for each group of tags of one model file: the first in the fleet's order.

        The server holds such a file in VRAM once. The model is pinned if any of its tags is.

        Args:
            groups: Tags of one file each, in any form; tags that the fleet lacks do not count.
        """
        merged: dict[str, str] = {}
        pinned: set[str] = set()
        for group in groups:
            own = {self[tag].tag for tag in group if tag in self}
            first, *others = [tag for tag in self.tags if tag in own] or [""]
            merged.update(dict.fromkeys(others, first))
            pinned.update({first} if any(self[tag].keep for tag in own) else ())
        kept = (model for model in self.models if model.tag not in merged)
        models = tuple(replace(model, keep=True) if model.tag in pinned else model for model in kept)
        return replace(self, models=models, merged_tags={**self.merged_tags, **merged}) if merged else self

    def holder(self, tag: str) -> str:
        """Return the model that stands for a model's weights: itself, or the one whose weights it uses."""
        return self.sharers.get(tag, tag)

    def copy_of(self, tag: str) -> str | None:
        """Return the model of the fleet that stands for the weights of any model; None for weights that it lacks."""
        full = full_tag(tag)
        model = self._by_tag.get(full)
        return self.outside.get(full) if model is None else self.holder(model.tag)

    def held(self, tags: Iterable[str]) -> frozenset[str]:
        """Return the models that stand for the weights of models: what is in VRAM where those are."""
        return frozenset(map(self.holder, tags)) if self.sharers else frozenset(tags)

    def usable(self, held: Iterable[str]) -> frozenset[str]:
        """Return the models that need no load where some are in VRAM: those, and what shares their weights."""
        there = self.held(held)
        return there.union(tag for tag, holder in self.sharers.items() if holder in there) if self.sharers else there

    @property
    def smallest(self) -> Model:
        """The model with the least VRAM; the first of the file among equals."""
        return min(self.models, key=lambda model: model.vram_gb)

    @property
    def digest(self) -> str:
        """Content digest of every figure in the fleet: equal fleets are comparable."""
        rows: list[Json] = [encode_model(model) for model in self.models]
        if self.assign:
            rows.append({"assign": dict(self.assign)})
        text = json.dumps(rows, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def encode_model(model: Model) -> dict[str, Json]:
    """Return the JSON object of a model: its keys in a fleet file, and whose weights it uses, where that is known."""
    row: dict[str, Json] = {
        "name": model.tag,
        "vram_gb": model.vram_gb,
        "load_time_ms": model.load_time_ms,
        "cost_per_token": model.cost_per_token,
        "max_ctx": model.max_ctx,
        "num_ctx": "auto" if model.auto_ctx else model.context_tokens,
        "capabilities": dict(model.capabilities),
        "prefill_tokens_per_s": model.prefill_tokens_per_s,
        "decode_tokens_per_s": model.decode_tokens_per_s,
        "keep": model.keep,
    }
    known: dict[str, Json] = {"parallel": model.parallel, "shares_with": model.shares_with}
    return row | {key: value for key, value in known.items() if value is not None}


def _residency(model: Model) -> tuple[float, float, int, bool, bool]:
    """Return what models of the same weights must have in common."""
    return model.vram_gb, model.load_time_ms, model.context_tokens, model.auto_ctx, model.keep


def _priors(tag: str, given: Mapping[str, float]) -> dict[str, float]:
    priors: dict[str, float] = {}
    for word, prior in given.items():
        name = word if word == ANY_TYPE else type_name(word)
        if name is None:
            raise FleetError(f"model {tag!r}: {type_fault(word)}, or {ANY_TYPE!r} for the types that are not named")
        if name in priors:
            raise FleetError(f"model {tag!r}: capability {name!r} appears twice; {TYPES_COMPARED}")
        if not 0 <= prior <= 1:
            raise FleetError(f"model {tag!r}: capability {name} is {prior:g}, but must be from 0 to 1")
        priors[name] = prior
    return priors


def _check(tag: str, name: str, value: float, *, above: bool = False) -> None:
    if not math.isfinite(value) or value < 0 or (above and value == 0):
        least = "above 0" if above else "at least 0"
        raise FleetError(f"model {tag!r}: {name} is {value:g}, but must be {least}")
