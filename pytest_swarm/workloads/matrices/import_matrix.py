"""Importing a table that others measured: files for a run in which every mode is compared on it, without a server."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final, TypeAlias

from pytest_swarm.documents import make_folder, toml_comment, toml_line, write_text
from pytest_swarm.domain.imported_call import encode_imported_call
from pytest_swarm.errors import MatrixError
from pytest_swarm.files import files_below
from pytest_swarm.units import plural
from pytest_swarm.workloads.fleet import fleet_toml
from pytest_swarm.workloads.graph_files import save_graph
from pytest_swarm.workloads.matrices.long_table import read_long
from pytest_swarm.workloads.matrices.matrix import Matrix, MatrixCell, build_matrix
from pytest_swarm.workloads.matrices.matrix_jobs import ASSUMED_VRAM_GB, MatrixJobs, fleet_entries, matrix_jobs
from pytest_swarm.workloads.matrices.per_model_files import newest_of_each_model, read_llmrouterbench, read_routerarena
from pytest_swarm.workloads.matrices.wide_tables import read_routellm, read_routerbench

CellReader: TypeAlias = Callable[[Path], Iterator[MatrixCell]]
READERS: Final[Mapping[str, CellReader]] = MappingProxyType(
    {
        "long": read_long,
        "routerbench": read_routerbench,
        "routellm": read_routellm,
        "llmrouterbench": read_llmrouterbench,
        "routerarena": read_routerarena,
    }
)
DEFAULT_BATCH: Final = 200  # prompts in a job of a large table: a call costs little, a job costs a plan
_FEWEST_JOBS: Final = 20  # of a small table, so that differences between modes have an interval over jobs
_TABLES: Final = (".csv", ".jsonl", ".ndjson", ".json")
_SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {"llmrouterbench": (".json",), "routerarena": (".jsonl",)}
_FILES: Final = ("fleet.toml", "profile.toml", "answers.jsonl", "pytest.ini", "test_matrix.py", "jobs")
MODES: Final = ("lp", "milp", "greedy", "random", "best-single", "oracle")

_TEST: Final = '''"""The jobs of a table that others measured: every mode is compared on the known answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm import load_graph

JOBS = sorted((Path(__file__).parent / "jobs").glob("*.json"))


@pytest.mark.parametrize("job", JOBS, ids=lambda path: path.stem)
def test_matrix(swarm_run, job):
    assert swarm_run(load_graph(job)).status == "completed"
