"""Texts of an agent workflow as prompts: places for answers become placeholders, places for inputs get their values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pytest_swarm.domain.placeholders import escaped, placeholder
from pytest_swarm.workloads.importers.agent_flow import (
    BETWEEN,
    Conversation,
    FlowInput,
    LlmStep,
    Part,
    Parts,
    StepAnswer,
    plain,
)
from pytest_swarm.workloads.importers.flow_unrolling import Copy

MAX_SHOWN_CHARS: Final = 60  # of an expression


_SPEAKERS: Final[Mapping[str, str]] = {"user": "Human", "assistant": "Assistant"}


@dataclass(slots=True)
class FlowTexts:
    """Texts of steps with their places filled, and a record of the inputs.

    Attributes:
        inputs: The values of inputs, by name.
        ids: The copies of the steps, each after those that come before it, with the IDs of their tasks.
        steps: The steps by their nodes.
    """

    inputs: Mapping[str, str]
    ids: Mapping[Copy, str]
    steps: Mapping[str, LlmStep]
    used: set[str] = field(default_factory=set)
    known: dict[str, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)
    empty: dict[str, None] = field(default_factory=dict)
    not_before: dict[str, None] = field(default_factory=dict)
    _rounds: dict[str, list[Copy]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._rounds = defaultdict(list)
        for copy in self.ids:
            self._rounds[copy[0]].append(copy)

    def fill(self, parts: Parts, own: LlmStep, before: set[Copy]) -> str:
        """Return the text, with placeholders for answers of steps in `before`; all else is sent to the letter.

        Args:
            parts: The text.
            own: The step that it belongs to.
            before: The steps that come before.
        """
        text, literal, skips = "", "", False
        for part in self._chosen(parts, before):
            if skips and part == BETWEEN:
                skips = False
                continue
            placed: str | None = None
            if isinstance(part, Conversation):
                placed = self._conversation(part, own, before)
                is_dropped = not placed and not part.is_transcript
                skips = is_dropped and not (text + literal)
                literal = literal.removesuffix(BETWEEN) if is_dropped else literal
            elif isinstance(part, StepAnswer):
                placed = self._answer(part, before)
                literal += self._not_before(part) if placed is None else ""
            else:
                literal += part if isinstance(part, str) else self._input(part)
            if placed:
                text, literal = f"{text}{escaped(literal)}{placed}", ""
        return text + escaped(literal)

    def _answer(self, part: StepAnswer, before: set[Copy]) -> str | None:
        """Return the placeholder of the first candidate that comes before; None where none does."""
        for step, path in part.candidates:
            copies = [copy for copy in self._rounds.get(step, ()) if copy in before]
            if copies:
                return placeholder(self.ids[max(copies)], tuple(map(plain, path)))
        return None

    def _conversation(self, part: Conversation, own: LlmStep, before: set[Copy]) -> str:
        """Return what was said before a step of a workflow: of the workflows that this one calls, only the results."""
        inside = [copy for copy in self.ids if copy in before and copy[0].startswith(part.scope)]
        said = [each for each in inside if self.steps[each[0]].is_last or "/" not in each[0][len(part.scope) :]]
        if (said and not part.recalls) or (not said and part.is_transcript):
            return ""
        first = self.steps[said[0][0]] if said else own
        turns: list[tuple[str, str]] = [("user", self.fill(first.opening, first, before.difference(inside)))]
        turns += [(role, placeholder(self.ids[copy])) for copy in said if (role := self.steps[copy[0]].speaks_as)]
        turns = [(role, text) for role, text in turns if text.strip()][-1 if part.is_last else 0 :]
        if part.is_transcript:
            return "\n".join(f"{_SPEAKERS[role]}: {text}" for role, text in turns)
        has_roles = part.has_roles or any(role != "user" for role, _ in turns)
        return BETWEEN.join(f"{role}: {text}" if has_roles else text for role, text in turns)

    def _chosen(self, parts: Parts, before: set[Copy]) -> Iterator[Part]:
        """Yield the parts of a text; for an answer that does not come before, what is taken in its place."""
        for part in parts:
            if isinstance(part, StepAnswer) and part.default is not None and self._answer(part, before) is None:
                yield from self._chosen(part.default, before)
            else:
                yield part

    def _not_before(self, part: StepAnswer) -> str:
        self.not_before[" ".join(part.raw.split())[:MAX_SHOWN_CHARS]] = None
        return part.raw

    def _input(self, part: FlowInput) -> str:
        self.known[part.names[0]] = None
        for name in part.names:
            if name in self.inputs:
                self.used.add(name)
                return self.inputs[name]
        if part.default is not None:
            return part.default
        if part.is_optional and self.inputs:
            self.empty[part.names[0]] = None
            return ""
        self.missing[part.names[0]] = None
        return part.raw

    def losses(self) -> Iterator[str]:
        """Yield what is to be said about the inputs."""
        if self.missing:
            names = ", ".join(self.missing)
            yield f"inputs without a value stay as written: {names}; give them with --input NAME=VALUE"
        if self.empty:
            yield f"optional inputs without a value are empty: {', '.join(self.empty)}"
        if self.not_before:
            yield f"answers of steps that do not come before stay as written: {', '.join(self.not_before)}"
        if unused := [name for name in self.inputs if name not in self.used]:
            inputs = f"its inputs are {', '.join(self.known)}" if self.known else "it has no inputs"
            yield f"no prompt uses the input {', '.join(unused)}; {inputs}"
