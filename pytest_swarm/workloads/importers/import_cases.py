"""What an import is to be done with: inputs of workflows from the command line, and cases from a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pytest_swarm.documents import parse_json, read_text
from pytest_swarm.errors import GraphError
from pytest_swarm.workloads.importers.flow_graphs import FlowOptions
from pytest_swarm.workloads.importers.json_values import as_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How workflows become jobs. Each of `cases` is a job with inputs of its own; none means one job."""

    flow: FlowOptions = field(default_factory=FlowOptions)
    cases: tuple[Mapping[str, str], ...] = ()

    def of_cases(self) -> tuple[FlowOptions, ...]:
        """Return the options of each job; a case's inputs come before those for all."""
        return tuple(replace(self.flow, inputs={**self.flow.inputs, **case}) for case in self.cases or ({},))


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Return NAME=VALUE texts as a table.

    Args:
        texts: The texts.
        option: The option that they were given with.

    Raises:
        GraphError: For a text without `=`.
    """
    found: dict[str, str] = {}
    for each in texts:
        name, mark, value = each.partition("=")
        if not mark or not name.strip():
            raise GraphError(f"{option} {each}: must be NAME=VALUE")
        found[name.strip()] = value
    return found


def read_cases(path: str | os.PathLike[str]) -> tuple[dict[str, str], ...]:
    """Return the cases of a JSONL file: one JSON object of inputs on each line; blank lines count for nothing.

    Raises:
        GraphError: Where the file cannot be read, has no cases, or a line is no object.
    """
    cases: list[dict[str, str]] = []
    for number, line in enumerate(read_text(path, GraphError).splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = parse_json(line, where, GraphError)
        if not isinstance(row, dict) or not row:
            raise GraphError(f'{where}: must be an object of inputs, such as {{"question": "..."}}')
        cases.append({key: as_text(value) for key, value in row.items()})
    if not cases:
        raise GraphError(f"{path}: has no cases; write one JSON object of inputs on each line")
    return tuple(cases)
