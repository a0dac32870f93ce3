"""The options of a run as its files hold them: by name, what counts where nobody gave one, and what it decides.

Loaded at every start of pytest, so it imports next to nothing. How the text of an option is read, and its help, are in
`plugin.options`, which takes default and role from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple

from pytest_swarm.errors import OptionError

_UNSET: Final = "its default"
_ON: Final = "on"


class OptionRole(Enum):
    """What an option decides, and so what it means that two runs have other values of it."""

    SELECTION = "which cases are run, where, and what is done with the outcome"
    """Runs that differ in it can be taken together, and a resumed run may set it anew."""
    REPEATS = "how often a case is run"
    """A resumed run may set it anew. Fewer in one part of a run would be missing in silence."""
    SEED = "which random numbers are drawn"
    FILE = "which file is read"
    """In place of it, what is in the file is compared, where runs are taken together."""
    SCORE = "what a score means"
    """Runs that differ in it are never compared."""
    PLANNING = "how a mode plans"
    """A policy file keeps it."""
    BELIEF = "what a mode weighs and believes"
    """A policy file holds it in fields of its own."""
    CALLS = "what a call holds, and its limits"


RESUMED_ANEW: Final = frozenset({OptionRole.SELECTION, OptionRole.REPEATS})
"""What a resumed run may set otherwise."""
TAKEN_TOGETHER: Final = frozenset({OptionRole.SELECTION, OptionRole.FILE})
"""What runs that are taken together may set otherwise."""


class RunOption(NamedTuple):
    """An option of a run.

    `default` is the text that counts where nobody gave one; None for one without a value. `read_by` are the built-in
    modes that read it; where it names none, it counts for every mode.
    """

    name: str
    role: OptionRole
    default: str | None = None
    read_by: tuple[str, ...] = ()


RUN_OPTIONS: Final[Mapping[str, RunOption]] = MappingProxyType(
    {
        row.name: row
        for row in (
            RunOption("swarm_compare", OptionRole.SELECTION, "lp"),
            RunOption("swarm_horizon", OptionRole.SELECTION, "0"),
            RunOption("swarm_vram", OptionRole.SELECTION, "auto"),
            RunOption("swarm_repeat", OptionRole.REPEATS, "1"),
            RunOption("swarm_seed", OptionRole.SEED, "0"),
            RunOption("swarm_fleet", OptionRole.FILE, "heavy"),
            RunOption("swarm_lambda_token", OptionRole.BELIEF, "0.5"),
            RunOption("swarm_lambda_switch", OptionRole.BELIEF, "0.2"),
            RunOption("swarm_lambda_latency", OptionRole.BELIEF, "0"),
            RunOption("swarm_quality_floor", OptionRole.PLANNING, "0.05", ("heft",)),
            RunOption("swarm_estimates", OptionRole.BELIEF, "prior"),
            RunOption("swarm_learning", OptionRole.BELIEF, "on"),
            RunOption("swarm_solve_limit", OptionRole.PLANNING, "none", ("milp", "staged")),
            RunOption("swarm_planner", OptionRole.PLANNING, "none", ("llm",)),
            RunOption("swarm_judge", OptionRole.SCORE, "none"),
            RunOption("swarm_backend", OptionRole.SELECTION, "auto"),
            RunOption("swarm_answers", OptionRole.SELECTION, ".swarm-answers"),
            RunOption("swarm_offline", OptionRole.SELECTION),
            RunOption("swarm_verify", OptionRole.SELECTION, "0"),
            RunOption("swarm_max_time", OptionRole.SELECTION, "none"),
            RunOption("swarm_ask_parallel", OptionRole.SELECTION, "1"),
            RunOption("swarm_complete", OptionRole.SELECTION),
            RunOption("swarm_dry_run", OptionRole.SELECTION),
            RunOption("swarm_cassette", OptionRole.FILE, "none"),
            RunOption("swarm_record_mode", OptionRole.FILE, "new"),
            RunOption("swarm_host", OptionRole.SELECTION, "auto"),
            RunOption("swarm_profile", OptionRole.FILE, "a40"),
            RunOption("swarm_fault", OptionRole.SCORE, "none"),
            RunOption("swarm_leave_loaded", OptionRole.SELECTION),
            RunOption("swarm_context", OptionRole.CALLS, "graph"),
            RunOption("swarm_carryover", OptionRole.SCORE, "case"),
            RunOption("swarm_concurrency", OptionRole.PLANNING, "4"),
            RunOption("swarm_dispatch", OptionRole.PLANNING, "layers"),
            RunOption("swarm_replan", OptionRole.PLANNING, "every", ("llm",)),
            RunOption("swarm_timeout", OptionRole.CALLS, "120s"),
            RunOption("swarm_retries", OptionRole.SELECTION, "2"),
            RunOption("swarm_reply_limit", OptionRole.CALLS, "32MiB"),
            RunOption("swarm_code_eval", OptionRole.SCORE, "off"),
            RunOption("swarm_report", OptionRole.SELECTION, "auto"),
            RunOption("swarm_baseline", OptionRole.SELECTION, "none"),
            RunOption("swarm_update_baseline", OptionRole.SELECTION, "none"),
            RunOption("swarm_fail", OptionRole.SELECTION, "auto"),
            RunOption("swarm_gate", OptionRole.SELECTION, "fail"),
            RunOption("swarm_incomparable", OptionRole.SELECTION, "warn"),
            RunOption("swarm_inconclusive", OptionRole.SELECTION, "warn"),
            RunOption("swarm_resume", OptionRole.SELECTION, "none"),
            RunOption("swarm_shard", OptionRole.SELECTION, "none"),
            RunOption("swarm_decide", OptionRole.SELECTION),
            RunOption("swarm_only", OptionRole.SELECTION),
            RunOption("swarm_skip", OptionRole.SELECTION),
        )
    }
)


def flag_of(name: str) -> str:
    """Return an option as it stands on the command line, such as `--swarm-seed`."""
    return f"--{name.replace('_', '-')}"


def names_of(*roles: OptionRole) -> frozenset[str]:
    """Return the names of the options of some roles."""
    return frozenset(row.name for row in RUN_OPTIONS.values() if row.role in roles)


def text_of(name: str, options: Mapping[str, str]) -> str:
    """Return the text of an option as it can be typed, its default where nobody gave it.

    Args:
        name: The option, also one of another version, which is not in the table.
        options: The options that somebody gave a run.
    """
    row = RUN_OPTIONS.get(name)
    text = options.get(name, _UNSET if row is None or row.default is None else row.default)
    return _ON if text == "True" else text  # a flag that was given without a value


def differing_options(
    first: Mapping[str, str], other: Mapping[str, str], *, names: Iterable[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield each option of two runs that means something else in the other, with both texts.

    Args:
        first: The options that somebody gave one run.
        other: The options that somebody gave the other run.
        names: The options that count.
    """
    for name in sorted(names):
        there, here = text_of(name, first), text_of(name, other)
        if there != here and _meaning(there) != _meaning(here):
            yield name, there, here


def _meaning(text: str) -> object:
    """Return the meaning of an option's text where it is numbers, as `.5`, a time or a size, as `2m`; else the text."""
    from pytest_swarm.units import parse_duration_s, parse_size_gb

    with suppress(ValueError):
        return tuple(map(float, text.split(",")))
    for parse in (parse_duration_s, parse_size_gb):
        with suppress(OptionError):
            return (parse(text, what="an option"),)
    return text
