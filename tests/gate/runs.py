"""Small runs as the gate sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pytest_swarm.domain.record import CaseKey
from pytest_swarm.gate.baseline import Baseline, BaselineCase, BaselineSample, Setup
from pytest_swarm.gate.evaluate import evaluate
from pytest_swarm.gate.pairing import RunCases
from pytest_swarm.gate.rules import DEFAULTS, Policy, Rule, parse_expression
from pytest_swarm.gate.run_context import SEED_POLICY, FleetIdentity, RunContext
from pytest_swarm.gate.verdicts import GateResult, Verdict


def case(
    job: str,
    scores: Sequence[float],
    *,
    mode: str = "lp",
    graph: str = "",
    version: int = 1,
    test: str = "",
    tasks: int = 3,
    figures: Mapping[str, Sequence[float]] | None = None,
) -> BaselineCase:
    """A case with one sample per score; `figures` are further figures, one value per sample."""
    more = figures or {}
    name = test or f"test_{job}.py::test_{job}"
    return BaselineCase(
        setup=Setup(job=job, key=CaseKey(mode=mode, horizon=1, vram_budget_gb=8.0)),
        graph_digest=graph or job,
        version=version,
        samples=tuple(
            BaselineSample(
                digest=f"{job}-{mode}-{graph}-{n}",
                test=f"{name}[{mode}-h1-8GB-r{n + 1}]",
                repeat=n + 1,
                occurrence=0,
                tasks=tasks,
                figures={"score": score, "violations": 0.0, **{key: values[n] for key, values in more.items()}},
            )
            for n, score in enumerate(scores)
        ),
    )


def run_context(**changes: object) -> RunContext:
    """A run on the simulator with seed 0."""
    plain = RunContext(
        run="20261123-120000",
        started_ts_ms=0.0,
        backend="sim",
        simulated=True,
        profile="a40",
        fleet=FleetIdentity(name="heavy", digest="abc"),
        seed=0,
        seed_policy=SEED_POLICY,
        measure={},
        versions={"python": "3.11"},
        machine={"cores": "2"},
    )
    return replace(plain, **changes)


def baseline(*cases: BaselineCase) -> Baseline:
    return Baseline(context=run_context(), cases=cases, where="baseline b.json")


def policy(*texts: str, gate: str = "fail", **changes: object) -> Policy:
    expressions = tuple(parse_expression(text, what="test") for text in texts or DEFAULTS)
    return replace(Policy(default=Rule(expressions=expressions, gate=gate)), **changes)  # type: ignore[arg-type]


def judge(
    before: Iterable[BaselineCase],
    now: Iterable[BaselineCase] | RunCases,
    *texts: str,
    seed: int = 1,
    **changes: object,
) -> GateResult:
    """The verdicts of one run against another; another seed unless `seed=0` is said."""
    run = now if isinstance(now, RunCases) else RunCases(cases=tuple(now))
    return evaluate(
        run, baseline(*before), run_context(seed=seed), policy=policy(*texts, **changes), covered=lambda _: True
    )


def verdicts(result: GateResult) -> dict[str, Verdict]:
    """Mode/expression -> verdict."""
    return {f"{row.mode}/{row.expression.removeprefix(row.mode + '/')}": row.verdict for row in result.rows}
