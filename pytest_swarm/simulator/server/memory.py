"""GPU memory: what a model needs, how many of its layers fit, and whether it fits beside the loaded models.

    kv    = 2 * layers * kv_heads * head_dim * num_ctx * slots * 2 bytes
    layer = (size + kv) / (layers + 1)                the output layer counts
    vram  = n * layer + (compute if n > 0)            n: layers on the GPU

Pure functions of the specification and the resident models; knows no time and no queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_swarm.simulator.server.hardware import GIB, ModelSpec, ServerSpec
from pytest_swarm.simulator.server.launch_options import LARGE_BATCH, MEDIUM_BATCH, LaunchOptions

FIT_SHARE: Final = (
    0.8  # beside others, a model may take this share of the free memory (measured: 8.9 of 11.25 GiB fits)
)
# What an explicit num_batch counts from so many tokens on. The automatic one never evicts.
_BATCH_SURCHARGES: Final = ((LARGE_BATCH, 2 * GIB), (MEDIUM_BATCH, GIB * 3 // 4))


class OutOfMemory(Exception):  # noqa: N818 - a result, which the scheduler turns into a retry or a failed load
    """The layers that a request demands do not fit into the free memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Placement of a model: its layers on the GPU and in total, its bytes in VRAM and in total.

    `reported_free_bytes` is the free memory that the model reports from then on: the free memory at its load, minus
    its own share.
    """

    gpu_layers: int
    all_layers: int
    vram_bytes: int
    total_bytes: int
    reported_free_bytes: int

    def slowdown(self, model: ModelSpec) -> float:
        """Return the factor on the time per token, 1 with all layers on the GPU."""
        on_cpu = 1 - self.gpu_layers / self.all_layers
        return 1 + on_cpu * (model.cpu_slowdown - 1)


def required_bytes(spec: ServerSpec, model: ModelSpec, options: LaunchOptions) -> int:
    """Return the bytes that the fit test counts: weights, KV cache of all slots, and a large explicit batch.

    Args:
        spec: The server, with its number of slots.
        model: The model to load.
        options: Its launch options.
    """
    batch = options.num_batch or 0
    surcharge = next((extra for least, extra in _BATCH_SURCHARGES if batch >= least), 0)
    return model.size_bytes + model.kv_bytes(options.num_ctx, spec.num_parallel) + surcharge


def free_bytes(spec: ServerSpec, residents: Iterable[Placement]) -> int:
    """Return the free GPU memory in bytes; 0 without a GPU.

    Args:
        spec: The server.
        residents: The resident models' placements.
    """
    return (spec.gpu_bytes or 0) - sum(resident.vram_bytes for resident in residents)


def reported_free_bytes(spec: ServerSpec, residents: Iterable[Placement]) -> int:
    """Return the GPU memory in bytes that the server takes for free.

    With the stale-free-memory quirk a resident model reports the free memory measured at its own load, so the memory
    of models that were unloaded since still counts as used. Of several models the real server asks a random one, but
    mostly the first of its table (6 times in 8 with three models); here it is always that one.

    Args:
        spec: The server; `stale_free_memory` switches the quirk.
        residents: The resident models' placements, in the order of the server's table.
    """
    residents = tuple(residents)
    reports = [resident.reported_free_bytes for resident in residents if resident.gpu_layers]
    return reports[0] if spec.stale_free_memory and reports else free_bytes(spec, residents)


def fits_beside(spec: ServerSpec, need: int, residents: Iterable[Placement]) -> bool:
    """Return whether `need` bytes fit beside the residents, in 80 % of the free memory, reported as well as real.

    Args:
        spec: The server.
        need: Bytes that the model requires (`required_bytes`).
        residents: The resident models' placements, in the order of the server's table.
    """
    residents = tuple(residents)
    return need <= FIT_SHARE * min(free_bytes(spec, residents), reported_free_bytes(spec, residents))


def skips_fit_test(spec: ServerSpec, model: ModelSpec, options: LaunchOptions) -> bool:
    """Return whether the request loads without the fit test: no GPU, or an explicit part of the layers.

    Args:
        spec: The server.
        model: The model to load.
        options: Its launch options.
    """
    return spec.gpu_bytes is None or 0 <= options.num_gpu <= model.layers


def place(spec: ServerSpec, model: ModelSpec, options: LaunchOptions, residents: Iterable[Placement]) -> Placement:
    """Return the placement of a model that is loaded now.

    Args:
        spec: The server.
        model: The model to load.
        options: Its launch options; `num_gpu` may demand a number of layers on the GPU.
        residents: The resident models' placements, in the order of the server's table.

    Raises:
        OutOfMemory: The demanded layers do not fit into the free memory.
    """
    free = free_bytes(spec, residents)
    everything = model.size_bytes + model.kv_bytes(options.num_ctx, spec.num_parallel)
    layers = model.layers + 1
    layer_bytes = everything / layers
    if spec.gpu_bytes is None or options.num_gpu == 0:
        count = 0
    elif options.num_gpu < 0:
        room = free - spec.fit_margin_bytes - spec.compute_bytes
        count = max(0, min(layers, int(room / layer_bytes)))
    else:
        count = min(layers, options.num_gpu)
    vram = round(count * layer_bytes) + (spec.compute_bytes if count else 0)
    if vram > max(0, free):
        raise OutOfMemory
    return Placement(
        gpu_layers=count,
        all_layers=layers,
        vram_bytes=vram,
        total_bytes=vram + round((layers - count) * layer_bytes),
        reported_free_bytes=free - vram,
    )
