"""Baseline files: raw samples of a run, sorted and one to a line, so that a diff shows which case moved.

Schema `swarm-baseline/1`. A sample is one completed job; a case is all samples of one graph, mode, horizon and budget.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.graph import HorizonDepth
from pytest_swarm.errors import BaselineError
from pytest_swarm.fields import Fields, Json
from pytest_swarm.gate.run_context import RunContext, decode_circumstances, encode_circumstances
from pytest_swarm.metrics.measured_jobs import horizon_order, mode_order
from pytest_swarm.metrics.metric_table import GATE_METRICS

SCHEMA: Final = "swarm-baseline/"
VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a case is run as, whatever its graph holds: a changed graph of the same setup is a changed case."""

    job: str
    mode: str
    horizon: HorizonDepth
    vram_budget_gb: float

    @property
    def label(self) -> str:
        """`wb1 [lp-h3-8GB]`."""
        from pytest_swarm.domain.record import CaseKey

        return f"{self.job} [{CaseKey(mode=self.mode, horizon=self.horizon, vram_budget_gb=self.vram_budget_gb).label}]"

    @property
    def order(self) -> tuple[object, ...]:
        """Sort key: by job, budget, horizon and mode."""
        return self.job, self.vram_budget_gb, horizon_order(self.horizon), mode_order(self.mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSample:
    """One completed job: its figures by metric (None = not measured). `digest` is the digest of its domain Case.

    `occurrence` tells apart tests that run the same graph; `tasks` is how many tasks make up the score.
    """

    digest: str
    test: str
    repeat: int
    occurrence: int
    tasks: int
    figures: Mapping[str, float | None]

    def __post_init__(self) -> None:
        object.__setattr__(self, "figures", MappingProxyType(dict(self.figures)))

    @property
    def slot(self) -> tuple[int, int]:
        """What two samples of a case must share to be paired."""
        return self.occurrence, self.repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCase:
    """All samples of one graph under one setup, in the order of their slots."""

    setup: Setup
    graph_digest: str
    version: int
    samples: tuple[BaselineSample, ...]

    @property
    def identity(self) -> tuple[Setup, str]:
        """Setup and content: what makes two cases the same."""
        return self.setup, self.graph_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Stored results, and under which circumstances they came about."""

    circumstances: RunContext
    cases: tuple[BaselineCase, ...]
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        ordered = sorted(self.cases, key=lambda case: (case.setup.order, case.graph_digest))
        object.__setattr__(self, "cases", tuple(ordered))


def read_baseline(path: Path, *, shown: str | None = None) -> Baseline:
    """The baseline of a file. BaselineError says in one sentence why it is none; `shown` is the path it names."""
    shown = str(path) if shown is None else shown
    where = f"baseline {shown}"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BaselineError(
            f"{where}: there is no such file; make it with --swarm-baseline={shown} --swarm-update-baseline"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(f"{where}: cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise BaselineError(
            f"{where}: is damaged, no JSON ({error}); restore it, or remove it and use --swarm-update-baseline"
        ) from error
    return decode_baseline(data, where=where)


def decode_baseline(data: object, *, where: str) -> Baseline:
    """The baseline of parsed JSON; `where` is named in errors."""
    fields = Fields(data, where=where, error=BaselineError)
    schema = fields.raw("schema")
    if not isinstance(schema, str) or not schema.startswith(SCHEMA):
        raise fields.fail(f"is no baseline of pytest-swarm: its 'schema' is no {SCHEMA}{VERSION}")
    version = schema.removeprefix(SCHEMA)
    if not version.isdecimal() or int(version) > VERSION:
        raise fields.fail(f"its schema {schema} is newer than {SCHEMA}{VERSION}; update pytest-swarm")
    cases = tuple(map(_case, fields.tables("cases")))
    seen: set[tuple[Setup, str]] = set()
    for case in cases:
        if case.identity in seen:
            raise fields.fail(f"the case {case.setup.label} stands there twice")
        seen.add(case.identity)
    return Baseline(circumstances=decode_circumstances(fields.table("circumstances")), cases=cases, where=where)


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write the file whole or not at all. BaselineError where the folder cannot be written to."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(encode_baseline(baseline))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BaselineError(f"baseline {path}: cannot be written: {error}") from error


def encode_baseline(baseline: Baseline) -> str:
    """The text of the file: JSON with each case's head and each sample on a line of its own."""
    head = json.dumps(encode_circumstances(baseline.circumstances), indent=1, ensure_ascii=True, sort_keys=True)
    cases = ",\n".join(map(_case_text, baseline.cases))
    return f'{{\n"schema": "{SCHEMA}{VERSION}",\n"circumstances": {head},\n"cases": [\n{cases}\n]\n}}\n'


def _case_text(case: BaselineCase) -> str:
    setup = case.setup
    head: dict[str, Json] = {
        "job": setup.job,
        "mode": setup.mode,
        "horizon_depth": setup.horizon,
        "vram_budget_gb": setup.vram_budget_gb,
        "graph_digest": case.graph_digest,
        "case_version": case.version,
    }
    samples = ",\n".join(f"  {_line(_sample_row(sample))}" for sample in case.samples)
    return f'{_line(head)[:-1]}, "samples": [\n{samples}\n]}}'


def _sample_row(sample: BaselineSample) -> dict[str, Json]:
    figures = {name: _plain(value) for name, value in sorted(sample.figures.items()) if value is not None}
    return {
        "case": sample.digest,
        "test": sample.test,
        "repeat": sample.repeat,
        "occurrence": sample.occurrence,
        "tasks": sample.tasks,
        "figures": dict(figures),
    }


def _line(row: Mapping[str, Json]) -> str:
    return json.dumps(row, ensure_ascii=True, allow_nan=False)


def _plain(value: float) -> float:
    """The same number, written without a point where it has no fraction: a rounded one would differ from itself."""
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _case(fields: Fields) -> BaselineCase:
    depth: HorizonDepth = "flat" if fields.raw("horizon_depth") == "flat" else fields.whole("horizon_depth", low=0)
    setup = Setup(
        job=fields.text("job"),
        mode=fields.text("mode"),
        horizon=depth,
        vram_budget_gb=fields.number("vram_budget_gb", low=0),
    )
    return BaselineCase(
        setup=setup,
        graph_digest=fields.text("graph_digest"),
        version=fields.whole("case_version"),
        samples=sorted_samples(map(_sample, fields.tables("samples"))),
    )


def _sample(fields: Fields) -> BaselineSample:
    figures = fields.table("figures")
    return BaselineSample(
        digest=fields.text("case"),
        test=fields.text("test"),
        repeat=fields.whole("repeat", low=1),
        occurrence=fields.whole("occurrence", 0, low=0),
        tasks=fields.whole("tasks", low=0),
        figures={name: figures.optional_number(name) for name in figures if name in GATE_METRICS},
    )


def sorted_samples(samples: Iterable[BaselineSample]) -> tuple[BaselineSample, ...]:
    """The samples in the order of their slots."""
    return tuple(sorted(samples, key=lambda sample: sample.slot))
