"""Every option once: its command-line form, its ini twin, its help. Parsing their values is `settings`' business."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import pytest

from pytest_swarm.routing.registry import modes_help

MARKER_HELP: Final = (
    "swarm(modes=, horizon=, vram=, repeat=, carryover=, version=): how this benchmark is parametrised; the "
    "command line goes before the marker, the marker before the ini file"
)

GATE_MARKER_HELP: Final = (
    "swarm_gate(*expressions, gate=): the gate's expressions for this benchmark, judged on its own, such as "
    'swarm_gate("score:-1%"); gate is off, warn or fail'
)


class Option(NamedTuple):
    """One option. `kind`: text, a flag, or a repeatable text; `bare` is the value of the option without one.

    A named tuple, because making a dataclass costs a millisecond at every start of pytest.
    """

    name: str
    help: str
    metavar: str = "VALUE"
    kind: Literal["text", "flag", "list"] = "text"
    bare: str | None = None

    @property
    def flag(self) -> str:
        """`--swarm-vram`."""
        return f"--swarm-{self.name}"

    @property
    def dest(self) -> str:
        """`swarm_vram`: the dest on the command line, and the ini key."""
        return f"swarm_{self.name.replace('-', '_')}"


OPTIONS: Final = (
    Option(
        name="compare",
        metavar="MODES",
        help=f"routing modes to compare: {modes_help()}. Without it each benchmark runs once, under lp",
    ),
    Option(
        name="horizon", metavar="DEPTHS", help="horizon depths, such as 0,1,3 (0 = ready tasks only); flat is allowed"
    ),
    Option(
        name="vram", metavar="SIZES", help="VRAM budgets, such as 8GB,24GB; auto asks the GPU by NVML (the default)"
    ),
    Option(
        name="repeat",
        metavar="N",
        help="repeats of each case (default 1); auto:MAX repeats a case only until the gate has decided",
    ),
    Option(name="seed", metavar="N", help="seed of every draw (default 0)"),
    Option(
        name="fleet",
        metavar="FILE",
        help="models on offer: a TOML file, the published agents JSON, or the name of a shipped fleet (default heavy)",
    ),
    Option(name="lambda-token", metavar="WEIGHT", help="weight of token cost in the objective (default 0.5)"),
    Option(name="lambda-switch", metavar="WEIGHT", help="weight of loading models in the objective (default 0.2)"),
    Option(
        name="lambda-latency", metavar="WEIGHT", help="weight of estimated seconds in the objective (default 0: off)"
    ),
    Option(
        name="solve-limit",
        metavar="TIME",
        help="time limit of an exact solver for one plan, such as 500ms (default: none); the plan then says its gap",
    ),
    Option(
        name="planner",
        metavar="TAG",
        help="model that plans in mode llm (default: the fleet's best reasoner that fits the smallest budget)",
    ),
    Option(name="judge", metavar="TAG", help="model that grades answers with a rubric (default: they stay unscored)"),
    Option(
        name="backend",
        metavar="NAME",
        help="auto, ollama, sim, record or replay (default auto: a reachable Ollama that has every model of the fleet, "
        "else the simulator; record wraps one of them, chosen in the same way)",
    ),
    Option(
        name="cassette",
        metavar="FILE",
        help="the recording that --swarm-backend=record writes and --swarm-backend=replay plays",
    ),
    Option(
        name="record-mode",
        metavar="MODE",
        help="new: record the cases that the cassette lacks, play the others (default); all: record every case again; "
        "once: record only where there is no cassette yet",
    ),
    Option(
        name="host",
        metavar="URL",
        kind="list",
        help="Ollama server; repeatable (default OLLAMA_HOST, else http://127.0.0.1:11434)",
    ),
    Option(name="profile", metavar="FILE", help="simulator profile: a TOML file or a shipped name (default a40)"),
    Option(
        name="fault",
        metavar="SPEC",
        kind="list",
        help="make the simulated server fail, such as busy:times=1 or hang:model=phi4:14b; repeatable",
    ),
    Option(
        name="context",
        metavar="HOW",
        help="parents: hand parents' outputs to their children; none: do not; default: what each graph says",
    ),
    Option(
        name="carryover",
        metavar="HOW",
        help="case: residency and learned estimates start afresh for each case "
        "(default); group: they are kept over the jobs of one mode, horizon and budget",
    ),
    Option(name="concurrency", metavar="N", help="tasks of one step that run at the same time (default 4)"),
    Option(name="timeout", metavar="TIME", help="limit of one call to the server (default 120s)"),
    Option(
        name="code-eval",
        kind="flag",
        help="run answered code against its cases, in a sandbox (default: only "
        "check that it parses and defines the function)",
    ),
    Option(
        name="report",
        metavar="TYPE[:PATH]",
        kind="list",
        help="reports to write: html, json, jsonl, csv, md, "
        "md-append; repeatable (default json, and html for a comparison; directory reports/)",
    ),
    Option(name="baseline", metavar="FILE", help="stored results that the gate compares with"),
    Option(
        name="update-baseline",
        metavar="WHAT",
        bare="all",
        help="write the baseline from this run: all (the default) replaces what was run, new only adds what it lacks; "
        "without --swarm-baseline it is swarm-baseline.json",
    ),
    Option(
        name="fail",
        metavar="EXPR",
        kind="list",
        help="what may get worse, and by how much, as [mode/]metric[.statistic]:allowed[@confidence]; repeatable "
        "(default score:-2.5%%@95 and violations:+0)",
    ),
    Option(name="gate", metavar="HOW", help="off, warn or fail (default): what a regression does"),
    Option(
        name="incomparable",
        metavar="HOW",
        help="warn (default), fail or ignore: what cases do that are missing or cannot be compared",
    ),
    Option(
        name="inconclusive",
        metavar="HOW",
        help="pass, warn (default) or fail: what a verdict does for which too little was measured",
    ),
    Option(
        name="resume",
        metavar="RUN",
        bare="latest",
        help="go on with a run that was cut off: cases that it finished are not run again (default: the latest run)",
    ),
    Option(name="only", kind="flag", help="run only tests that use swarm_run"),
    Option(name="skip", kind="flag", help="skip tests that use swarm_run"),
)


def register(parser: pytest.Parser) -> None:
    """Add all options and their ini twins; without defaults, so that "not given" can be told from any value."""
    group = parser.getgroup("swarm", "pytest-swarm: routing of task graphs over local models")
    for option in OPTIONS:
        if option.kind == "flag":
            group.addoption(option.flag, dest=option.dest, action="store_true", default=None, help=option.help)
            parser.addini(option.dest, option.help, type="bool", default=None)
        elif option.kind == "list":
            group.addoption(
                option.flag, dest=option.dest, action="append", metavar=option.metavar, default=None, help=option.help
            )
            parser.addini(option.dest, option.help, type="linelist", default=None)
        elif option.bare is not None:
            group.addoption(
                option.flag, dest=option.dest, nargs="?", const=option.bare, metavar=option.metavar, help=option.help
            )
            parser.addini(option.dest, option.help, type="string", default=None)
        else:
            group.addoption(option.flag, dest=option.dest, metavar=option.metavar, default=None, help=option.help)
            parser.addini(option.dest, option.help, type="string", default=None)
