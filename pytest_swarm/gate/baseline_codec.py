"""Baseline files, schema `swarm-baseline/1`: one type for each part, the text of a file, and reading and writing it.

A file is sorted, with each sample on a line of its own, so that a diff shows which case moved. The names of the fields
are a contract.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from pytest_swarm.codec import FileDecoder, JsonObject, SharedFields, json_schema, to_json
from pytest_swarm.documents import path_of
from pytest_swarm.domain.record import CaseKey
from pytest_swarm.errors import BaselineError
from pytest_swarm.fields import Json
from pytest_swarm.files import write_whole
from pytest_swarm.gate.baseline import Baseline, BaselineCase, BaselineSample, Setup, sorted_samples
from pytest_swarm.gate.run_context import RunContext
from pytest_swarm.metrics.metric_table import GATE_METRICS
from pytest_swarm.metrics.spec import Kind

SCHEMA: Final = "swarm-baseline/1"
_WHOLE_BELOW: Final = 1e15  # below it every whole number is exact as a float, and has no exponent


class BaselineSampleRow(Struct, frozen=True, kw_only=True):
    """One completed job."""

    case: Annotated[str, Meta(description="the digest of graph, mode, horizon, budget and repeat")]
    test: Annotated[str, Meta(description="the id of the test")]
    repeat: Annotated[int, Meta(ge=1)]
    occurrence: Annotated[int, Meta(ge=0, description="distinguishes tests that run the same graph")] = 0
    tasks: Annotated[int, Meta(ge=0, description="how many tasks make up the score")]
    figures: Annotated[
        Mapping[str, float | None], Meta(description="metric -> its value; a metric that was not measured is left out")
    ]
    answers: Annotated[
        str | None, Meta(description="digest of the answers to all tasks; left out where they are not known")
    ] = None
    run: Annotated[str, Meta(description="the run that it comes from; left out where the file holds one run only")] = ""


class BaselineCaseRow(Struct, frozen=True, kw_only=True):
    """All samples of one graph, mode, horizon and budget."""

    job: str
    mode: str
    horizon_depth: Annotated[int, Meta(ge=0)] | Literal["flat"]
    vram_budget_gb: Annotated[float, Meta(ge=0.0)]
    lambda_token: Annotated[
        Annotated[float, Meta(ge=0.0)] | None,
        Meta(description="the weight of token cost where the run swept it; else left out"),
    ] = None
    graph_digest: str
    case_version: int
    samples: tuple[BaselineSampleRow, ...]


_KEY: Final = SharedFields(CaseKey, BaselineCaseRow, but=("horizon", "repeat"))
_SAMPLE: Final = SharedFields(BaselineSample, BaselineSampleRow, but=("figures", "digest"))


class BaselineFile(Struct, frozen=True, kw_only=True):
    """A whole file."""

    schema: Literal["swarm-baseline/1"]
    circumstances: RunContext
    looks: Annotated[
        tuple[Annotated[int, Meta(ge=1)], ...],
        Meta(description="repeats with which runs were judged and left undecided; left out where there are none"),
    ] = ()
    cases: tuple[BaselineCaseRow, ...]


_ADVICE: Final = "restore the file, or delete it and run with --swarm-update-baseline"
_FILE: Final[FileDecoder[BaselineFile]] = FileDecoder(
    BaselineFile, schema=SCHEMA, what="a baseline", error=BaselineError, advice=_ADVICE
)


def read_baseline(path: str | os.PathLike[str], *, shown: str | None = None) -> Baseline:
    """Return the baseline of a file.

    Args:
        path: the file.
        shown: the path as messages name it; `path` where it is None.

    Raises:
        BaselineError: the file cannot be read, or is not a baseline. One sentence says where and why.
    """
    path = path_of(path, BaselineError)
    shown = str(path) if shown is None else shown
    where = f"baseline {shown}"
    make = f"make it with --swarm-baseline={shown} --swarm-update-baseline"
    file = _FILE.read(path, where=where, make=make)
    cases = tuple(map(_decode_case, file.cases))
    seen: set[tuple[Setup, str]] = set()
    for case in cases:
        if case.identity in seen:
            raise BaselineError(f"{where}: holds the case {case.setup.label} twice; delete one of them")
        seen.add(case.identity)
        _check_samples(case, where)
    return Baseline(context=file.circumstances, cases=cases, looks=tuple(sorted(set(file.looks))), where=where)


def _check_samples(case: BaselineCase, where: str) -> None:
    """Refuse what no run can have written: two samples of one repeat, and figures outside the range of their metric."""
    seen: set[tuple[str, tuple[int, int]]] = set()
    for sample in case.samples:
        what = f"{where}: {case.setup.label} r{sample.repeat}"
        if (sample.run, sample.slot) in seen:
            raise BaselineError(f"{what} stands there twice; delete one of the two samples")
        seen.add((sample.run, sample.slot))
        for name, value in sample.figures.items():
            low, high = GATE_METRICS[name].low, GATE_METRICS[name].high
            if value is not None and GATE_METRICS[name].kind is Kind.COUNT and not value.is_integer():
                raise BaselineError(f"{what}: {name} is {value:g}, but must be a whole number; {_ADVICE}")
            if value is None or ((low is None or value >= low) and (high is None or value <= high)):
                continue
            wanted = f"at least {low:g}" if high is None or value < (low or 0) else f"at most {high:g}"
            raise BaselineError(f"{what}: {name} is {value:g}, but must be {wanted}; {_ADVICE}")


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write the whole file or nothing.

    Args:
        baseline: The stored results.
        path: The file.

    Raises:
        BaselineError: the folder cannot be written to.
    """
    try:
        write_whole(path, encode_baseline(baseline).encode())
    except OSError as error:
        raise BaselineError(f"baseline {path}: cannot be written: {error}") from error


