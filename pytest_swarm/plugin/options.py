"""The table of options: a row says how the text of one is read, and its help. Default and role: `domain.run_options`.

Rows stand here, in `routing_options` and in `server_options`, by what they are about. The ini twin, the README's table
and what the command to reproduce a run leaves out are read from them. What resuming, merging, the gate and a policy
make of an option is read from its role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_swarm.plugin.option_kinds import Axis, Flag, FlagOrWord, Many, Maybe, Option
from pytest_swarm.plugin.routing_options import RoutingOptions
from pytest_swarm.plugin.server_options import ServerOptions

if TYPE_CHECKING:
    from typing import Any, Literal

    from pytest_swarm.domain.graph import Context
    from pytest_swarm.execution.bench import Carryover
    from pytest_swarm.gate.rules import Incomparable, Inconclusive, Strictness
    from pytest_swarm.gate.updating import Update


class Options(RoutingOptions, ServerOptions):
    """The table, with the options of sessions, reports and the gate.

    An attribute's value is typed by its row: `settings.seed` is an int.
    """

    context: Maybe[Context] = Maybe(
        lambda given: given.choice("parents", "full", "none"),
        "graph: what each graph says; parents: hand the outputs of parents to their children; full: with their "
        "thinking; none: do not",
        metavar="HOW",
    )
    carryover: Axis[Carryover] = Axis(
        lambda given: given.choice("case", "group"),
        "case: residency and learned estimates start afresh for each case; group: the jobs of one mode, horizon and "
        "budget keep them",
        metavar="HOW",
        marker="carryover",
    )
    concurrency = Option(
        lambda given: given.count(low=1, high=10_000), "tasks of one step that run at the same time", metavar="N"
    )
    dispatch: Option[Literal["layers", "tasks"]] = Option(
        lambda given: given.choice("layers", "tasks"),
        "layers: all tasks of a step end before the next is planned; tasks: plan again as soon as a task ends, and "
        "load models while others run",
        metavar="HOW",
    )
    replan = Option(
        lambda given: given.replan_after(),
        "with --swarm-dispatch=tasks, how often a planner model is asked again: at every end of a task or load, once "
        "for a layer, or after N ends; programs and rules are asked at every end",
        metavar="every|layer|N",
        needs=("dispatch", "tasks"),
    )
    timeout_s = Option(lambda given: given.duration_s(), "time limit of one call to the server", metavar="TIME")
    retries = Option(
        lambda given: given.count(low=0, high=100),
        "how often a call is tried again that failed for the server's sake: no or a lost connection, status 408, 425, "
        "429, 499, or from 500 on where a retry may change it",
        metavar="N",
    )
    reply_limit_bytes = Option(
        lambda given: given.size_bytes(low_mib=1),
        "the largest reply of a real server that is read; a larger one is an error of the server",
        metavar="SIZE",
    )
    code_eval: FlagOrWord[Literal["on", "strict"]] = FlagOrWord(
        lambda given: given.switch("strict"),
        "run answered code against its cases, in a sandbox; without it, code is only parsed; strict: only where the "
        "kernel confines it",
        metavar="strict",
        bare="True",
    )
    report = Many(
        lambda given: given.output(),
        "report to write: html, json, jsonl, csv, md or md-append; auto: json, and html for a comparison, in the run's "
        "folder under reports/",
        metavar="TYPE[:PATH]",
    )
    baseline = Maybe(
        lambda given: given.path_from_there(),
        "stored results that the gate compares the run with; none: there is no gate",
        metavar="FILE",
    )
    update_baseline: Maybe[Update] = Maybe(
        lambda given: given.choice("new", "all", "append", alone="all"),
        "write the baseline from this run: all (also without a value) replaces what was run, new only adds what it "
        "lacks, append keeps it as one of its newest 10 runs; without --swarm-baseline the file is swarm-baseline.json",
        metavar="WHAT",
        bare="all",
        reproduces=False,
    )
    fail = Many(
        lambda given: given.expression(),
        "what may get worse, and by how much, as [mode/]metric[.statistic]:allowed[@confidence]; auto: score:-2.5%@95 "
        "and violations:+0",
        metavar="EXPR",
    )
    gate: Option[Strictness] = Option(
        lambda given: given.choice("off", "warn", "fail"),
        "what a regression does: off, warn or fail",
        metavar="HOW",
    )
    incomparable: Option[Incomparable] = Option(
        lambda given: given.choice("warn", "fail", "ignore"),
        "what missing or incomparable cases do: warn, fail or ignore",
        metavar="HOW",
    )
    inconclusive: Option[Inconclusive] = Option(
        lambda given: given.choice("pass", "warn", "fail"),
        "what a verdict does that rests on too little data: pass, warn or fail",
        metavar="HOW",
    )
    resume = Maybe(
        lambda given: given.word(),
        "go on with a run that was cut off, by default the latest: cases that it finished are not run again",
        metavar="RUN",
        bare="latest",
        reproduces=False,
    )
    shard = Maybe(
        lambda given: given.shard(),
        "run one of N parts of the tests, such as 2/3; all cases of a workflow are in one part, and "
        "`python -m pytest_swarm merge` makes one run of the parts",
        metavar="PART/N",
        reproduces=False,
    )
    decide = Flag("say at the end which policy to use, and write it to the run's folder")
    only = Flag("run only tests that use swarm_run")
    skip = Flag("skip tests that use swarm_run")


_GROUPS = (RoutingOptions, ServerOptions, Options)
ROWS: tuple[Option[Any], ...] = tuple(
    row for group in _GROUPS for row in vars(group).values() if isinstance(row, Option)
)
