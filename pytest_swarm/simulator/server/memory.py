"""GPU memory: what a model takes, how many of its layers fit, and whether it may join those that are loaded.

    kv    = 2 * layers * kv_heads * head_dim * num_ctx * slots * 2 bytes
    layer = (size + kv) / (layers + 1)                the output layer counts
    vram  = n * layer + (compute if n > 0)            n: layers on the GPU

Pure functions of specs and residents; knows no time and no queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_swarm.simulator.server.hardware import GIB, ModelSpec, ServerSpec
from pytest_swarm.simulator.server.launch_options import LaunchOptions

FIT_SHARE: Final = (
    0.8  # beside others, a newcomer may take this share of what is free (measured: 8.9 of 11.25 GiB fits)
)
_DEFAULT_BATCH: Final = 512  # the automatic batch never evicts; only a larger explicit one counts
# Measured: an explicit num_batch of 2048 counts as 2 GiB more. Taken as proportional in between.
_BATCH_BYTES_PER_TOKEN: Final = 2 * GIB // 2048


class OutOfMemory(Exception):  # noqa: N818 - a finding, which the scheduler turns into a retry or a failed load
    """The layers that a request insists on do not fit into what is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a model lies: layers on the GPU of all that there are, bytes in VRAM, bytes in all.

    `reported_free_bytes` is what its runner goes on reporting as free: the free memory at its load less its share.
    """

    gpu_layers: int
    all_layers: int
    vram_bytes: int
    total_bytes: int
    reported_free_bytes: int

    def slowdown(self, model: ModelSpec) -> float:
        """How many times longer a token takes than with every layer on the GPU."""
        on_cpu = 1 - self.gpu_layers / self.all_layers
        return 1 + on_cpu * (model.cpu_slowdown - 1)


def required_bytes(spec: ServerSpec, model: ModelSpec, options: LaunchOptions) -> int:
    """What the fit test counts: weights, the contexts of all slots, and the surcharge of a large explicit batch."""
    batch = options.num_batch or 0
    surcharge = batch * _BATCH_BYTES_PER_TOKEN if batch > _DEFAULT_BATCH else 0
    return model.size_bytes + model.kv_bytes(options.num_ctx, spec.num_parallel) + surcharge


def free_bytes(spec: ServerSpec, residents: Iterable[Placement]) -> int:
    """GPU memory that is really free; 0 without a GPU."""
    return (spec.gpu_bytes or 0) - sum(resident.vram_bytes for resident in residents)


def reported_free_bytes(spec: ServerSpec, residents: Iterable[Placement]) -> int:
    """GPU memory that the server is told is free. `residents` in the order in which they were loaded.

    With the quirk, a resident's runner answers for the GPU, and it reports the free memory of the time when it was
    loaded, so memory of models that left since still counts as taken. Of several residents the real server asks any
    one; here it is the one loaded first.
    """
    residents = tuple(residents)
    reports = [resident.reported_free_bytes for resident in residents if resident.gpu_layers]
    return reports[0] if spec.stale_free_memory and reports else free_bytes(spec, residents)


def fits_beside(spec: ServerSpec, need: int, residents: Iterable[Placement]) -> bool:
    """Whether `need` bytes may join the residents: at most 80 % of what is reported as free, and of what must be."""
    residents = tuple(residents)
    return need <= FIT_SHARE * min(free_bytes(spec, residents), reported_free_bytes(spec, residents))


def skips_fit_test(spec: ServerSpec, model: ModelSpec, options: LaunchOptions) -> bool:
    """Whether the request loads without the test: there is no GPU, or it sets a part of the layers itself."""
    return spec.gpu_bytes is None or 0 <= options.num_gpu <= model.layers


def place(spec: ServerSpec, model: ModelSpec, options: LaunchOptions, residents: Iterable[Placement]) -> Placement:
    """Where the loader puts the model now; OutOfMemory where the request insists on more than is free."""
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
