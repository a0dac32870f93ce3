"""`expect JOB...`: expected answers for jobs that have none, from a reference model, or for a judge."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_swarm.ollama.address import DEFAULT_IN_WORDS, host_of_command

if TYPE_CHECKING:
    from pytest_swarm.domain.graph import TaskGraph
    from pytest_swarm.workloads.expected_files import ExpectedAnswer

HELP: Final = "expect a reference model's answers, or a judge's grade"
DESCRIPTION: Final = """
Write expected/NAME.toml beside each job NAME.toml, for the tasks without an expected answer. With --reference, a model
answers them, and what to expect is guessed from the shape of each answer: JSON, yes or no, a number, or text. Each file
is written once its job is answered. Look it over. Scores are then agreement with that model, and are called so; they
are not truth. With --judge, the tasks are to be graded by a judge model when they are run. No file is overwritten.
"""
_RUBRIC: Final = "The answer does all that the task asks, is correct, and has the form that was asked for."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("jobs", nargs="+", type=Path, metavar="JOB", help="job (.toml), or directory of jobs")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--reference", metavar="MODEL", help="model whose answers are expected")
    way.add_argument("--judge", metavar="TAG", help="model that grades the answers when the jobs are run")
    parser.add_argument("--host", metavar="URL", help=f"server of the reference model (default: {DEFAULT_IN_WORDS})")
    parser.add_argument("--timeout", default="10m", metavar="TIME", help="limit of one call (default: 10m)")


def run(options: argparse.Namespace) -> int:
    """Write each file once it is known; raise SwarmError for a job that cannot be read, and for a silent server.

    The exit status is 1 where a file is there that lacks a task, because none is overwritten.
    """
    from pytest_swarm.domain.model_names import checked_name
    from pytest_swarm.errors import OptionError
    from pytest_swarm.units import plural
    from pytest_swarm.workloads.expected_files import expected_path, write_expected
    from pytest_swarm.workloads.graph_files import load_graph

    flag, model = ("--reference", options.reference) if options.judge is None else ("--judge", options.judge)
    checked_name(model, what=flag, error=OptionError)
    jobs: dict[Path, TaskGraph] = {}
    kept = 0
    for file in _files(options.jobs):
        graph = load_graph(file)
        lacking = sum(task.expected is None for task in graph.tasks)
        if not lacking:
            print(f"{file}: all tasks have an expected answer already")
        elif (path := expected_path(file)).exists():
            kept += 1
            print(f"{path}: exists already, and lacks {plural(lacking, 'task')}; complete it by hand, or remove it")
        else:
            jobs[file] = graph
    source, rows = _rows(options, tuple(jobs.values()))
    for file, answers in zip(jobs, rows, strict=True):
        if answers:
            print(f"wrote {write_expected(file, answers, answered=source)}: {plural(len(answers), 'task')}", flush=True)
        else:
            print(f"{file}: no answer of the model says what to expect")
    if jobs:
        judged = "" if options.judge is None else f" --swarm-judge={options.judge}"
        print(f"next: look them over, then run the jobs: pytest{judged}")
    return 1 if kept else 0


def _rows(
    options: argparse.Namespace, graphs: tuple[TaskGraph, ...]
) -> tuple[str, Iterator[Mapping[str, ExpectedAnswer]]]:
    """Return where what is expected comes from, and that of each graph; a model is asked as they are taken."""
    from pytest_swarm.calibration.reference_answers import reference_answers
    from pytest_swarm.domain.expectation import Judge
    from pytest_swarm.execution.backends import network_backend
    from pytest_swarm.execution.server_models import is_simulated_server
    from pytest_swarm.ollama.retrying import CallLimits
    from pytest_swarm.units import parse_duration_s
    from pytest_swarm.workloads.expected_files import ExpectedAnswer

    if options.judge is not None:
        graded = ExpectedAnswer(expected=Judge(rubric=_RUBRIC))
        rows = ({task.id: graded for task in graph.tasks if task.expected is None} for graph in graphs)
        return f"To be graded by a judge: run with --swarm-judge={options.judge}.", rows
    limits = CallLimits(timeout_s=parse_duration_s(options.timeout, what="--timeout"))
    host = host_of_command(options.host)
    if not graphs:  # then there is nothing to ask a server
        return "", iter(())
    simulated = is_simulated_server(host, limits.timeout_s)
    backend = network_backend(host, why="asked for", limits=limits, simulated=simulated)
    mark = "SIMULATED: no model gave these answers. " if simulated else ""
    return (
        f"{mark}Answers of {options.reference}: scores are agreement with it, not truth. Look them over.",
        reference_answers(
            graphs, options.reference, backend, report_progress=lambda text: print(text, file=sys.stderr)
        ),
    )


def _files(paths: list[Path]) -> list[Path]:
    """Return the job files: those that are named, and those right in the directories that are named."""
    from pytest_swarm.errors import GraphError

    files = [file for path in paths for file in (_jobs_in(path) if path.is_dir() else [path])]
    if not files:
        raise GraphError(f"{paths[0]}: the directory has no jobs (.toml)")
    return files


def _jobs_in(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.suffix == ".toml")
