"""The figures behind docs/deciding.md: decisions on a run of generated workflows, as sentences and as figures per job.

    pytest benchmarks/test_workflowgen.py --swarm-jobs=100 --swarm-seed=1 --swarm-backend=sim --swarm-horizon=1 \
        --swarm-compare=fixed,collate,milp,greedy,best-single --swarm-vram=8GB,16GB,24GB
    python benchmarks/decide_workflowgen.py reports/RUN

It writes tests/data/deciding/workflowgen.json, and prints the sentences for the page; the test of the page computes
them again from the figures.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pytest_swarm.decision.criteria import CRITERIA, SCORE, Criterion
from pytest_swarm.decision.decide import DecisionQuestion, PolicyDecision, decide_runs
from pytest_swarm.errors import SwarmError
from pytest_swarm.report.decision_ruling import decision_sentence
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.units import format_gb

TARGET = Path(__file__).parents[1] / "tests" / "data" / "deciding" / "workflowgen.json"
DIGITS = 6


def figures_of(decision: PolicyDecision) -> dict[str, object]:
    """Return what the decision was made from: one row per policy, one figure per job."""
    measured = decision.measured
    rows = {name: measured.rows(each) for name, each in (("score", SCORE), ("makespan", CRITERIA["makespan"]))}
    return {
        "by": decision.question.by.name,
        "budget": format_gb(decision.budget_gb),
        "policies": [each.label for each in decision.policies],
        "scored_tasks": measured.scored_tasks(),
        **{name: [[round(value, DIGITS) for value in row] for row in table] for name, table in rows.items()},
        "loads": decision.means["switches"],
        "seconds": decision.means["makespan_s"],
        "sentence": decision_sentence(decision),
    }


def main() -> None:
    """Write the figures, and print the sentences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN")
    found: list[dict[str, object]] = []
    try:
        run = read_run(parser.parse_args().run)
        for by in (SCORE, CRITERIA["makespan"]):
            found += [figures_of(each) for each in _decided(run, by)]
    except SwarmError as error:
        parser.error(str(error))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="ascii")
    for each in found:
        print(f"- **{each['budget']}, by {each['by']}.** {each['sentence']}")


def _decided(run, by: Criterion) -> tuple[PolicyDecision, ...]:
    return tuple(
        decision
        for budget_gb in (8.0, 16.0, 24.0)
        for decision in decide_runs([run], DecisionQuestion(by=by, budgets_gb=(budget_gb,)))
    )


if __name__ == "__main__":
    main()
