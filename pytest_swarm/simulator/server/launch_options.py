"""Launch options: the options that determine a loaded model's memory, and when other options need a reload.

Measured on the real server: a model is reloaded if one of these differs, never for temperature, seed or length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.go_values import go_int, int32
from pytest_swarm.simulator.server.hardware import ModelSpec, ServerSpec

AUTO_LAYERS: Final = -1  # num_gpu: the loader chooses
LEAST_CONTEXT: Final = 4  # a smaller num_ctx becomes this
DEFAULT_BATCH: Final = 512  # num_batch
MEDIUM_BATCH: Final = 1024
LARGE_BATCH: Final = 2048
_ASSERTION: Final = "GGML_ASSERT(n_tokens_all <= cparams.n_batch) failed"
_BATCH_TIERS: Final = (
    (32_768, LARGE_BATCH),
    (4096, MEDIUM_BATCH),
)  # the server's own: above so many tokens, this batch


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """The launch options of a loaded model, with the server's defaults; None and -1 leave the choice to the server.

    `chosen_batch` and `chosen_mmap` are the server's choice at a launch that leaves `num_batch` and `use_mmap` to it.
    """

    num_ctx: int
    num_batch: int | None = None
    num_gpu: int = AUTO_LAYERS
    num_thread: int = 0
    main_gpu: int | None = None
    use_mmap: bool | None = None
    draft_num_predict: int | None = None
    shift: bool = True
    chosen_batch: int = field(default=DEFAULT_BATCH, compare=False)
    chosen_mmap: bool | None = field(default=None, compare=False)

    @property
    def launch_fault(self) -> str | None:
        """With what the model's process ends as it is launched; None where it takes the options."""
        if self.num_batch == 1:  # to warm up, the model reads two tokens
            return f"{_ASSERTION}: {_ASSERTION}"
        passed_on = (max(0, self.num_batch or 0), self.num_gpu, max(0, self.num_thread), self.main_gpu or 0)
        return "exit status 1" if any(int32(number) != number for number in passed_on) else None

    @property
    def batch(self) -> int:
        """Tokens of a prompt that are read at a time."""
        if self.num_batch is None:
            return self.chosen_batch
        return self.num_batch if self.num_batch > 0 else DEFAULT_BATCH

    def reloads(self, running: LaunchOptions) -> bool:
        """Return whether a request with these options reloads a model that was launched with `running`.

        A request that leaves `num_gpu` to the server accepts the model's value. One that leaves `num_batch` or
        `use_mmap` to it accepts what the server chose, but of a value that was asked for only the default.
        """
        if self == running:
            return False
        if not _accepts(self.num_batch, running.num_batch, chosen=running.chosen_batch, default=DEFAULT_BATCH):
            return True
        if not _accepts(self.use_mmap, running.use_mmap, chosen=running.chosen_mmap, default=None):
            return True
        num_gpu = running.num_gpu if self.num_gpu < 0 else self.num_gpu
        return replace(self, num_gpu=num_gpu, num_batch=running.num_batch, use_mmap=running.use_mmap) != running


def _accepts(asked: int | None, ran: int | None, *, chosen: int | None, default: int | None) -> bool:
    """Return whether a request for `asked` can use what was launched with `ran`; None: the server chooses."""
    if asked is None:
        return ran is None or ran == default
    return asked == (chosen if ran is None else ran)


def launch_options(
    spec: ServerSpec, model: ModelSpec, options: Mapping[str, Json], *, shift: bool = True
) -> LaunchOptions:
    """Return the launch options of a request: its own options over the model's over the server's defaults.

    Args:
        spec: The server, with its default context length.
        model: The model, with its parameters and its longest context.
        options: The request's options, with their types checked (`request_parsing.read_options`).
        shift: Whether the context may shift when it is full.

    Returns:
        The options, with `num_ctx` between 4 and the model's longest context.
    """
    given = {**model.parameters, **options}
    num_ctx = _whole(given, "num_ctx", spec.default_context)
    num_ctx = max(LEAST_CONTEXT, min(num_ctx, model.context_length))
    num_gpu = max(AUTO_LAYERS, _whole(given, "num_gpu", AUTO_LAYERS))
    use_mmap = given.get("use_mmap")
    return LaunchOptions(
        num_ctx=num_ctx,
        num_batch=_optional(given, "num_batch"),
        num_gpu=num_gpu,
        num_thread=_whole(given, "num_thread", 0),
        main_gpu=_optional(given, "main_gpu"),
        use_mmap=use_mmap if isinstance(use_mmap, bool) else None,
        draft_num_predict=_optional(given, "draft_num_predict"),
        shift=shift,
        chosen_batch=_chosen_batch(num_ctx * spec.num_parallel),
        chosen_mmap=False if spec.gpu_bytes is None or num_gpu == 0 else None,  # none on a CPU
    )


def _chosen_batch(context_tokens: int) -> int:
    """Return the batch that the server chooses for the contexts of all slots, where memory is plenty."""
    return next((batch for above, batch in _BATCH_TIERS if context_tokens > above), DEFAULT_BATCH)


def _optional(given: Mapping[str, Json], name: str) -> int | None:
    return None if given.get(name) is None else _whole(given, name, 0)


def _whole(given: Mapping[str, Json], name: str, default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    assert isinstance(value, int | float)  # checked when the request was parsed
    return go_int(value)
