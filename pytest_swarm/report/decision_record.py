"""The decision as a record for a pull request, in Markdown: the sentence, the table, its basis, and the policy."""

from __future__ import annotations

from pytest_swarm.decision.decide import PolicyDecision
from pytest_swarm.decision.exports.resident_sets import resident_sets, types_of_models
from pytest_swarm.report.decision_ruling import decision_details, decision_sentence
from pytest_swarm.report.decision_text import left_out, table_head, table_rows
from pytest_swarm.report.markdown_text import inert, markdown_table
from pytest_swarm.report.wording import one_line
from pytest_swarm.routing.policy_file import PolicyFile
from pytest_swarm.units import format_gb


def decision_record(decision: PolicyDecision, policy: PolicyFile) -> str:
    """Return the text of the record.

    Args:
        decision: The decision.
        policy: The policy that it leads to.
    """
    lines = [f"# Routing policy at {format_gb(decision.budget_gb)}", ""]
    lines += [f"**{_plain(decision_sentence(decision))}**", "", *map(_plain, decision_details(decision))]
    lines += ["", *markdown_table(table_head(decision), table_rows(decision)), ""]
    lines += [f"- Left out: {_plain(each)}." for each in left_out(decision)]
    lines += ["", f"## The policy: {_plain(policy.name)}", ""]
    lines += markdown_table(
        ("model", "VRAM", "types that it is given most often"),
        [
            (model.name, format_gb(model.vram_gb), ", ".join(types) or "-")
            for model, types in zip(policy.models, types_of_models(policy).values(), strict=True)
        ],
        left=3,
    )
    together = "; ".join(" + ".join(model.name for model in each) for each in resident_sets(policy))
    lines += ["", f"Resident together within the budget: {_plain(together or 'none of its models')}.", ""]
    weights, source = policy.weights, policy.provenance
    if source.fault is not None:
        lines += [
            f"**It cannot be used at {format_gb(decision.budget_gb)}: in the runs it {_plain(source.fault)}.**",
            "",
        ]
    if source.cut_off_remark is not None:
        lines += [f"**Incomplete: {_plain(source.cut_off_remark)}**", ""]
    if policy.estimates_remark is not None:
        lines += [f"Of the policy file: {_plain(policy.estimates_remark)}.", ""]
    runs = ", ".join(f"{run.run} ({run.digest[:12]})" for run in source.runs)
    lines += [
        f"Weights: token {weights.token:g}, switch {weights.switch:g}, latency {weights.latency:g}. "
        f"Runs: {_plain(runs)}. Server: {_plain(source.backend)}. Written {source.written} by pytest-swarm "
        f"{_plain(source.tool_version)}.",
    ]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Return foreign text so that Markdown shows it as it is, on one line."""
    return inert(one_line(text, 2000))
