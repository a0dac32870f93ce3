"""Options that do not go together: each is an error in one sentence, before any case is run.

`check_conflicts` reads the options alone. An option of the ini file stands there for all runs, so only the command line
is held to mean this very run. Markers and ini files give each test cases of its own: `check_case_conflicts` comes once
the tests are collected.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.option_kinds import Option
from pytest_swarm.plugin.options import ROWS, Options
from pytest_swarm.report.output_kinds import check_apart
from pytest_swarm.routing.registry import POLICY, SINGLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.domain.record import CaseKey
    from pytest_swarm.execution.bench import Carryover
    from pytest_swarm.plugin.resources import Resources

OF_THE_SIMULATOR: Final[tuple[Option[Any], ...]] = (Options.fault, Options.profile)
_OF_A_REAL_SERVER: Final[tuple[Option[Any], ...]] = (Options.host, Options.leave_loaded)
_OF_A_CASSETTE: Final = ("record", "replay")
_ASKS: Final = (Options.verify, Options.max_time_s, Options.ask_parallel, Options.complete)


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
    _check_server(options, on_cli)
    for row in ROWS:
        if row.needs is not None and on_cli(row):
            _check_needs(row, row.needs, options)
    asking = next((row.flag for row in _ASKS if on_cli(row)), None)
    if options.offline and asking is not None:
        raise OptionError(f"{asking} asks a server, and {Options.offline.flag} forbids it; leave one out")
    files = {
        Options.baseline.flag: options.baseline,
        Options.cassette.flag: options.cassette,
        Options.answers.flag: options.answers,
        Options.fleet.flag: options.fleet,
        Options.profile.flag: options.profile,
    }
    named = {flag: Path(file) for flag, file in files.items() if file is not None}
    check_apart(options.report, what=Options.report.flag, others=named)


def _check_server(options: Options, on_cli: Callable[[Option[Any]], bool]) -> None:
    """Raise OptionError for an option of a server that is not called."""
    backend = f"{Options.backend.flag}={options.backend}"
    cases = (
        (options.backend == "replay", backend, "no server", (*OF_THE_SIMULATOR, *_OF_A_REAL_SERVER)),
        (options.offline, Options.offline.flag, "no server", (*OF_THE_SIMULATOR, *_OF_A_REAL_SERVER)),
        (options.backend == "sim", backend, "no real server", _OF_A_REAL_SERVER),
        (options.backend == "ollama", backend, "no simulator of this process", OF_THE_SIMULATOR),
        (on_cli(Options.host), Options.host.flag, "no simulator of this process", OF_THE_SIMULATOR),
    )
    for holds, cause, what, rows in cases:
        idle = next((row.flag for row in rows if on_cli(row)), None)
        if holds and idle is not None:
            raise OptionError(f"{idle} has no effect with {cause}, where {what} is called; leave one out")


def _check_needs(row: Option[Any], needs: tuple[str, ...], options: Options) -> None:
    """Raise OptionError for an option that has no effect, because another one has none of the values it needs."""
    other, *values = needs
    if options.values[other] not in values:
        flag = next(each.flag for each in ROWS if each.attribute == other)
        needed = " or ".join(f"{flag}={value}" for value in values)
        raise OptionError(f"{row.flag} needs {needed}; add it, or leave {row.flag} out")


def check_case_conflicts(cases: Iterable[tuple[CaseKey, Carryover]], resources: Resources) -> None:
    """Raise OptionError, or PolicyError, for the first case that cannot be run as the options say.

    Args:
        cases: The cases of all tests, each with what it carries over.
        resources: Settings, fleet, estimates and server of the session.
    """
    distinct = set(cases)
    if any(carryover == "group" for _, carryover in distinct):
        fault = _against_group(resources)
        if fault is not None:
            raise OptionError(f"{Options.carryover.flag}=group {fault}")
    _check_one_name(sorted({key.mode for key, _ in distinct}), resources.fleet)
    swept = next((key for key, _ in distinct if key.mode.startswith(POLICY) and key.lambda_token is not None), None)
    if swept is not None:
        raise OptionError(
            f"{Options.lambda_token.flag}: several weights run each case with each of them, and {swept.mode!r} has its "
            "own weights; give one weight, or leave the policy out"
        )
    settings_of = {(key.mode, key.horizon, key.vram_budget_gb) for key, _ in distinct}
    for mode, horizon, budget_gb in sorted(settings_of, key=str):
        if mode.startswith(POLICY):
            from pytest_swarm.routing.policy import check_policy_setting

            check_policy_setting(
                mode.removeprefix(POLICY),
                resources.fleet,
                folder=resources.inputs.folder,
                horizon=horizon,
                budget_gb=budget_gb,
            )


def _check_one_name(modes: Iterable[str], fleet: Fleet) -> None:
    """Raise OptionError for two modes that are one: a single model under two spellings of its tag."""
    named: dict[str, str] = {}
    for mode in modes:
        if mode.startswith(SINGLE):
            other = named.setdefault(fleet[mode.removeprefix(SINGLE)].tag, mode)
            if other != mode:
                raise OptionError(
                    f"{Options.compare.flag}: {other} and {mode} are the same mode; leave one of them out"
                )


def _against_group(resources: Resources) -> str | None:
    """Return why nothing can be carried over from case to case; None where it can."""
    settings = resources.settings
    by_marker = "group" not in (settings.cli.carryover, settings.ini.carryover)
    if settings.resume is not None and by_marker:  # that of an option is compared with the earlier run's
        return f"carries over from job to job (group), and {Options.resume.flag} begins in the middle; start a new run"
    if resources.measuring is not None:
        backend = f"{Options.backend.flag}=measure"
        return f"keeps what is loaded, and {backend} plays each case from an empty GPU; leave one of them out"
    in_worker = resources.inputs.process.is_worker
    if in_worker or settings.shard is not None:
        without = "-n" if in_worker else Options.shard.flag
        return f"keeps what was learned in one process; run it without {without}"
    if resources.estimates.info.kind.per_job:
        crossed = f"{Options.estimates.flag}={settings.estimates.kind.value}"
        return f"keeps what was learned, and {crossed} starts each job anew from all other jobs; leave one of them out"
    return None
