"""`decide RUN...`: which of the policies that were run to use, keep, or measure further."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_swarm.decision.exports import EXPORTS
from pytest_swarm.units import plural

if TYPE_CHECKING:
    from pytest_swarm.decision.decide import PolicyDecision
    from pytest_swarm.domain.record import Run

HELP: Final = "choose the policy to use from runs, honest about chance"
DESCRIPTION: Final = """
Choose among the policies that runs measured: use one, keep what you do now, or measure more. Several runs are more jobs
or more repeats. The present policy is fixed where it was run, else the one single model, else best-single; --against
names another. docs/deciding.md says how the choice is made.
"""

_RECORD: Final = "markdown"
_NOTES: Final = 5  # that are printed of a run


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="directory of a run, or its events.jsonl")
    parser.add_argument(
        "--vram", metavar="SIZES", help="VRAM budgets to decide for, such as 8GB,16GB (default: all of the runs)"
    )
    parser.add_argument(
        "--by", default="score", metavar="FIGURE", help="score, utility, makespan or cost (default: score)"
    )
    parser.add_argument(
        "--max-loss",
        default="2%",
        metavar="LOSS",
        help="loss that does not matter, such as 2%% or 0.02: of score where time or cost decides, else what keeping "
        "the present policy may give up (default: 2%%)",
    )
    parser.add_argument(
        "--against", metavar="MODE", help="the policy in use now: fixed, single:TAG, or any mode that was run"
    )
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="write the policy that the decision leads to: play it with --swarm-compare=policy:FILE",
    )
    parser.add_argument(
        "--export",
        action="append",
        default=[],
        metavar="FORMAT[:PATH]",
        help=f"write that policy for another tool ({', '.join(EXPORTS)}), or as a record for a pull request "
        f"({_RECORD}); repeatable; without a path it is printed",
    )


def run(options: argparse.Namespace) -> int:
    """Print the decision at each budget."""
    from pytest_swarm.decision.criteria import parse_criterion, parse_loss
    from pytest_swarm.decision.decide import DecisionQuestion, decide_runs
    from pytest_swarm.decision.policy_writing import why_no_policy
    from pytest_swarm.report.decision_ruling import decision_lines
    from pytest_swarm.report.note_groups import grouped
    from pytest_swarm.report.wording import whole_line
    from pytest_swarm.telemetry.reader import read_run
    from pytest_swarm.units import format_gb, parse_size_gb

    sizes = () if options.vram is None else options.vram.split(",")
    question = DecisionQuestion(
        by=parse_criterion(options.by, what="--by"),
        max_loss=parse_loss(options.max_loss, what="--max-loss"),
        budgets_gb=tuple(dict.fromkeys(parse_size_gb(each, what="--vram") for each in sizes)),
        against=options.against,
    )
    exports = [_export(text) for text in options.export]
    runs = [read_run(path) for path in options.runs]
    decisions = decide_runs(runs, question)
    said: list[str] = []
    try:
        said = _write(decisions, options.policy, exports)  # before anything is printed: a reader may stop reading
    finally:
        for decision in decisions:
            print("\n".join(decision_lines(decision)))
        for each in runs:
            notes = _told(grouped(_notes(each)))
            print("".join(f"note: {each.info.run}: {whole_line(note)}\n" for note in notes), end="")
    for text in said:
        print(text, end="")
    writable = [each for each in decisions if why_no_policy(each) is None]
    if writable and not said:
        which = "" if len(decisions) == 1 else f"--vram={format_gb(writable[0].budget_gb)} "
        print(f"next: {which}--policy=policy.json writes it, {which}--export takes it to another tool")
    return 0


def _notes(run: Run) -> list[str]:
    """Return what the events of a run lack."""
    if run.complete or run.notes:
        return [*run.notes]
    return ["it did not come to its end; the jobs that ended before count"]


def _told(notes: list[str]) -> list[str]:
    """Return the first notes of a run, and how many more there are: a run can have one for each case."""
    more = len(notes) - _NOTES
    return notes if more <= 0 else [*notes[:_NOTES], f"{plural(more, 'more note')} in its report.html"]


def _export(text: str) -> tuple[str, str | None]:
    """Return format and path of a text such as `ollama:warm.sh`."""
    from pytest_swarm.errors import OptionError

    name, colon, path = text.partition(":")
    if name not in (*EXPORTS, _RECORD) or (colon and not path):
        known = ", ".join((*EXPORTS, _RECORD))
        raise OptionError(f"--export: {text!r} is not known; known are {known}, each with :PATH or without")
    return name, path or None


def _write(
    decisions: Sequence[PolicyDecision], path: Path | None, exports: Sequence[tuple[str, str | None]]
) -> list[str]:
    """Write the policy file and the exports of the one decision, all or none; return what is to be printed."""
    from pytest_swarm.decision.exports.exported_policy import export_text
    from pytest_swarm.decision.policy_writing import policy_of
    from pytest_swarm.documents import write_texts
    from pytest_swarm.errors import OptionError, PolicyError
    from pytest_swarm.report.decision_record import decision_record
    from pytest_swarm.routing.policy_file import policy_text

    if path is None and not exports:
        return []
    if len(decisions) > 1:
        raise OptionError("--policy and --export: a policy is for one VRAM budget; name it with --vram")
    policy = policy_of(decisions[0], now=datetime.now(UTC))
    fault = policy.provenance.fault
    said: list[str] = []
    files: list[tuple[str, str]] = []
    if path is not None:
        files.append((str(path), policy_text(policy)))
        doubt = "" if fault is None else f"; it cannot be used as it is: it {fault}"
        remark = "" if policy.estimates_remark is None else f"; {policy.estimates_remark}"
        said.append(f"wrote {path}: {policy.name}{doubt}{remark}\n")
    for name, target in exports:
        text = decision_record(decisions[0], policy) if name == _RECORD else export_text(policy, name)
        if target is None:
            said.append(text)
        else:
            files.append((target, text))
            said.append(f"wrote {target}\n")
    write_texts(files, PolicyError)
    if path is not None and fault is None:
        said.append(f"next: pytest --swarm-compare=policy:{path} {policy.setting} plays it\n")
    return said
