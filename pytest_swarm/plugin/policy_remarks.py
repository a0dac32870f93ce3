"""Sentences at the start of a run on its policy files: what is other than in the runs that they were decided on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pytest_swarm.routing.registry import POLICY

if TYPE_CHECKING:
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.routing.policy_file import PolicyFile


def policy_remarks(resources: Resources, given: Mapping[str, str]) -> list[str]:
    """Return a sentence for each thing that makes a policy of the run play otherwise than it was decided.

    Args:
        resources: Fleet, estimates and server of the session.
        given: The text of each option that somebody gave.
    """
    digests = resources.model_digests  # asked now, where no case runs: the run's description needs them too
    paths = sorted(mode.removeprefix(POLICY) for mode in resources.modes if mode.startswith(POLICY))
    if not paths:
        return []
    from pytest_swarm.routing.policy import policy_path
    from pytest_swarm.routing.policy_changes import changed_figures, changed_models
    from pytest_swarm.routing.policy_file import read_policy

    remarks: list[str] = []
    for path in paths:
        policy = read_policy(policy_path(path, resources.folder))
        found = [
            *_faults(policy),
            *(changed_models(policy, digests.items()) if digests else ()),
            *changed_figures(policy, resources.fleet),
            *_estimates(policy, given),
            *_options(policy, given),
        ]
        remarks += [f"policy {path}: {each}" for each in found]
    return remarks


def _faults(policy: PolicyFile) -> Iterator[str]:
    if policy.provenance.fault is not None:
        yield f"it cannot be used as it is: in the runs of its decision it {policy.provenance.fault}"


def _estimates(policy: PolicyFile, given: Mapping[str, str]) -> Iterator[str]:
    """Yield that a policy starts and learns by its own file, where the other modes of the run do otherwise."""
    source, here = policy.estimates_from, given.get("swarm_estimates", "prior")
    learning = None if policy.learning is None else "on" if policy.learning else "off"
    remark = policy.estimates_remark
    if remark is not None:
        yield remark
    elif source != here:
        yield f"it starts from its own estimates ({source}), the other modes from --swarm-estimates={here}"
    if learning is not None and learning != given.get("swarm_learning", "on"):
        yield f"its own --swarm-learning={learning} holds for it, not that of the run"


def _options(policy: PolicyFile, given: Mapping[str, str]) -> Iterator[str]:
    """Yield the options that change how a mode plans and are other than in the runs of the decision."""
    from pytest_swarm.gate.shards import DEFAULTS

    if policy.learning is None:  # written by an earlier version, which did not keep them
        return
    from pytest_swarm.decision.policy_writing import planning_options

    for name in sorted(planning_options(policy.mode)):
        default = DEFAULTS[name]
        was, now = policy.options.get(name, default), given.get(name, default)
        if was != now:
            yield f"it was decided with --{name.replace('_', '-')}={was}, and this run has {now}"
