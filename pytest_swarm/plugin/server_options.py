"""Rows of the table of options: where answers come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_swarm.plugin.option_kinds import Flag, Many, Maybe, Option, OptionValues

_MEASURE: Final = ("backend", "measure")

if TYPE_CHECKING:
    from typing import Literal

    BackendName = Literal["auto", "ollama", "measure", "sim", "record", "replay"]
    RecordModeName = Literal["new", "all", "once"]


class ServerOptions(OptionValues):
    """Options of backends: servers, simulator, recordings, measured answers."""

    backend: Option[BackendName] = Option(
        lambda given: given.choice("auto", "ollama", "measure", "sim", "record", "replay"),
        "where calls go: ollama, measure (each answer once, then every case on the stored answers), sim (the "
        "simulator), record or replay; auto takes an Ollama server that has every model of the fleet, else the "
        "simulator, and record wraps what auto would take",
        metavar="NAME",
    )
    answers = Option(
        lambda given: given.path_from_there(),
        "answer store of --swarm-backend=measure, beside the ini file; with --swarm-offline also an export of one",
        metavar="FILE",
        needs=_MEASURE,
    )
    offline = Flag(
        "ask no server for what the answer store lacks: a missing answer is an error that names it", needs=_MEASURE
    )
    verify = Option(
        lambda given: given.count(low=0),
        "cases of --swarm-backend=measure, drawn by the seed, that are run for real as well, so that the report "
        "compares predicted with real times",
        metavar="N",
        needs=_MEASURE,
    )
    max_time_s = Maybe(
        lambda given: given.duration_s(),
        "stop asking the server of --swarm-backend=measure after this time, such as 30min; the next run goes on",
        metavar="TIME",
        needs=_MEASURE,
    )
    ask_parallel = Option(
        lambda given: given.count(low=1),
        "calls that --swarm-backend=measure asks at a time; more is faster, but texts and times then depend on what "
        "runs beside them",
        metavar="N",
        needs=_MEASURE,
    )
    complete = Flag(
        "with --swarm-backend=measure, first ask every model for every task on right inputs, which mode oracle needs",
        needs=_MEASURE,
    )
    dry_run = Flag("run no benchmark, and say what the run would cost: cases, calls, loads, tokens, minutes")
    cassette = Maybe(
        lambda given: given.path(),
        "recording that --swarm-backend=record writes and --swarm-backend=replay plays",
        metavar="FILE",
        needs=("backend", "record", "replay"),
    )
    record_mode: Option[RecordModeName] = Option(
        lambda given: given.choice("new", "all", "once"),
        "new: record the cases that the cassette lacks and play the others; all: record every case again; once: "
        "record only where there is no cassette yet",
        metavar="MODE",
        needs=("backend", "record"),
    )
    host = Many(
        lambda given: given.url(),
        "URL of an Ollama server; auto: that of OLLAMA_HOST, else http://127.0.0.1:11434",
        metavar="URL",
    )
    profile = Option(
        lambda given: given.file_or_name(),
        "what the simulated models do: a profile in TOML, or the name of a shipped one",
        metavar="FILE",
    )
    fault = Many(
        lambda given: given.word(),
        "make the simulated server fail, such as busy:times=1 or hang:model=phi4:14b",
        metavar="SPEC",
    )
    leave_loaded = Flag(
        "leave the models of the run loaded at its end; without it a real server is left as it was found",
    )
