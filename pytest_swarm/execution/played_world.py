"""The server that measured answers are played on: what each model takes to load, to hold and to run, and its limits.

Values, which `calibration/` makes of what was measured; the server is the simulated one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.simulator.server.hardware import KV_BYTES_PER_VALUE, ModelSpec, ServerSpec

_LAYERS: Final = 32  # of a model whose layers nobody counted: they only matter for one that does not fit
_FAST: Final = 1e9  # tokens/s of a model without a measured speed: its calls bring their own times
_LEAST_SLOWDOWN: Final = 1.02  # a smaller one is within what equal calls differ
_LONGEST_CONTEXT: Final = 1 << 30  # the requests are what a real server has answered, so none is too long
UNLIMITED_BYTES: Final = 1 << 50  # memory of a GPU that nobody measured


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """What was measured of one model.

    Attributes:
        load_s: Seconds of a load.
        footprints: Context in tokens -> bytes in memory, for each context that was loaded.
        prefill_tokens_per_s: Speed of prompts that were read in full; None = not measured.
        slowest_prompt_tokens_per_s: Prompts that were read more slowly stalled; 0 = none is known to.
        decode_tokens_per_s: Speed of replies of calls that ran alone; None = not measured.
        overhead_s: Fixed time of a call; None = not measured.
        client_s: Seconds of a call that the server does not count, such as those of the client; None = not measured.
        slowdowns: Calls that run at once -> how many times longer each takes to decode.
    """

    load_s: float
    footprints: Mapping[int, int]
    prefill_tokens_per_s: float | None = None
    slowest_prompt_tokens_per_s: float = 0.0
    decode_tokens_per_s: float | None = None
    overhead_s: float | None = None
    client_s: float | None = None
    slowdowns: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "footprints", MappingProxyType(dict(self.footprints)))
        object.__setattr__(self, "slowdowns", MappingProxyType(dict(self.slowdowns)))

    def figure(self, name: str) -> object:
        """Return one figure: a field by its name, or the footprint at a context, by its tokens as a text."""
        return self.footprints.get(int(name)) if name.isdecimal() else getattr(self, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedWorld:
    """A measured server.

    Attributes:
        models: Digest -> figures, of the models that were loaded at least once.
        num_parallel: Calls that one model runs at the same time; the others wait.
        gpu_bytes: Memory of its GPUs; None where all models run on the CPU.
        list_s: Seconds of a request that lists the resident models, by the client's clock.
    """

    models: Mapping[str, ModelFigures] = field(default_factory=dict)
    num_parallel: int = 1
    gpu_bytes: int | None = UNLIMITED_BYTES
    list_s: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", MappingProxyType(dict(self.models)))

    @property
    def limits(self) -> tuple[int, int | None]:
        """What the server bounds: parallel calls, and bytes of memory."""
        return self.num_parallel, self.gpu_bytes

    def knows(self, digest: str, num_ctx: int) -> bool:
        """Return whether a model was loaded with this context.

        Args:
            digest: The digest of the model's file.
            num_ctx: The context in tokens.
        """
        return digest in self.models and num_ctx in self.models[digest].footprints

    def figure(self, digest: str, name: str) -> object:
        """Return a figure of a model; None where it was not measured.

        Args:
            digest: The digest of the model's file; empty for the time of a list.
            name: The name of the figure, as `ModelFigures.figure` takes it.
        """
        if not digest:
            return self.list_s
        figures = self.models.get(digest)
        return None if figures is None else figures.figure(name)

    def server_spec(self, models: tuple[ModelIdentity, ...]) -> ServerSpec:
        """Return the simulated server that has these models. Loads hold the server's own polls already."""
        return ServerSpec(
            models=tuple(map(self.model_spec, models)),
            gpu_bytes=self.gpu_bytes,
            num_parallel=self.num_parallel,
            load_poll_s=0.0,
        )

    def model_spec(self, model: ModelIdentity) -> ModelSpec:
        """Return a model of the simulated server; one without figures must not be loaded.

        The footprint is exact at two measured contexts, and on the line through the outer ones elsewhere.
        """
        figures = self.models.get(model.digest, ModelFigures(load_s=0.0, footprints={1: 1}))
        contexts = sorted(figures.footprints)
        first, last = contexts[0], contexts[-1]
        grown = figures.footprints[last] - figures.footprints[first]
        unit = 2 * KV_BYTES_PER_VALUE * _LAYERS * self.num_parallel  # bytes of a token with one value per head
        values = max(1, round(grown / (last - first) / unit)) if last > first else 1
        return ModelSpec(
            name=model.tag,
            size_bytes=max(1, figures.footprints[last] - unit * values * last),
            layers=_LAYERS,
            kv_heads=1,
            head_dim=values,
            context_length=_LONGEST_CONTEXT,
            blob=model.digest,
            prefill_tokens_per_s=figures.prefill_tokens_per_s or _FAST,
            decode_tokens_per_s=figures.decode_tokens_per_s or _FAST,
            load_s=figures.load_s,
            slowdowns={count: factor for count, factor in figures.slowdowns.items() if factor > _LEAST_SLOWDOWN},
        )
