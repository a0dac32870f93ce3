"""The specification of a simulated server: its models, its GPU and its settings, as checked values.

A profile file or the launcher builds a `ServerSpec`; the scheduler reads it. Knows no files and no HTTP.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.model_names import full_tag, parse_name
from pytest_swarm.errors import ProfileError
from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.prefix_cache import PrefixReuse

GIB: Final = 1 << 30

MAX_LOADED_MODELS: Final = 3  # OLLAMA_MAX_LOADED_MODELS: three per GPU
MAX_QUEUE: Final = 512  # OLLAMA_MAX_QUEUE
KEEP_ALIVE_S: Final = 300.0  # OLLAMA_KEEP_ALIVE: five minutes
_CONTEXT_TIERS: Final = ((47 * GIB, 262_144), (23 * GIB, 32_768))  # the server's own: from this much VRAM, this context
_SMALLEST_TIER: Final = 4096
LOAD_POLL_S: Final = 0.25  # interval at which the server checks whether a load is done
_ABOVE_ZERO: Final = (
    *("size_bytes", "layers", "kv_heads", "head_dim", "context_length"),
    *("prefill_tokens_per_s", "decode_tokens_per_s", "cpu_slowdown", "slowdown_beside"),
)
KV_BYTES_PER_VALUE: Final = 2  # 16-bit keys and values


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model: size, speeds and load time. Raises ProfileError for values out of range.

    `name` is an Ollama tag (`:latest` if it has none). `size_bytes` is the size of the weights; the KV cache takes
    2 * layers * kv_heads * head_dim * 2 bytes per token of context. `blob` is a prefix of the hex digest of the
    weights: models with the same `blob` are two names of one file, and it breaks ties between models. `load_s` is the
    time of a load from the page cache, `first_load_s` that of the first load (from disk; None: same as `load_s`).
    `overhead_s` is the fixed time of a call, and `first_format_s` what the first call with a format takes more after
    each load, as the model prepares the grammar. `cpu_slowdown` multiplies the time per token for the share of layers
    that is not on the GPU. `parameters` are the model's own default options.
    `slowdown_beside` multiplies the time of a call while another model computes, 1: models do not share a processor.
    `prompt_cache` tells which beginnings of a prompt are not read again; None: every prompt is read whole.
    `slowdowns` are calls at once -> how many times longer each takes to decode; empty: each slot decodes at full speed.
    `manifest` is the hex digest of a model that was made of another one's weights, with which it shares its `blob`, or
    the beginning of it; empty: that of the weights.
    """

    name: str
    size_bytes: int
    layers: int
    kv_heads: int
    head_dim: int
    context_length: int
    blob: str
    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    load_s: float = 0.0
    first_load_s: float | None = None
    overhead_s: float = 0.0
    cpu_slowdown: float = 1.0
    parameters: Mapping[str, Json] = field(default_factory=dict)
    slowdowns: Mapping[int, float] = field(default_factory=dict)
    slowdown_beside: float = 1.0
    first_format_s: float = 0.0
    prompt_cache: PrefixReuse | None = None
    manifest: str = ""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ProfileError("a model of the simulated server has an empty name")
        _check(self, self.name, _ABOVE_ZERO, above=True)
        _check(self, self.name, ("load_s", "overhead_s", "first_format_s", "first_load_s"))
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        object.__setattr__(self, "slowdowns", MappingProxyType(dict(self.slowdowns)))

    @property
    def full_name(self) -> str:
        """The name with its tag, as the server lists it."""
        return parse_name(self.name).shortest

    def kv_bytes(self, num_ctx: int, slots: int) -> int:
        """Return the bytes of the KV cache for `slots` contexts of `num_ctx` tokens each.

        Args:
            num_ctx: Context length of one slot in tokens.
            slots: Number of slots.
        """
        return 2 * self.layers * self.kv_heads * self.head_dim * num_ctx * slots * KV_BYTES_PER_VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """One simulated server: its models, its GPU and its settings.

    `gpu_bytes` None: no GPU. `keep_alive_s` may be `math.inf`. `context_length` None: the server's own default, which
    grows with VRAM. `compute_bytes` is the compute buffer of a model with any layer on the GPU, `fit_margin_bytes` the
    memory that the loader leaves free when it chooses the layers. `stale_free_memory` is a quirk of the real server: a
    resident model keeps reporting the free memory that was measured at its load. A load ends at the server's next look,
    every `load_poll_s`; 0 for load times in which the looks are included.
    """

    models: tuple[ModelSpec, ...]
    gpu_bytes: int | None
    max_loaded_models: int = MAX_LOADED_MODELS
    num_parallel: int = 1
    max_queue: int = MAX_QUEUE
    keep_alive_s: float = KEEP_ALIVE_S
    context_length: int | None = None
    compute_bytes: int = 0
    fit_margin_bytes: int = 0
    stale_free_memory: bool = True
    load_poll_s: float = LOAD_POLL_S

    def __post_init__(self) -> None:
        if not self.models:
            raise ProfileError("the simulated server has no models; give it at least one")
        names = [full_tag(model.name) for model in self.models]
        for name in names:
            if names.count(name) > 1:
                raise ProfileError(f"the simulated server has model {name!r} twice")
        owner, positive = "the simulated server", ("max_loaded_models", "num_parallel", "gpu_bytes", "context_length")
        _check(self, owner, positive, above=True)
        _check(self, owner, ("max_queue", "compute_bytes", "fit_margin_bytes", "load_poll_s"))
        if math.isnan(self.keep_alive_s) or self.keep_alive_s < 0:
            raise ProfileError("the simulated server: keep_alive_s must be at least 0, or infinite")

    @property
    def default_context(self) -> int:
        """Context length in tokens if neither request nor model sets one: OLLAMA_CONTEXT_LENGTH, else by VRAM."""
        if self.context_length is not None:
            return self.context_length
        for least_bytes, tokens in _CONTEXT_TIERS:
            if self.gpu_bytes is not None and self.gpu_bytes >= least_bytes:
                return tokens
        return _SMALLEST_TIER


def _check(spec: ModelSpec | ServerSpec, owner: str, names: Iterable[str], *, above: bool = False) -> None:
    """Raise ProfileError for a figure that is not finite, or below 0, or 0 where it must be above; None is none."""
    for name in names:
        value = getattr(spec, name)
        if value is not None and (not math.isfinite(value) or value < 0 or (above and value == 0)):
            raise ProfileError(f"{owner}: {name} is {value:g}, but must be {'above 0' if above else 'at least 0'}")
