"""--swarm-decide: the decision at the end of a run, and the policy file of each budget in the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_swarm.errors import SwarmError

if TYPE_CHECKING:
    from pytest_swarm.domain.record import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEnd:
    """What a run's decision says, the files that were written, and why it could not be made (None = it was)."""

    lines: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    trouble: str | None = None


def decide_at_end(run: Run, folder: Path) -> DecisionEnd:
    """Return the decision of a run by score, after writing the policy of each budget for which something was decided.

    Args:
        run: The run.
        folder: Its folder, which takes `policy.json`, or `policy-8GB.json` and so on for several budgets.
    """
    from pytest_swarm.decision.decide import DecisionQuestion, decide_runs
    from pytest_swarm.decision.policy_writing import policy_of, why_no_policy
    from pytest_swarm.report.decision_ruling import decision_lines
    from pytest_swarm.report.wording import whole_line
    from pytest_swarm.routing.policy_file import write_policy
    from pytest_swarm.units import format_gb

    lines: list[str] = []
    written: list[str] = []
    trouble = None
    try:
        decisions = decide_runs([run], DecisionQuestion())
        for decision in decisions:
            lines += decision_lines(decision)
            reason = why_no_policy(decision)
            if reason is not None:
                lines.append(f"  No policy file: {whole_line(reason)}.")
            else:
                suffix = f"-{format_gb(decision.budget_gb)}" if len(decisions) > 1 else ""
                path = folder / f"policy{suffix}.json"
                write_policy(policy_of(decision, now=datetime.now(UTC)), path)
                written.append(str(path))
    except SwarmError as error:
        trouble = f"--swarm-decide: {str(error).removeprefix('decide: ')}"
    return DecisionEnd(lines=tuple(lines), written=tuple(written), trouble=trouble)
