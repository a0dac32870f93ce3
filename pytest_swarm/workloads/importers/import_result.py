"""What became of an import: what was taken, what was refused, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedGraph:
    """Something that was not taken: where it stands, and the reason in one sentence."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedGraph:
    """A graph that was taken: where it stood, its name, its size, and the file that holds it now."""

    source: str
    graph: str
    tasks: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """All that an import took and refused, in the order of the files."""

    taken: tuple[ImportedGraph, ...]
    refused: tuple[RefusedGraph, ...]

    def text(self) -> str:
        """One line per graph, then the counts."""
        lines = [f"{each.path}: {each.graph}, {each.tasks} tasks, from {each.source}" for each in self.taken]
        lines += [f"refused: {each.source}: {each.reason}" for each in self.refused]
        return "\n".join([*lines, f"{len(self.taken)} graphs imported, {len(self.refused)} refused"])
