"""Of several values that an expression of n8n may stand for: the surest, all of them, one of a list, or one place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from pytest_swarm.workloads.importers.agent_flow import BETWEEN, FlowInput, Parts, StepAnswer, joined

_CERTAIN: Final = 3


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """What a field of an item is, and how sure it is that the item has it: 0 not, 1 hardly, 2 perhaps, 3 certainly."""

    rank: int
    parts: Parts = field(compare=False)


def surest(found: list[Found], raw: str) -> Found:
    """Return what is most certainly there; of several answers, one place for the first step that comes before.

    Args:
        found: What the field is by each way.
        raw: What stood in its place.
    """
    best = max(found)
    equal = [each for each in found if each.rank == best.rank]
    if best.rank < _CERTAIN:  # what code is given may be a text that has no such field at all
        equal.sort(key=lambda each: all(isinstance(part, str) for part in each.parts))
    return Found(best.rank, alternatives([each.parts for each in equal], raw, None) or equal[0].parts)


def all_of(found: list[Found]) -> Found | None:
    """Return what all inputs certainly or perhaps have, one behind the other; None where nothing of it is known."""
    known = [each for each in found if each.rank >= min(2, max(found).rank) and not _is_input(each.parts)]
    return Found(max(known).rank, joined(dict.fromkeys(each.parts for each in known))) if known else None


def item_of(found: Found, index: tuple[str, ...]) -> Found:
    """Return the item of a collected list that an index asks for; all of them without one, or where there are less.

    Args:
        found: The items of the list, one behind the other.
        index: The next key of the path.
    """
    marks = [at for at, part in enumerate(found.parts) if part == BETWEEN]
    items = [found.parts[first:end] for first, end in zip((0, *(at + 1 for at in marks)), (*marks, None), strict=True)]
    number = int(index[0][:6]) if index and index[0].isdecimal() else len(items)
    return replace(found, parts=items[number]) if number < len(items) else found


def _is_input(parts: Parts) -> bool:
    return len(parts) == 1 and isinstance(parts[0], FlowInput)


def alternatives(resolved: list[Parts], raw: str, default: str | None) -> Parts:
    """Return `a || b` as one place, for the first that has a value; nothing where they are not places of one kind.

    Args:
        resolved: What each of them stands for.
        raw: What stood in their place.
        default: The text that is taken last; None without one.
    """
    parts = [each[0] for each in resolved if len(each) == 1]
    answers = [part for part in parts if isinstance(part, StepAnswer)]
    parts += [part for answer in answers for part in answer.default or ()]  # what is taken before the first of them ran
    inputs = [part for part in parts if isinstance(part, FlowInput)]
    if answers:
        candidates = tuple(dict.fromkeys(pair for answer in answers for pair in answer.candidates))
        usual = next((part for part in parts if isinstance(part, str)), default)
        others = [_with_default(each, usual) for each in inputs]
        otherwise: Parts = (*others[:1],) if others or usual is None else (usual,)
        return (StepAnswer(candidates=candidates, raw=raw, default=otherwise or None),)
    if inputs and len(inputs) == len(resolved):
        known = next((each.default for each in inputs if each.default is not None), default)
        names = tuple(dict.fromkeys(name for each in inputs for name in each.names))
        sources = {each.source for each in inputs}
        source = sources.pop() if len(sources) == 1 else None
        is_optional = all(each.is_optional for each in inputs)
        return (_with_default(FlowInput(names=names, raw=raw, source=source, is_optional=is_optional), known),)
    return next((each for each in resolved if each), ()) if default is not None else ()


def _with_default(place: FlowInput, default: str | None) -> FlowInput:
    """Return an input with what is taken without a value of it; one that may be empty, as by `|| ""`, is optional."""
    if place.default is not None:
        return place
    return replace(place, default=default or None, is_optional=place.is_optional or default == "")
