"""What is other than when a policy was decided: models that are missing or have changed, figures of the fleet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pytest_swarm.domain.limits import short_digests
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.model_names import full_tag
from pytest_swarm.errors import PolicyError
from pytest_swarm.routing.policy_file import MODEL_FIELDS, PolicyFile

_SAME: Final = 1e-9  # of two qualities: what is below it is rounding


def fleet_fault(policy: PolicyFile, fleet: Fleet, *, where: str) -> str | None:
    """Return the sentence that says which model a fleet lacks, or has beyond the policy's; None where they agree.

    Args:
        policy: The policy.
        fleet: The models on offer.
        where: How the sentence names the policy.
    """
    own = policy.fleet
    missing = [tag for tag in own.tags if tag not in fleet]
    if missing:
        return f"{where}: the fleet {fleet.name!r} has no model {missing[0]!r}; it has {', '.join(fleet.tags)}"
    further = [tag for tag in fleet.tags if tag not in own]
    if further:
        return (
            f"{where}: the fleet {fleet.name!r} has model {further[0]!r}, among which the policy was not chosen; "
            f"leave it out or decide anew"
        )
    return None


def model_digests(
    installed: Mapping[str, str | None] | Iterable[tuple[str, str | None]], *, where: str
) -> Iterable[tuple[str, str | None]]:
    """Return tags with digests that a caller gave.

    Args:
        installed: A mapping, or a list of pairs.
        where: How the message begins.

    Raises:
        PolicyError: It is neither of them.
    """
    try:
        pairs = dict(installed)
        valid = all(isinstance(tag, str) and isinstance(digest, str | None) for tag, digest in pairs.items())
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise PolicyError(
            f"{where}: {installed!r:.80} has no tags with digests; give a mapping, such as "
            "{'gemma2:2b': 'sha256:...'}, or a list of pairs"
        )
    return pairs.items()


def changed_models(policy: PolicyFile, installed: Iterable[tuple[str, str | None]]) -> tuple[str, ...]:
    """Return a sentence for each model that a server lacks, or has with another digest than when it was measured.

    Args:
        policy: The policy.
        installed: Tag and digest of the models of the server.
    """
    digests = {full_tag(tag): digest for tag, digest in installed}
    found: list[str] = []
    for model in policy.models:
        if full_tag(model.name) not in digests:
            found.append(f"model {model.name} is not installed; pull it, or decide anew without it")
            continue
        now = digests[full_tag(model.name)]
        if now is not None and model.digest is not None and now != model.digest:
            digest, was = short_digests(now, model.digest)
            found.append(
                f"model {model.name} is another one (digest {digest}) than when it was measured ({was}); "
                "measure and decide anew"
            )
    return tuple(found)


def _figures(fleet: Fleet, model: Model) -> dict[str, float | str | None]:
    """Return the figures of a model that change plans. Its priors do not: a policy has estimates of its own."""
    others = (each for each in fleet.tags if each != model.tag and fleet.holder(each) == fleet.holder(model.tag))
    return MODEL_FIELDS.of(model) | {"shares_with": " and ".join(sorted(others)) or None}


def changed_figures(policy: PolicyFile, fleet: Fleet) -> tuple[str, ...]:
    """Return a sentence that names the figures of a fleet that are other than those of the decision; none without.

    Args:
        policy: The policy.
        fleet: The models on offer, those of the policy among them.
    """
    found: list[str] = []
    priors: list[str] = []
    own = policy.fleet
    for model in own:
        was, now = _figures(own, model), _figures(fleet, fleet[model.tag])
        found += [
            f"{name} of {model.tag} is {now[name]} instead of {was[name]}" for name in was if was[name] != now[name]
        ]
        believed = {kind: fleet[model.tag].capability(kind) for kind in model.capabilities}
        if policy.estimates_from == "prior" and any(
            abs(model.capability(kind) - believed[kind]) > _SAME for kind in believed
        ):
            priors.append(model.tag)
    if dict(fleet.assign) != dict(policy.assign):
        found.append("[assign] is another one")
    sentences = [f"the fleet is not that of its decision, so its plans may differ: {', '.join(found)}"] if found else []
    if priors:
        sentences.append(f"the fleet has other priors for {', '.join(priors)}, and the policy keeps its own")
    return tuple(sentences)
