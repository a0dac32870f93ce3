"""Sentences about a server at the start of a run: what it holds for others, and tags that are one model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_swarm.errors import BackendError
from pytest_swarm.units import bytes_to_gb, format_gb

if TYPE_CHECKING:
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.execution.backends import Backend
    from pytest_swarm.execution.bench import Bench
    from pytest_swarm.plugin.resources import Resources


def one_file_remarks(backend: Backend, fleet: Fleet) -> list[str]:
    """Return a sentence for each group of tags that are one model file.

    Args:
        backend: The backend with its groups.
        fleet: The fleet, in which one tag of each group stands for all.
    """
    return [
        f"{' and '.join(group)} are one model file, which the server holds in VRAM once, so they are one model of the"
        f" run: {fleet[group[0]].tag}"
        for group in backend.one_file
    ]


def foreign_remark(bench: Bench, others: Iterable[str], *, budgets_gb: Iterable[float], free: float | str) -> list[str]:
    """Return a sentence on the resident models that are not of the run, or none where there are none.

    Args:
        bench: The bench, which asks the server.
        others: Further tags of the run: planner and judge.
        budgets_gb: The budgets of the run in GB.
        free: The VRAM in GB that the run may use beside them, or why it is not measured.
    """
    from pytest_swarm.execution.restoration import foreign_models  # only then, because it imports the client

    own = (*bench.fleet.tags, *bench.fleet.merged_tags, *others)
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


def fleet_digests(resources: Resources) -> dict[str, str]:
    """Return the digests of the fleet's models by tag: on a real server, or of the answers that are played.

    Empty for a simulated server in this process, whose models are no files, and for a server that does not answer.
    """
    fleet, measuring = resources.fleet, resources.measuring
    if measuring is not None:
        in_process = measuring.inner is not None and measuring.inner.simulated
        models = () if in_process else measuring.known.models.values()
        return {fleet[model.tag].tag: model.digest for model in models if model.tag in fleet}
    if not resources.backend.live:
        return {}
    try:
        listed = resources.bench.installed_now()
    except BackendError:  # the cases themselves report a server that does not answer
        return {}
    return {fleet[each.tag].tag: each.digest for each in listed if each.digest and each.tag in fleet}
