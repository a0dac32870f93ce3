"""What is said about a server at the start of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from pytest_swarm.domain.estimates_info import EstimatesChoice, EstimatesKind
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.ollama.messages import ResidentEntry
from pytest_swarm.plugin.start_remarks import equal_models_remark, foreign_remark
from tests.plugin.conftest import Reports

FLEET = Fleet(name="f", models=(Model(tag="m", vram_gb=1, load_time_ms=1, cost_per_token=1, max_ctx=8192),))


@dataclass(frozen=True)
class Bench:
    """A bench whose server holds these models."""

    tags: tuple[str, ...]
    fleet: Fleet = FLEET

    def resident_now(self) -> tuple[ResidentEntry, ...]:
        return tuple(ResidentEntry(tag=tag, size_bytes=10**9, size_vram_bytes=10**9) for tag in self.tags)


def remarks(*tags: str, free: float | str = "no GPU") -> list[str]:
    bench: object = Bench(tags)
    return foreign_remark(bench, ("judge",), budgets_gb=(8.0, 24.0), free=free)  # type: ignore[arg-type]


def test_nothing_is_said_where_all_is_of_the_run() -> None:
    assert remarks("m:latest", "judge") == []


def test_models_of_others_are_named() -> None:
    assert remarks("x:1b") == [
        "resident on the server and not of this run: x:1b (1GB). What is left beside them is not measured (no GPU), so"
        " the budget must fit there"
    ]


@pytest.mark.parametrize(
    ("free_gb", "left"),
    [
        (10.0, "only 10GB of VRAM are left, less than 24GB: the server will"),
        (4.5, "only 4.5GB of VRAM are left, less than 8GB, 24GB: the server will"),
        (30.0, "30GB of VRAM are left, and each budget fits there"),
    ],
)
def test_what_is_left_beside_them_is_said_and_budgets_above_it_are_named(free_gb: float, left: str) -> None:
    (sentence,) = remarks("x:1b", free=free_gb)
    assert f". Beside them {left}" in sentence
    assert (f"--swarm-vram={free_gb:g}GB" in sentence) == ("less than" in left)


@pytest.mark.parametrize(
    ("models", "priors", "kind", "said"),
    [
        (2, {}, EstimatesKind.PRIOR, True),
        (2, {"*": 0.7}, EstimatesKind.PRIOR, False),
        (2, {}, EstimatesKind.CROSS, False),
        (1, {}, EstimatesKind.PRIOR, False),
    ],
)
def test_models_that_start_as_equally_good_are_told(
    models: int, priors: dict[str, float], kind: EstimatesKind, said: bool
) -> None:
    (model,) = FLEET
    fleet = Fleet(name="f", models=tuple(replace(model, tag=f"m{n}", capabilities=priors) for n in range(models)))
    told = equal_models_remark(fleet, EstimatesChoice(kind=kind))
    assert [each.startswith("no model of the fleet has capabilities") for each in told] == [True] * said


@pytest.mark.parametrize(
    ("modes", "unread"),
    [
        ("lp,greedy", ["--swarm-quality-floor=0.1, as heft", "--swarm-planner=phi4:14b, as llm"]),
        ("lp,llm", ["--swarm-quality-floor=0.1, as heft"]),
        ("llm:gemma2:2b", ["--swarm-quality-floor=0.1, as heft", "--swarm-planner=phi4:14b, as llm"]),
        ("own", []),
    ],
)
def test_an_option_that_no_mode_reads_is_told(
    suite: pytest.Pytester, reports: Reports, modes: str, unread: list[str]
) -> None:
    """What an ini file gives stands there for all runs."""
    suite.makeconftest(
        "from pytest_swarm.routing.greedy import GreedyRouter\n"
        "def pytest_swarm_routers(config): return {'own': lambda setup: GreedyRouter()}"
    )
    options = ("--swarm-quality-floor=0.1", "--swarm-planner=phi4:14b", "-o", "swarm_solve_limit=9s")
    result = suite.runpytest(f"--swarm-compare={modes}", "--swarm-vram=24GB", *options)
    sentences = [f"no mode of this run reads {each} would; add such a mode, or leave the option out" for each in unread]
    assert reports.report["notes"] == sentences
    result.stdout.fnmatch_lines([f"swarm: {each}" for each in sentences])
