"""Loads and unloads of models."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SwitchPurpose(StrEnum):
    """What a model was loaded for, or unloaded to make room for."""

    TASK = "task"  # a task that was ready
    PREFETCH = "prefetch"  # a task that the plan has for later
    AUXILIARY = "auxiliary"  # a planner or judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A model that was loaded or unloaded, and what for: a task, a later task, or a planner or judge."""

    step: int
    model: str
    action: str  # "load" or "unload"
    started_s: float
    finished_s: float
    purpose: SwitchPurpose = SwitchPurpose.TASK