def encode_baseline(baseline: Baseline) -> str:
    """Return the text of the file: the head of each case, and each sample, on a line of its own."""
    head = json.dumps(to_json(baseline.context), indent=1, ensure_ascii=True, sort_keys=True)
    looks = f'"looks": {list(baseline.looks)},\n' if baseline.looks else ""
    cases = ",\n".join(map(_case_text, baseline.cases))
    return f'{{\n"schema": "{SCHEMA}",\n"circumstances": {head},\n{looks}"cases": [\n{cases}\n]\n}}\n'


def baseline_schema() -> JsonObject:
    """Return the JSON Schema of a baseline file."""
    return json_schema(
        BaselineFile,
        name="swarm-baseline-1",
        title=f"A baseline of pytest-swarm, schema {SCHEMA}",
        description="The raw figures of every completed job of a run, which the gate compares with.",
    )


def _case_text(case: BaselineCase) -> str:
    row = BaselineCaseRow(
        job=case.setup.job,
        **_KEY.of(case.setup.key),
        horizon_depth=case.setup.key.horizon,
        graph_digest=case.graph_digest,
        case_version=case.version,
        samples=(),
    )
    head = {name: value for name, value in to_json(row).items() if name != "samples"}
    if case.setup.key.lambda_token is None:
        del head["lambda_token"]
    samples = ",\n".join(f"  {_line(_without_unknown(to_json(_encode_sample(sample))))}" for sample in case.samples)
    return f'{_line(head)[:-1]}, "samples": [\n{samples}\n]}}'


def _without_unknown(row: JsonObject) -> dict[str, Json]:
    """The row without `answers` and `run` where they say nothing."""
    return {name: value for name, value in row.items() if value or name not in ("answers", "run")}


def _line(row: Mapping[str, Json]) -> str:
    return json.dumps(row, ensure_ascii=True, allow_nan=False)


def _encode_sample(sample: BaselineSample) -> BaselineSampleRow:
    figures = {name: _shortest(value) for name, value in sorted(sample.figures.items()) if value is not None}
    return BaselineSampleRow(case=sample.digest, figures=figures, **_SAMPLE.of(sample))


def _shortest(value: float) -> float:
    """The same number, written without a point where it has no fraction. It is not rounded: samples must stay equal."""
    return int(value) if value.is_integer() and abs(value) < _WHOLE_BELOW else value


def _decode_case(row: BaselineCaseRow) -> BaselineCase:
    return BaselineCase(
        setup=Setup(job=row.job, key=CaseKey(horizon=row.horizon_depth, **_KEY.of(row))),
        graph_digest=row.graph_digest,
        version=row.case_version,
        samples=sorted_samples(map(_decode_sample, row.samples)),
    )


def _decode_sample(row: BaselineSampleRow) -> BaselineSample:
    figures = {name: value for name, value in row.figures.items() if name in GATE_METRICS}
    return BaselineSample(digest=row.case, figures=figures, **_SAMPLE.of(row))
