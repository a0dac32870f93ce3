"""Options that do not go together: each pair is an error in one sentence, before any test is run.

An option of the ini file stands there for all runs, so that only the command line is held to mean this very run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.option_kinds import Option
from pytest_swarm.plugin.options import Options

_OF_A_SERVER: Final = (Options.fault, Options.profile, Options.host)
_OF_A_CASSETTE: Final = ("record", "replay")
_ASKS: Final = (Options.verify, Options.max_time_s, Options.ask_parallel, Options.complete)
_OF_A_MEASUREMENT: Final = (Options.answers, Options.offline, *_ASKS)


def check_conflicts(options: Options, *, on_cli: Callable[[Option[Any]], bool]) -> None:
    """Raise OptionError for the first options that do not go together.

    Args:
        options: The values of all options.
        on_cli: Whether an option stands on the command line.
    """
    backend = Options.backend.flag
    if options.only and options.skip:
        raise OptionError(f"{Options.only.flag} and {Options.skip.flag} together leave no test; give one of them")
    if options.cassette is None and options.backend in _OF_A_CASSETTE:
        raise OptionError(f"{backend}={options.backend} needs the recording's file: add --swarm-cassette=FILE")
    idle = next((row.flag for row in _OF_A_SERVER if on_cli(row)), None)
    if options.backend == "replay" and idle is not None:
        raise OptionError(f"{idle} has no effect with {backend}=replay, where no server is called; leave one out")
    if options.backend not in _OF_A_CASSETTE and on_cli(Options.cassette):
        raise OptionError(f"{Options.cassette.flag} needs {backend}=record or {backend}=replay; add one")
    measuring = next((row.flag for row in _OF_A_MEASUREMENT if on_cli(row)), None)
    if options.backend != "measure" and measuring is not None:
        raise OptionError(f"{measuring} needs {backend}=measure; add it, or leave {measuring} out")
    asking = next((row.flag for row in _ASKS if on_cli(row)), None)
    if options.offline and asking is not None:
        raise OptionError(f"{asking} asks a server, and {Options.offline.flag} forbids it; leave one out")
    if options.dispatch != "tasks" and on_cli(Options.replan):
        raise OptionError(
            f"{Options.replan.flag} needs {Options.dispatch.flag}=tasks: with layers every step is planned anyway; add "
            "it, or leave the other out"
        )
    if options.backend != "record" and on_cli(Options.record_mode):
        raise OptionError(f"{Options.record_mode.flag} needs {backend}=record; add it, or leave the mode out")