'''

_PROFILE: Final = """
[hardware]
gpu_bytes = {gpu_bytes}
max_loaded_models = {count}
keep_alive_s = 1_000_000_000

[behaviour]
reference_difficulty = 1
difficulty_slope = 0
partial_share = 0
error_carryover = 0
self_contained_carryover = 0
neutral_accuracy = 0.5
token_spread = 0
"""

_MODEL: Final = """
size_bytes = 900_000_000
layers = 1
kv_heads = 1
head_dim = 1
context_length = 1_000_000
prefill_tokens_per_s = 1
decode_tokens_per_s = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedMatrix:
    """An imported matrix: the checked table, its jobs and their folder."""

    matrix: Matrix
    jobs: MatrixJobs
    folder: Path

    def text(self) -> str:
        """Return what was imported, the mean score of each model, and how to run it."""
        matrix = self.matrix
        lines = [
            f"wrote {self.folder}: {plural(len(matrix.prompts), 'prompt')} x {plural(len(matrix.models), 'model')} in "
            f"{plural(len(self.jobs.graphs), 'job')}",
            *(f"note: {each}" for each in matrix.notes),
        ]
        if not self.jobs.even:
            lines.append(
                "note: some jobs have a prompt less, so a mean over jobs differs from the mean over prompts; "
                "choose a --batch that divides the number of prompts"
            )
        lines += [f"mean score {matrix.mean_score(each):.6f}  single:{each}" for each in matrix.models]
        lines += [f"mean score {matrix.best_mean_score():.6f}  oracle", f"run it: pytest {self.folder}"]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixImport:
    """How a table is imported: its format, the prompts in a job, the jobs' name, and the models (empty: all).

    Without a `batch`, a job has 200 prompts, or fewer where that makes less than 20 jobs.
    """

    format: str
    batch: int | None = None
    name: str | None = None
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.format not in READERS:
            raise MatrixError(f"format {self.format!r} is not known; known are {', '.join(READERS)}")
        if self.name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise MatrixError(f"name {self.name!r}: must consist of letters, digits, dots, dashes and underscores")
        if self.batch is not None and self.batch < 1:
            raise MatrixError(f"batch is {self.batch}, but a job needs at least 1 prompt")

    def job_size(self, prompts: int) -> int:
        """Return about how many of that many prompts a job gets."""
        return self.batch or max(1, min(DEFAULT_BATCH, prompts // _FEWEST_JOBS))


def read_matrix(source: Path, how: MatrixImport) -> Matrix:
    """Return the matrix of a file, or of all files of its format in a folder.

    Args:
        source: The file or folder.
        how: The format, and the models to keep.

    Raises:
        MatrixError: A file is invalid, or contradicts another.
    """
    cells = chain.from_iterable(map(READERS[how.format], _tables(source, how.format)))
    return build_matrix(cells, source=str(source), models=how.models)


def import_matrix(source: Path, out: Path, how: MatrixImport) -> ImportedMatrix:
    """Write jobs, fleet, known answers and a test for a matrix, all of them or none, and return what was written.

    Args:
        source: The file or folder.
        out: The folder to write to; nothing in it is overwritten.
        how: The format, the prompts in a job, their name, and the models.

    Raises:
        MatrixError: A file is invalid, or a file to write exists.
    """
    for each in _FILES:
        if (out / each).exists():
            raise MatrixError(f"{out / each}: exists already; choose another --out")
    matrix = read_matrix(source, how)
    jobs = matrix_jobs(matrix, name=how.name or _stem(source), batch=how.job_size(len(matrix.prompts)))
    make_folder(out, MatrixError)
    try:
        with TemporaryDirectory(dir=out, prefix=".import-") as beside:
            _write_files(matrix, jobs, source.name, Path(beside))
            for each in _FILES:
                (Path(beside) / each).rename(out / each)
    except OSError as cause:
        raise MatrixError(f"{out}: cannot be written: {cause.strerror or cause}") from cause
    return ImportedMatrix(matrix=matrix, jobs=jobs, folder=out)


def _write_files(matrix: Matrix, jobs: MatrixJobs, source: str, folder: Path) -> None:
    make_folder(folder / "jobs", MatrixError)
    for graph in jobs.graphs:
        save_graph(graph, folder / "jobs" / f"{graph.name}.json")
    _write_answers(jobs, folder / "answers.jsonl")
    heading = (
        f"The models of {source}. They have no capabilities: the scores of the table are the outcome of the runs.",
        "Of each job, a router knows the answers to all other jobs (swarm_estimates = cross). Add a table",
        "[model.capabilities] for what you knew before anything was measured.",
        "Cost is in millionths of a USD.",
    )
    write_text(folder / "fleet.toml", fleet_toml(fleet_entries(matrix, jobs), heading=heading), MatrixError)
    write_text(folder / "profile.toml", _profile(matrix, source), MatrixError)
    write_text(folder / "test_matrix.py", _TEST, MatrixError)
    write_text(folder / "pytest.ini", _ini(matrix), MatrixError)


def _tables(source: Path, format_name: str) -> list[Path]:
    if not source.exists():
        raise MatrixError(f"{source}: there is no such file or folder")
    if not source.is_dir():
        return [source]
    suffixes = _SUFFIXES.get(format_name, _TABLES)
    found = [each for each in files_below(source) if each.suffix.lower() in suffixes]
    if not found:
        raise MatrixError(f"{source}: has no file that ends in {' or '.join(suffixes)}")
    return newest_of_each_model(found) if format_name == "llmrouterbench" else found


def _write_answers(jobs: MatrixJobs, path: Path) -> None:
    rows: Iterable[str] = (json.dumps(encode_imported_call(*each), ensure_ascii=False) for each in jobs.calls)
    write_text(path, "".join(f"{row}\n" for row in rows), MatrixError)


def _profile(matrix: Matrix, source: str) -> str:
    count = len(matrix.models)
    lines = [
        toml_comment("Known answers of a table that others measured. No speed, size or time in this file is measured."),
        toml_line("name", f"scores measured by others in {source}"),
        toml_line("source", f"scores, tokens, costs and latencies of {source} where it has them; nothing else"),
        toml_line("measured", "answers.jsonl"),
        _PROFILE.format(gpu_bytes=count * 2_000_000_000, count=count),
    ]
    for tag in matrix.models:
        blob = hashlib.sha256(tag.encode()).hexdigest()[:12]
        lines += ["[[models]]", toml_line("name", tag), toml_line("source", source), toml_line("blob", blob) + _MODEL]
    return "\n".join(lines)


def _ini(matrix: Matrix) -> str:
    return "\n".join(
        (
            "[pytest]",
            "# Compare a single model with --swarm-compare=oracle,single:MODEL.",
            f"swarm_compare = {','.join(MODES)}",
            "# Estimates of each job from the answers to all others; with prior, all models start equal.",
            "swarm_estimates = cross",
            "swarm_backend = sim",
            "swarm_fleet = fleet.toml",
            "swarm_profile = profile.toml",
            "swarm_horizon = 0",
            f"swarm_vram = {ASSUMED_VRAM_GB * len(matrix.models):g}GB",
            "",
        )
    )


def _stem(source: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", source.stem).strip(".-") or "matrix"
