"""The table of options: one row holds everything about one. A new option is a row here, and the place that uses it.

The type, the default, the help, the ini twin, the README's table, what a resumed run may change, what makes two runs
incomparable and what the command to reproduce a run leaves out are all read from the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_swarm.plugin.option_kinds import Axis, Flag, FlagOrWord, Many, Maybe, Option, OptionValues, Value
from pytest_swarm.routing.mode_table import modes_help

if TYPE_CHECKING:
    from typing import Any, Literal

    import pytest

    from pytest_swarm.domain.graph import Context
    from pytest_swarm.execution.bench import Carryover
    from pytest_swarm.gate.rules import Incomparable, Inconclusive, Strictness
    from pytest_swarm.gate.updating import Update

    BackendName = Literal["auto", "ollama", "measure", "sim", "record", "replay"]
    RecordModeName = Literal["new", "all", "once"]


class Options(OptionValues):
    """The table. An attribute's value is typed by its row: `settings.seed` is an int."""

    compare = Axis(
        lambda given: given.modes(),
        "lp",
        f"routing modes to compare: {modes_help()}. Without it each benchmark runs once",
        metavar="MODES",
        marker="modes",
        may_differ=True,
    )
    horizon = Axis(
        lambda given: given.horizons(),
        "0",
        "horizon depths, such as 0,1,3; 0 plans the ready tasks only, flat ignores the edges",
        metavar="DEPTHS",
        marker="horizon",
        may_differ=True,
    )
    vram = Axis(
        lambda given: given.budgets(),
        "auto",
        "VRAM budgets, such as 8GB,24GB; auto asks the GPU through NVML, and is an error where there is none",
        metavar="SIZES",
        marker="vram",
        may_differ=True,
    )
    repeat = Axis(
        lambda given: given.repeats(),
        "1",
        "repeats of each case; auto:MAX repeats a case until the gate has decided",
        metavar="N",
        marker="repeat",
        may_differ=True,
    )
    seed = Value(lambda given: given.count(low=0), "0", "seed of every random draw", metavar="N")
    fleet = Value(
        lambda given: given.file_or_name(),
        "heavy",
        "models on offer: a TOML file, the published agents JSON, or the name of a shipped fleet",
        metavar="FILE",
    )
    lambda_token = Axis(
        lambda given: given.weights(),
        "0.5",
        "weight of token cost in the objective; a list, such as 0,0.25,1, runs each case with each of them",
        metavar="WEIGHT",
    )
    lambda_switch = Value(
        lambda given: given.weight(), "0.2", "weight of model loads in the objective", metavar="WEIGHT"
    )
    lambda_latency = Value(
        lambda given: given.weight(), "0", "weight of estimated seconds in the objective", metavar="WEIGHT"
    )
    quality_floor = Value(
        lambda given: given.weight(),
        "0.05",
        "estimated quality that mode heft gives up for an earlier finish",
        metavar="QUALITY",
    )
    estimates = Value(
        lambda given: given.estimates(),
        "prior",
        "where estimates of quality start: prior (the fleet file); a file of python -m pytest_swarm estimates; cross: "
        "for each job the answers to all other jobs of the imported table, or of a run, cross:reports/RUN; text: the "
        "same, by the text of the prompts too (needs scikit-learn)",
        metavar="FILE",
    )
    learning: Value[Literal["on", "off"]] = Value(
        lambda given: given.choice("on", "off"),
        "on",
        "on: estimates follow the answers of the run; off: they stay as they start",
        metavar="HOW",
    )
    solve_limit_s = Maybe(
        lambda given: given.duration_s(),
        "time limit of an exact solver for one plan, such as 500ms; the plan then states its gap",
        metavar="TIME",
        shown="none",
    )
    planner = Maybe(
        lambda given: given.word(),
        "model that plans in mode llm",
        metavar="TAG",
        shown="the fleet's best reasoner that fits the smallest budget",
    )
    judge = Maybe(
        lambda given: given.word(),
        "model that grades answers by a rubric; without one they stay unscored",
        metavar="TAG",
        shown="none",
        measures=True,
    )
    backend: Value[BackendName] = Value(
        lambda given: given.choice("auto", "ollama", "measure", "sim", "record", "replay"),
        "auto",
        "where calls go: ollama, measure (each answer once, then every case on the stored answers), sim (the "
        "simulator), record or replay; auto takes an Ollama server that has every model of the fleet, else the "
        "simulator, and record wraps what auto would take",
        metavar="NAME",
        may_differ=True,
    )
    answers = Value(
        lambda given: given.path_from_there(),
        ".swarm-answers",
        "answer store of --swarm-backend=measure, beside the ini file; with --swarm-offline also an export of one",
        metavar="FILE",
        may_differ=True,
    )
    offline = Flag(
        "ask no server for what the answer store lacks: a missing answer is an error that names it", may_differ=True
    )
    verify = Value(
        lambda given: given.count(low=0),
        "0",
        "cases of --swarm-backend=measure, drawn by the seed, that are run for real as well, so that the report "
        "compares predicted with real times",
        metavar="N",
        may_differ=True,
    )
    max_time_s = Maybe(
        lambda given: given.duration_s(),
        "stop asking the server of --swarm-backend=measure after this time, such as 30min; the next run goes on",
        metavar="TIME",
        shown="no limit",
        may_differ=True,
    )
    ask_parallel = Value(
        lambda given: given.count(low=1),
        "1",
        "calls that --swarm-backend=measure asks at a time; more is faster, but texts and times then depend on what "
        "runs beside them",
        metavar="N",
        may_differ=True,
    )
    complete = Flag(
        "with --swarm-backend=measure, first ask every model for every task on right inputs, which mode oracle needs",
        may_differ=True,
    )
    dry_run = Flag(
        "run nothing, and say what the run would cost: cases, calls, loads, tokens, minutes", may_differ=True
    )
    cassette = Maybe(
        lambda given: given.path(),
        "recording that --swarm-backend=record writes and --swarm-backend=replay plays",
        metavar="FILE",
    )
    record_mode: Value[RecordModeName] = Value(
        lambda given: given.choice("new", "all", "once"),
        "new",
        "new: record the cases that the cassette lacks and play the others; all: record every case again; once: "
        "record only where there is no cassette yet",
        metavar="MODE",
    )
    host = Many(
        lambda given: given.url(),
        "URL of an Ollama server",
        metavar="URL",
        shown="OLLAMA_HOST, else http://127.0.0.1:11434",
        may_differ=True,
    )
    profile = Value(
        lambda given: given.file_or_name(),
        "a40",
        "what the simulated models do: a profile in TOML, or the name of a shipped one",
        metavar="FILE",
    )
    fault = Many(
        lambda given: given.word(),
        "make the simulated server fail, such as busy:times=1 or hang:model=phi4:14b",
        metavar="SPEC",
        measures=True,
    )
    leave_loaded = Flag(
        "leave the models of the run loaded at its end; without it a real server is left as it was found",
        may_differ=True,
    )
    context: Maybe[Context] = Maybe(
        lambda given: given.choice("parents", "full", "none"),
        "parents: hand the outputs of parents to their children; full: with their thinking; none: do not",
        metavar="HOW",
        shown="what each graph says",
    )
    carryover: Axis[Carryover] = Axis(
        lambda given: given.choice("case", "group"),
        "case",
        "case: residency and learned estimates start afresh for each case; group: the jobs of one mode, horizon and "
        "budget keep them",
        metavar="HOW",
        marker="carryover",
        measures=True,
    )
    concurrency = Value(
        lambda given: given.count(low=1, high=10_000), "4", "tasks of one step that run at the same time", metavar="N"
    )
    timeout_s = Value(lambda given: given.duration_s(), "120s", "time limit of one call to the server", metavar="TIME")
    retries = Value(
        lambda given: given.count(low=0, high=100),
        "2",
        "how often a call is tried again that failed for the server's sake: no or a lost connection, status 429, 500, "
        "502, 503 or 504",
        metavar="N",
        may_differ=True,
    )
    code_eval: FlagOrWord[Literal["on", "strict"]] = FlagOrWord(
        lambda given: given.switch("strict"),
        "run answered code against its cases, in a sandbox; without it, code is only parsed; strict: only where the "
        "kernel confines it",
        metavar="strict",
        bare="True",
        measures=True,
    )
    report = Many(
        lambda given: given.output(),
        "report to write: html, json, jsonl, csv, md or md-append",
        metavar="TYPE[:PATH]",
        shown="json, and html for a comparison, in the run's folder under reports/",
        may_differ=True,
    )
    baseline = Maybe(
        lambda given: given.path_from_there(),
        "stored results that the gate compares the run with",
        metavar="FILE",
        shown="no gate",
        may_differ=True,
    )
    update_baseline: Maybe[Update] = Maybe(
        lambda given: given.choice(
            "new", "all", "append", hint="a path behind it is read as its value: write --swarm-update-baseline=all"
        ),
        "write the baseline from this run: all (also without a value) replaces what was run, new only adds what it "
        "lacks, append keeps it as one of its newest 10 runs; without --swarm-baseline the file is swarm-baseline.json",
        metavar="WHAT",
        bare="all",
        may_differ=True,
        reproduces=False,
    )
    fail = Many(
        lambda given: given.expression(),
        "what may get worse, and by how much, as [mode/]metric[.statistic]:allowed[@confidence]",
        metavar="EXPR",
        shown="score:-2.5%@95 and violations:+0",
        may_differ=True,
    )
    gate: Value[Strictness] = Value(
        lambda given: given.choice("off", "warn", "fail"),
        "fail",
        "what a regression does: off, warn or fail",
        metavar="HOW",
        may_differ=True,
    )
    incomparable: Value[Incomparable] = Value(
        lambda given: given.choice("warn", "fail", "ignore"),
        "warn",
        "what missing or incomparable cases do: warn, fail or ignore",
        metavar="HOW",
        may_differ=True,
    )
    inconclusive: Value[Inconclusive] = Value(
        lambda given: given.choice("pass", "warn", "fail"),
        "warn",
        "what a verdict does that rests on too little data: pass, warn or fail",
        metavar="HOW",
        may_differ=True,
    )
    resume = Maybe(
        lambda given: given.word(),
        "go on with a run that was cut off, by default the latest: cases that it finished are not run again",
        metavar="RUN",
        bare="latest",
        may_differ=True,
        reproduces=False,
    )
    shard = Maybe(
        lambda given: given.shard(),
        "run one of N parts of the tests, such as 2/3; all cases of a workflow are in one part, and "
        "`python -m pytest_swarm merge` makes one run of the parts",
        metavar="PART/N",
        shown="all tests",
        may_differ=True,
        reproduces=False,
    )
    decide = Flag("say at the end which policy to use, and write it to the run's folder", may_differ=True)
    only = Flag("run only tests that use swarm_run", may_differ=True)
    skip = Flag("skip tests that use swarm_run", may_differ=True)


ROWS: tuple[Option[Any], ...] = tuple(row for row in vars(Options).values() if isinstance(row, Option))


def register(parser: pytest.Parser) -> None:
    """Add every option and its ini twin."""
    group = parser.getgroup("swarm", "pytest-swarm: routing of task graphs over local models")
    for row in ROWS:
        row.register(group, parser)
