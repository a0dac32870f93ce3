"""What is said about a server at the start of a run."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.ollama.messages import ResidentEntry
from pytest_swarm.plugin.server_remarks import foreign_remark

FLEET = Fleet(name="f", models=(Model(tag="m", vram_gb=1, load_time_ms=1, cost_per_token=1, max_ctx=8192),))


@dataclass(frozen=True)
class Bench:
    """A bench whose server holds these models."""

    tags: tuple[str, ...]
    fleet: Fleet = FLEET

    def resident_now(self) -> tuple[ResidentEntry, ...]:
        return tuple(ResidentEntry(tag=tag, size_bytes=10**9, size_vram_bytes=10**9) for tag in self.tags)


def remarks(*tags: str, free_gb: float | None = None) -> list[str]:
    bench: object = Bench(tags)
    return foreign_remark(bench, ("judge",), budgets_gb=(8.0, 24.0), free_gb=free_gb)  # type: ignore[arg-type]


def test_nothing_is_said_where_all_is_of_the_run() -> None:
    assert remarks("m:latest", "judge") == []


def test_models_of_others_are_named() -> None:
    assert remarks("x:1b") == [
        "resident on the server and not of this run: x:1b (1GB); the budget must fit beside them"
    ]


@pytest.mark.parametrize(
    ("free_gb", "too_large"), [(10.0, "less than 24GB"), (4.5, "less than 8GB, 24GB"), (30.0, None)]
)
def test_a_budget_above_what_is_free_is_named(free_gb: float, too_large: str | None) -> None:
    (sentence,) = remarks("x:1b", free_gb=free_gb)
    assert (too_large in sentence) if too_large else sentence.endswith("the budget must fit beside them")
    assert (f"--swarm-vram={free_gb:g}GB" in sentence) == (too_large is not None)
