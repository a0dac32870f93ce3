"""Launch options: the options that determine a loaded model's memory, and when other options need a reload.

Measured on the real server: a model is reloaded if one of these differs, never for temperature, seed or length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pytest_swarm.fields import Json
from pytest_swarm.simulator.server.hardware import ModelSpec, ServerSpec

AUTO_LAYERS: Final = -1  # num_gpu: the loader chooses
LEAST_CONTEXT: Final = 4  # a smaller num_ctx becomes this


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """The launch options of a loaded model, with the server's defaults; None and -1 leave the choice to the server."""

    num_ctx: int
    num_batch: int | None = None
    num_gpu: int = AUTO_LAYERS
    num_thread: int = 0
    main_gpu: int | None = None
    use_mmap: bool | None = None
    draft_num_predict: int | None = None
    shift: bool = True

    def reloads(self, running: LaunchOptions) -> bool:
        """Return whether a request with these options reloads a model that was launched with `running`.

        A request that leaves `num_gpu` to the server accepts the model's value.
        """
        wanted = replace(self, num_gpu=running.num_gpu) if self.num_gpu < 0 else self
        return wanted != running


def launch_options(
    spec: ServerSpec, model: ModelSpec, options: Mapping[str, Json], *, shift: bool = True
) -> LaunchOptions:
    """Return the launch options of a request: its own options over the model's over the server's defaults.

    Args:
        spec: The server, with its default context length.
        model: The model, with its parameters and its longest context.
        options: The request's options, with their types checked (`request_parsing.check_options`).
        shift: Whether the context may shift when it is full.

    Returns:
        The options, with `num_ctx` between 4 and the model's longest context.
    """
    given = {name: value for name, value in {**model.parameters, **options}.items() if value is not None}
    num_ctx = _whole(given, "num_ctx", spec.default_context)
    use_mmap = given.get("use_mmap")
    return LaunchOptions(
        num_ctx=max(LEAST_CONTEXT, min(num_ctx, model.context_length)),
        num_batch=_optional(given, "num_batch"),
        num_gpu=max(AUTO_LAYERS, _whole(given, "num_gpu", AUTO_LAYERS)),
        num_thread=_whole(given, "num_thread", 0),
        main_gpu=_optional(given, "main_gpu"),
        use_mmap=use_mmap if isinstance(use_mmap, bool) else None,
        draft_num_predict=_optional(given, "draft_num_predict"),
        shift=shift,
    )


def _optional(given: Mapping[str, Json], name: str) -> int | None:
    return _whole(given, name, 0) if name in given else None


def _whole(given: Mapping[str, Json], name: str, default: int) -> int:
    value = given.get(name, default)
    assert isinstance(value, int | float)  # checked when the request was parsed
    return int(value)
