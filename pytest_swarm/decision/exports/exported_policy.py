"""What the files of all formats have in common: the models in them, and comments on what they are and cannot say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final, NamedTuple

import yaml

from pytest_swarm.decision.exports import EXPORTS, ExportFormat
from pytest_swarm.decision.exports.resident_sets import models_to_export, resident_sets, types_of_models
from pytest_swarm.errors import PolicyError
from pytest_swarm.metrics.figures_origin import FiguresMark, FiguresOrigin
from pytest_swarm.routing.policy_file import PolicyFile, PolicyModel
from pytest_swarm.routing.registry import built_in, mode_name
from pytest_swarm.units import format_gb

_RULINGS: Final[Mapping[str, str]] = {
    "use": "use it",
    "keep": "keep it",
    "unusable": "nothing better, but it cannot be used",
    "unknown": "cannot tell, so what is used now stays",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedPolicy:
    """A policy with its models in use, the types that each was given most often, and the sets that fit together."""

    policy: PolicyFile
    models: tuple[PolicyModel, ...]
    types: Mapping[str, tuple[str, ...]]
    sets: tuple[tuple[PolicyModel, ...], ...]

    def check_names(self, export: str, meaning: Callable[[str, str], str | None]) -> None:
        """Raise PolicyError for a name that the tool would take for something else.

        Args:
            export: The format, for the message.
            meaning: From "model" or "type" and a name to what the tool takes it for; None where it is a name.
        """
        kinds = (("type", kind) for model in self.models for kind in self.types[model.name])
        for what, name in (*(("model", model.name) for model in self.models), *kinds):
            if (taken_for := meaning(what, name)) is not None:
                raise PolicyError(f"export {export}: {what} {name!r} is {taken_for} there; rename the {what}")


class ExportedText(NamedTuple):
    """A file below its comments; `usage` says in them how to use it, `lacking` what else it does not express."""

    body: str
    usage: tuple[str, ...]
    lacking: tuple[str, ...]


def export_text(policy: PolicyFile, name: str) -> str:
    """Return the file of a policy in a format.

    Args:
        policy: The policy.
        name: The format, as in `EXPORTS`.

    Raises:
        PolicyError: A model does not fit the budget, or the tool would take a name for something else.
    """
    to = EXPORTS[name]
    exported = ExportedPolicy(
        policy=policy,
        models=models_to_export(policy, export=to.name, one_copy=to.one_copy),
        types=types_of_models(policy),
        sets=resident_sets(policy, one_copy=to.one_copy),
    )
    made: ExportedText = import_module(f"{__package__}.{to.module}").write(exported)
    lines = (*_heading(policy, to), "", *made.usage, "", *_not_expressed(policy, to.tool), *made.lacking)
    return to.first_line + comments(lines) + made.body


def _heading(policy: PolicyFile, to: ExportFormat) -> list[str]:
    """Return what a file is, where it comes from, and how sure its figures are."""
    source = policy.provenance
    jobs = f"{source.jobs} jobs" + (f" in {source.families} families" if source.families is not None else "")
    lines = [
        f"{to.tool} {to.file} from the pytest-swarm policy {policy.name}, budget {format_gb(policy.vram_budget_gb)}.",
        f"Decided on {source.written} from {jobs} of {', '.join(run.run for run in source.runs) or '-'} "
        f"(ruling: {_RULINGS.get(source.ruling, source.ruling)}).",
    ]
    if source.against_assumed:
        lines.append(f"Compared with {source.against}, which was assumed: no mode of the runs says what is done now.")
    if source.cut_off_remark is not None:
        lines.append(f"INCOMPLETE: {source.cut_off_remark}")
    if source.fault is not None:
        lines.append(f"IT CANNOT BE USED AS IT IS: in the runs it {source.fault}.")
    if policy.estimates_remark is not None and not policy.rule_over_types:
        lines.append(f"For load_policy and mode policy:FILE: {policy.estimates_remark}.")
    if source.simulated:
        lines.append("SIMULATED: no model was run; measure on your own server before you rely on it.")
    elif source.figures is not None:
        mark = FiguresMark(
            origin=FiguresOrigin(source.figures), verified=source.verified_cases, off=source.makespan_off
        )
        lines += [mark.sentence] if mark.sentence else []
    return lines


def _not_expressed(policy: PolicyFile, tool: str) -> list[str]:
    """Return what no static file can say: how the policy looks at what is resident and at what comes next."""
    lines = [f"Not expressed, because {tool} has no place for it:"]
    if policy.rule_over_types:
        return [*lines, "- the order of tasks; mode policy:FILE and load_policy keep it."]
    row = built_in(policy.mode)
    played = "load_policy chooses as measured."
    if row is not None and "planner" in row.needs:
        played = "Only mode policy:FILE in a run asks its planner; load_policy cannot."
    given = "types are given to the model that they were given most often"
    return [*lines, f"- {mode_name(policy.mode)} decides anew at each step; {given}. {played}"]


def comments(lines: Iterable[str]) -> str:
    """Return the lines as comments of YAML and shell; what would break a line, or is not printable, as its code."""
    return "".join(f"# {''.join(map(_printable, line))}".rstrip() + "\n" for line in lines)


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def yaml_text(document: object) -> str:
    """Return a document as YAML in ASCII, keys in their order."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=False, width=10_000, default_flow_style=False))
