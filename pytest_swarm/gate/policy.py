"""What a gate holds, and what its verdicts do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.gate.baseline import BaselineCase
from pytest_swarm.gate.verdicts import Rule

Incomparable: TypeAlias = Literal["warn", "fail", "ignore"]
Inconclusive: TypeAlias = Literal["pass", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the gate holds, and what its verdicts do. `rules` are those of tests with a marker, by the test's name.

    `sequential`: repeats were added only while a case was undecided, so tests must hold at any time.
    """

    default: Rule
    rules: Mapping[str, Rule] = field(default_factory=dict)
    incomparable: Incomparable = "warn"
    inconclusive: Inconclusive = "warn"
    sequential: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", MappingProxyType(dict(self.rules)))

    def rule_of(self, case: BaselineCase) -> Rule:
        """The rule of a case: that of its test, else the default."""
        name = base_node_id(case.samples[0].test) if case.samples else ""
        return self.rules.get(name, self.default)
