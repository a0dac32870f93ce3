"""Sentences at the start of a run, for the header and the report: on its server, and on the policies that it plays.

Of the server: what it holds for others, tags that are one model or have weights in common, the digests of models. Of a
policy: what is other than in the runs that it was decided on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from pytest_swarm.domain.estimates_info import EstimatesChoice, EstimatesKind
from pytest_swarm.domain.run_options import RUN_OPTIONS, differing_options, flag_of, text_of
from pytest_swarm.domain.server_version import was_given_no_graph
from pytest_swarm.errors import BackendError
from pytest_swarm.plugin.options import ROWS
from pytest_swarm.routing.registry import POLICY, planning_options
from pytest_swarm.units import bytes_to_gb, format_gb

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.execution.backends import Backend
    from pytest_swarm.execution.bench import Bench
    from pytest_swarm.plugin.resources import Resources
    from pytest_swarm.routing.policy_file import PolicyFile


def one_file_remarks(backend: Backend, fleet: Fleet) -> list[str]:
    """Return a sentence for each group of tags that are one model file.

    Args:
        backend: The backend with its groups.
        fleet: The fleet, in which one tag of each group stands for all.
    """
    return [
        f"{' and '.join(group)} are one model file, which the server holds in memory once, so they are one model of the"
        f" run: {fleet[group[0]].tag}"
        for group in backend.one_file
    ]


def no_graph_remark(backend: Backend) -> list[str]:
    """Return a sentence on a simulated server that recognizes no task, so that it writes no right answer; else none.

    Args:
        backend: The backend of a server over HTTP.
    """
    from pytest_swarm.execution.server_models import PROBE_TIMEOUT_S, server_version

    if not backend.simulated or backend.host is None:
        return []
    try:
        version = server_version(backend.host, PROBE_TIMEOUT_S)
    except BackendError:  # such as one that wants an account: nothing is known of its graphs
        return []
    sentence = (
        "the simulated server was given no task graph, so it recognizes no task and answers with text that means "
        "nothing, but for requests that its profile recorded: scores say nothing; start it with `--graph FILE` of "
        "`python -m pytest_swarm serve` for each job"
    )
    return [sentence] if was_given_no_graph(version) else []


def equal_models_remark(fleet: Fleet, estimates: EstimatesChoice) -> list[str]:
    """Return a sentence on a fleet that tells no model from another by quality; none where anything tells them.

    Args:
        fleet: The fleet as the run plans with it.
        estimates: Where the estimates start.
    """
    if len(fleet) < 2 or estimates.kind is not EstimatesKind.PRIOR or any(each.capabilities for each in fleet):
        return []
    return [
        "no model of the fleet has capabilities, so all start as equally good, and most modes take the cheapest; say "
        "in the fleet file what you expect of each ([model.capabilities]), or give --swarm-estimates"
    ]


def same_weights_remarks(fleet: Fleet) -> list[str]:
    """Return a sentence on the models of a fleet that are one in VRAM; none where there are none."""
    groups = [[holder, *(tag for tag in fleet.tags if fleet.sharers.get(tag) == holder)] for holder in fleet.tags]
    named = "; ".join(" and ".join(group) for group in groups if len(group) > 1)
    sentence = (
        f"of the same weights: {named}. The server holds them in memory once, so VRAM and loads are planned and "
        "counted once, under the first name"
    )
    return [sentence] if named else []


def apart_remarks(bench: Bench, fleet: Fleet) -> list[str]:
    """Return a sentence on the models of the same weights that the run takes for models of their own; none without.

    Args:
        bench: The bench of the server.
        fleet: The fleet as the run plans with it.
    """
    files = [dict.fromkeys(bench.fleet[tag].tag for tag in group) for group in bench.backend.of_weights]
    own = [[tag for tag in group if tag not in fleet.sharers] for group in files]
    named = "; ".join(" and ".join(group) for group in own if len(group) > 1)
    why = (
        "because they have another num_ctx, adapter or launch parameter, for which the server loads again"
        if fleet.sharers == bench.fleet.sharers
        else "because measured answers are played so"
    )
    sentence = (
        f"of the same weights: {named}. The server holds them in memory once at most, but the run plans and counts "
        f"them as models of their own, {why}; for true figures of VRAM and loads, give a fleet one of them"
    )
    return [sentence] if named else []


def foreign_remark(bench: Bench, others: Iterable[str], *, budgets_gb: Iterable[float], free: float | str) -> list[str]:
    """Return a sentence on the resident models that are not of the run, or none where there are none.

    Args:
        bench: The bench, which asks the server.
        others: Further tags of the run: planner and judge.
        budgets_gb: The budgets of the run in GB.
        free: The VRAM in GB that the run may use beside them, or why it is not measured.
    """
    from pytest_swarm.execution.restoration import foreign_models  # only then, because it imports the client

    own = (*bench.fleet.tags, *bench.fleet.merged_tags, *bench.fleet.outside, *others)
    try:
        resident = bench.resident_now()
    except BackendError:  # the first case reports a server that does not answer
        return []
    foreign = foreign_models(resident, own)
    if not foreign:
        return []
    rows = ", ".join(f"{each.tag} ({format_gb(bytes_to_gb(each.size_bytes))})" for each in foreign)
    sentence = f"resident on the server and not of this run: {rows}"
    if isinstance(free, str):
        return [f"{sentence}. What is left beside them is not measured ({free}), so the budget must fit there"]
    too_large = [format_gb(each) for each in sorted(budgets_gb) if each > free]
    if not too_large:
        return [f"{sentence}. Beside them {format_gb(free)} of VRAM are left, and each budget fits there"]
    return [
        f"{sentence}. Beside them only {format_gb(free)} of VRAM are left, less than {', '.join(too_large)}: the"
        f" server will evict or spill; give --swarm-vram={free:g}GB, or unload them"
    ]


def unread_remarks(resources: Resources) -> list[str]:
    """Return a sentence for each option of the command line that no mode of the run reads; a policy may read any.

    Args:
        resources: Modes and settings of the session.
    """
    modes, settings = resources.collected.modes, resources.settings
    read = {name for mode in modes for name in planning_options(mode)}
    typed = (row for row in ROWS if row.dest in settings.given and settings.name_of(row) == row.flag)
    return [
        f"no mode of this run reads {row.flag}={settings.given[row.dest]}, as {' or '.join(readers)} would; add such a "
        "mode, or leave the option out"
        for row in typed
        if row.dest not in read and (readers := RUN_OPTIONS[row.dest].read_by)
    ]


def fleet_digests(resources: Resources) -> dict[str, str]:
    """Return the digests of the fleet's models by tag: on a real server, or of the answers that are played.

    Empty for a simulated server in this process, whose models are no files, and for a server that does not answer.
    """
    fleet, measuring = resources.fleet, resources.measuring
    if measuring is not None:
        in_process = measuring.inner is not None and measuring.inner.simulated and not measuring.inner.live
        models = () if in_process else measuring.known.models.values()
        return {fleet[model.tag].tag: model.digest for model in models if model.tag in fleet}
    if not resources.backend.live:
        return {}
    try:
        listed = resources.bench.installed_now()
    except BackendError:  # the cases themselves report a server that does not answer
        return {}
    return {fleet[each.tag].tag: each.digest for each in listed if each.digest and each.tag in fleet}


def policy_remarks(resources: Resources, given: Mapping[str, str]) -> list[str]:
    """Return a sentence for each thing that makes a policy of the run play otherwise than it was decided.

    Args:
        resources: Fleet, estimates and server of the session.
        given: The text of each option that somebody gave.
    """
    digests = resources.model_digests  # asked now, where no case runs: the run's description needs them too
    paths = sorted(mode.removeprefix(POLICY) for mode in resources.collected.modes if mode.startswith(POLICY))
    if not paths:
        return []
    from pytest_swarm.routing.policy import policy_path
    from pytest_swarm.routing.policy_changes import changed_figures, changed_models
    from pytest_swarm.routing.policy_file import read_policy

    remarks: list[str] = []
    for path in paths:
        policy = read_policy(policy_path(path, resources.inputs.folder))
        found = [
            *_faults(policy),
            *(changed_models(policy, digests.items()) if digests else ()),
            *changed_figures(policy, resources.planned_fleet),
            *_weights(policy, given),
            *_estimates(policy, given),
            *_options(policy, given),
        ]
        remarks += [f"policy {path}: {each}" for each in found]
    return remarks


def _faults(policy: PolicyFile) -> Iterator[str]:
    if policy.provenance.fault is not None:
        yield f"it cannot be used as it is: in the runs of its decision it {policy.provenance.fault}"


def _weights(policy: PolicyFile, given: Mapping[str, str]) -> Iterator[str]:
    """Yield that a policy plans by weights of its own, where the other modes of the run have others."""
    weights = policy.weights
    for name, own in (("token", weights.token), ("switch", weights.switch), ("latency", weights.latency)):
        option = f"swarm_lambda_{name}"
        if any(float(each) != own for each in text_of(option, given).split(",")):
            yield f"its own {flag_of(option)}={own:g} holds for it, not that of the run"


def _estimates(policy: PolicyFile, given: Mapping[str, str]) -> Iterator[str]:
    """Yield that a policy starts and learns by its own file, where the other modes of the run do otherwise."""
    source, here = policy.estimates_from, text_of("swarm_estimates", given)
    learning = None if policy.learning is None else "on" if policy.learning else "off"
    remark = policy.estimates_remark
    if remark is not None:
        yield remark
    elif source != here:
        yield f"it starts from its own estimates ({source}), the other modes from --swarm-estimates={here}"
    if learning is not None and learning != text_of("swarm_learning", given):
        yield f"its own --swarm-learning={learning} holds for it, not that of the run"


def _options(policy: PolicyFile, given: Mapping[str, str]) -> Iterator[str]:
    """Yield the options that change how a mode plans and are other than in the runs of the decision."""
    if policy.learning is None:  # written by an earlier version, which did not keep them
        return
    for name, was, now in differing_options(policy.options, given, names=planning_options(policy.mode)):
        yield f"it was decided with {flag_of(name)}={was}, and this run has {now}"
