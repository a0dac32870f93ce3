"""The kinds of reports and where they go, known before any is written: it imports none of what writes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pytest_swarm.errors import OptionError
from pytest_swarm.telemetry import EVENTS_FILE

KINDS: Final = ("html", "json", "jsonl", "csv", "md", "md-append")
FOR_PEOPLE: Final = frozenset({"html", "md", "md-append"})
"""Kinds that show the intervals of the decisions; the others, which programs read, keep those of the comparisons."""
_NAMES: Final = {"html": "report.html", "json": "report.json", "jsonl": EVENTS_FILE, "md": "report.md"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One requested report: its kind, and where it goes (None = into the run's folder)."""

    kind: str
    path: Path | None = None

    def target(self, folder: Path) -> Path:
        """Return the file (for csv by default a folder) that it goes to."""
        return self.path or folder / _NAMES.get(self.kind, "")


def parse_output(text: str, *, what: str) -> Output:
    """Return the output of `html`, `json:out/report.json` or `md-append:$GITHUB_STEP_SUMMARY`.

    Args:
        text: A kind, or a kind and a path. Variables of the environment are expanded in the path.
        what: The option, as an error names it.

    Raises:
        OptionError: There is no such kind, or `md-append` has no file.
    """
    kind, _, path = text.partition(":")
    if kind not in KINDS:
        raise OptionError(f"{what}: unknown type {kind!r}; known are {', '.join(KINDS)}")
    if kind == "md-append" and not path:
        raise OptionError(f"{what}: md-append needs a file, such as md-append:$GITHUB_STEP_SUMMARY")
    return Output(kind=kind, path=Path(os.path.expandvars(path)).expanduser() if path else None)


def check_apart(outputs: Iterable[Output], *, what: str, others: Mapping[str, Path] = MappingProxyType({})) -> None:
    """Raise OptionError where reports of two kinds go to one file, of which the later one would replace the other.

    Args:
        outputs: The reports that are asked for.
        what: The option, as an error names it.
        others: The files that other options name, which no report may replace either, by the option.
    """
    kinds = {Path(os.path.normpath(path.absolute())): option for option, path in others.items()}
    for output in outputs:
        if output.path is None:
            continue
        kind = kinds.setdefault(Path(os.path.normpath(output.path.absolute())), output.kind)
        if kind != output.kind:
            raise OptionError(f"{what}: {kind} and {output.kind} both go to {output.path}; give each a file of its own")
