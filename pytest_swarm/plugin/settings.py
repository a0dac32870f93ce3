"""Settings: every option resolved and checked, before anything heavy is imported. Command line over ini."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_swarm.errors import OptionError
from pytest_swarm.ollama.address import DEFAULT_HOST, base_url, without_account
from pytest_swarm.plugin.axes import Axes, axes_of_texts, parse_count
from pytest_swarm.plugin.gate_settings import GateSettings, read_gate_settings
from pytest_swarm.plugin.options import OPTIONS
from pytest_swarm.units import parse_duration_s

if TYPE_CHECKING:  # start-up must not pay for the domain
    from pytest_swarm.domain.graph import Context
    from pytest_swarm.report.outputs import Output
    from pytest_swarm.routing.registry import ModeTable

CONTEXTS: Final = ("parents", "none")
BACKENDS: Final = ("auto", "ollama", "sim", "record", "replay")
RECORD_MODES: Final = ("new", "all", "once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All options; the axes are kept apart by source, because markers come between them."""

    cli: Axes
    ini: Axes
    seed: int
    fleet: str
    lambda_token: float
    lambda_switch: float
    lambda_latency: float
    solve_limit_s: float | None
    planner: str | None
    judge: str | None
    backend: str
    cassette: Path | None
    record_mode: str
    hosts: tuple[str, ...]
    profile: str
    faults: tuple[str, ...]
    context: Context | None
    concurrency: int
    timeout_s: float
    code_eval: bool
    reports: tuple[Output, ...] | None
    resume: str | None
    gate: GateSettings
    only: bool
    skip: bool
    given: Mapping[str, str]

    @property
    def auto_repeat(self) -> bool:
        """Whether repeats stop as soon as the gate has decided."""
        return bool(self.axes(Axes()).auto_repeat)

    def axes(self, marker: Axes) -> Axes:
        """Command line > marker > ini; without a comparison, marker and ini give only the first of their lists."""
        if self.cli.modes is None and marker.modes is None and self.ini.modes is None:
            return self.cli.over(marker.once()).over(self.ini.once())
        return self.cli.over(marker).over(self.ini)


def read_settings(config: pytest.Config, *, modes: ModeTable) -> Settings:
    """The settings of a run; OptionError for a value that means nothing. `modes` are the known routing modes."""
    source = _Source(config)
    context = source.choice("context", CONTEXTS)
    limit = source.text("solve-limit")
    backend = source.choice("backend", BACKENDS) or "auto"
    return Settings(
        cli=axes_of_texts(source.cli, what=lambda name: f"--swarm-{name}", known=modes),
        ini=axes_of_texts(source.ini, what=lambda name: f"swarm_{name} (ini)", known=modes),
        seed=parse_count(source.text("seed") or "0", what="--swarm-seed", low=0),
        fleet=source.text("fleet") or "heavy",
        lambda_token=source.weight("lambda-token", 0.5),
        lambda_switch=source.weight("lambda-switch", 0.2),
        lambda_latency=source.weight("lambda-latency", 0.0),
        solve_limit_s=None if limit is None else parse_duration_s(limit, what="--swarm-solve-limit"),
        planner=source.text("planner"),
        judge=source.text("judge"),
        backend=backend,
        cassette=_cassette(source.text("cassette"), backend),
        record_mode=source.choice("record-mode", RECORD_MODES) or "new",
        hosts=tuple(
            map(base_url, source.texts("host") or (os.environ.get("OLLAMA_HOST", "").strip() or DEFAULT_HOST,))
        ),
        profile=source.text("profile") or "a40",
        faults=source.texts("fault"),
        context=None if context is None else ("none" if context == "none" else "parents"),
        concurrency=parse_count(source.text("concurrency") or "4", what="--swarm-concurrency", low=1),
        timeout_s=parse_duration_s(source.text("timeout") or "120s", what="--swarm-timeout"),
        code_eval=source.flag("code-eval"),
        reports=_reports(source.texts("report")),
        resume=source.text("resume"),
        gate=read_gate_settings(source, config.rootpath),
        only=source.flag("only"),
        skip=source.flag("skip"),
        given=source.given(),
    )


class _Source:
    """Texts of the options, from the command line, then from the ini file."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._dest = {option.name: option.dest for option in OPTIONS}

    def cli(self, name: str) -> str | None:
        value = self._config.getoption(self._dest[name])
        if value is not None and not str(value).strip():
            raise OptionError(f"--swarm-{name}: is empty; give it a value, or leave it out")
        return None if value is None else str(value)

    def ini(self, name: str) -> str | None:
        value = self._ini(name)
        return None if value is None else str(value)

    def _ini(self, name: str) -> object:
        try:
            value: object = self._config.getini(self._dest[name])
        except (pytest.UsageError, TypeError, ValueError) as error:  # a number or a list where pytest expects a text
            raise OptionError(f"{self._dest[name]} (ini): {error}; write it as on the command line") from error
        return value

    def text(self, name: str) -> str | None:
        text = self.cli(name)
        text = self.ini(name) if text is None else text
        return text.strip() or None if text is not None else None

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._config.getoption(self._dest[name]) or self._ini(name)
        return tuple(map(str, values)) if isinstance(values, list | tuple) else ()

    def flag(self, name: str) -> bool:
        value = self._config.getoption(self._dest[name])
        return bool(self._ini(name)) if value is None else bool(value)

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        text = self.text(name)
        if text is not None and text not in choices:
            raise OptionError(f"--swarm-{name}: {text!r} is unknown; known are {', '.join(choices)}")
        return text

    def weight(self, name: str, default: float) -> float:
        text = self.text(name)
        if text is None:
            return default
        try:
            weight = float(text)
        except ValueError:
            raise OptionError(f"--swarm-{name}: {text!r} is no number") from None
        if not math.isfinite(weight) or weight < 0:
            raise OptionError(f"--swarm-{name}: is {text}, but must be a number of at least 0")
        return weight

    def given(self) -> dict[str, str]:
        """Every option that somebody set, as text, for the report."""
        found: dict[str, str] = {}
        for option in OPTIONS:
            value = ",".join(self.texts(option.name)) if option.kind == "list" else self.text(option.name)
            if value:
                found[option.dest] = without_account(value)
        return found


def _cassette(text: str | None, backend: str) -> Path | None:
    if text is None and backend in ("record", "replay"):
        raise OptionError(f"--swarm-backend={backend} needs the recording's file, such as --swarm-cassette=run.jsonl")
    return None if text is None else Path(text)


def _usual_hosts() -> tuple[str, ...]:
    return (os.environ.get("OLLAMA_HOST", "").strip() or DEFAULT_HOST,)


def _reports(texts: tuple[str, ...]) -> tuple[Output, ...] | None:
    """The reports that were asked for, as TYPE[:PATH]; None where nobody asked."""
    if not texts:
        return None
    from pytest_swarm.report.outputs import parse_output

    return tuple(parse_output(text, what="--swarm-report") for text in texts)
