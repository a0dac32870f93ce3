"""Settings: the value of every option, read and checked before anything heavy is imported. Command line over ini."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_swarm.errors import BaselineError, FleetError, OptionError, ProfileError
from pytest_swarm.ollama.address import default_host, host_as_written, without_secrets
from pytest_swarm.ollama.retrying import CallLimits
from pytest_swarm.plugin.conflicts import OF_THE_SIMULATOR, check_conflicts
from pytest_swarm.plugin.gate_settings import GateSettings, check_rule, gate_settings
from pytest_swarm.plugin.ini_file import OTHER_TYPE, ini_folder, ini_name, ini_value, native_value
from pytest_swarm.plugin.option_kinds import OFF_WORDS, ON_WORDS, Axis, Flag, Many, Option
from pytest_swarm.plugin.option_text import Budget, OptionText
from pytest_swarm.plugin.options import ROWS, Options

if TYPE_CHECKING:  # start-up must not pay for the domain
    from pytest_swarm.domain.graph import HorizonDepth
    from pytest_swarm.execution.bench import Carryover
    from pytest_swarm.routing.mode_table import ModeTable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """What one source says of the parametrization; None = it says nothing."""

    modes: tuple[str, ...] | None = None
    horizons: tuple[HorizonDepth, ...] | None = None
    budgets: tuple[Budget, ...] | None = None
    lambda_tokens: tuple[float, ...] | None = None
    repeat: int | None = None
    auto_repeat: bool | None = None
    carryover: Carryover | None = None
    version: int | None = None
    family: str | None = None

    def over(self, weaker: Axes) -> Axes:
        """Return these axes, and where they say nothing, the weaker source's."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return Axes(**{name: getattr(weaker, name) if value is None else value for name, value in values.items()})

    def once(self) -> Axes:
        """Return only the first of every list: for a run without a comparison."""
        return replace(
            self,
            modes=None,
            horizons=self.horizons and self.horizons[:1],
            budgets=self.budgets and self.budgets[:1],
            lambda_tokens=self.lambda_tokens and self.lambda_tokens[:1],
            repeat=None,
            auto_repeat=None,
        )


def axes_of_texts(
    texts: Callable[[Option[Any]], str | None], *, what: Callable[[Option[Any]], str], known: ModeTable
) -> Axes:
    """Return the axes of a source whose values are texts.

    Args:
        texts: The source's text of an option, None where it has none.
        what: How the source names an option in an error.
        known: The routing modes of the session.
    """

    def read(row: Axis[T]) -> T | None:
        text = texts(row)
        return None if text is None else row.parse(OptionText(text, what=what(row), known_modes=known))

    repeat = read(Options.repeat)
    return Axes(
        modes=read(Options.compare),
        horizons=read(Options.horizon),
        budgets=read(Options.vram),
        lambda_tokens=read(Options.lambda_token),
        repeat=None if repeat is None else repeat[0],
        auto_repeat=None if repeat is None else repeat[1],
        carryover=read(Options.carryover),
    )


class Settings(Options):
    """The value of each option, by the name of its row; the axes by source, because markers come between them.

    Args:
        config: The session's configuration.
        modes: The routing modes that are known.

    Raises:
        OptionError: A value means nothing.

    Attributes:
        cli: The axes of the command line.
        ini: The axes of the ini file.
        gating: What the options of the gate say together.
        one_of_several: Whether the cases have other servers besides that of these settings.
        hosts: The servers of --swarm-host, or the one that OLLAMA_HOST or the default names.
        given: The text of each option that somebody gave, by its dest.
        name_of: Returns how messages call an option.
        describes_simulator: Whether the command line describes the simulator, which `auto` then takes.
    """

    def __init__(self, config: pytest.Config, *, modes: ModeTable) -> None:
        source = _Source(config)
        super().__init__({row.attribute: source.value(row) for row in ROWS if not isinstance(row, Axis)})
        self.cli = axes_of_texts(source.cli, what=lambda row: row.flag, known=modes)
        self.ini = axes_of_texts(source.ini, what=source.ini_name, known=modes)
        self._defaults = axes_of_texts(lambda row: row.default, what=lambda row: row.flag, known=modes)
        self.hosts = tuple(dict.fromkeys(self.host)) or (default_host(),)
        self.one_of_several = False
        self.gating: GateSettings = gate_settings(self, root=Path(config.rootpath), on_cli=source.asks_for)
        self.given: Mapping[str, str] = source.given()
        self.name_of = source.name_of
        self.describes_simulator = any(map(source.asks_for, OF_THE_SIMULATOR))
        check_conflicts(self, on_cli=source.asks_for)
        check_rule(self.gating.rule, modes=modes, auto=self.auto_repeat)

    def at(self, host: str) -> Settings:
        """Return these settings with one server, which is called whatever else there is."""
        settings = copy(self)
        settings.values = {**self.values, Options.backend.attribute: "ollama"}
        settings.one_of_several = len(self.hosts) > 1
        settings.hosts = (host,)
        return settings

    @contextmanager
    def naming(self, row: Option[Any]) -> Iterator[None]:
        """Name the option in an error of the block about its file, unless the command line has just named the file."""
        try:
            yield
        except (BaselineError, FleetError, ProfileError) as error:
            there = row is Options.baseline or Path(str(self.values[row.attribute])).exists()
            if there and self.name_of(row) == row.flag:
                raise
            raise type(error)(f"{self.name_of(row)}: {error}") from error

    @property
    def spreads_cases(self) -> bool:
        """Whether the cases are spread over several servers; a recording, and measured answers, stay on one."""
        return len(self.hosts) > 1 and self.backend in ("auto", "ollama")

    @property
    def limits(self) -> CallLimits:
        """Return the limits of calls."""
        return CallLimits(timeout_s=self.timeout_s, retries=self.retries)

    @property
    def auto_repeat(self) -> bool:
        """Return whether repeats stop as soon as the gate has decided."""
        return bool(self.axes(Axes()).auto_repeat)

    @property
    def lambda_token_alone(self) -> float:
        """Return the weight of token cost of the cases that do not sweep it: the first that was given."""
        weights = self.axes(Axes()).lambda_tokens
        assert weights, "the option has a default"
        return weights[0]

    def axes(self, marker: Axes) -> Axes:
        """Return command line > marker > ini; without a comparison, marker and ini give only the first of a list."""
        if self.cli.modes is None and marker.modes is None and self.ini.modes is None:
            return self.cli.over(marker.once()).over(self.ini.once()).over(self._defaults)
        return self._whole(marker)

    def shortens(self, marker: Axes) -> bool:
        """Return whether a list of marker or ini file counts with its first value only."""
        return self.axes(marker) != self._whole(marker)

    def _whole(self, marker: Axes) -> Axes:
        return self.cli.over(marker).over(self.ini).over(self._defaults)


class _Source:
    """Texts of the options, from the command line, then from the ini file."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._folder = ini_folder(config)

    def value(self, row: Option[Any]) -> object:
        """Return the option's value: of the command line, else of the ini file, else its default."""
        on_cli = self.has_cli(row)
        if isinstance(row, Flag):
            return bool(self._config.getoption(row.dest) if on_cli else self._ini(row))
        texts = self._cli_texts(row) if on_cli else self._ini_texts(row)
        what, folder = (row.flag, Path.cwd()) if on_cli else (self.ini_name(row), self._folder)
        if not texts and row.default is not None:
            texts, what = (row.default,), row.flag
        if row.absent and row.default in texts and len(texts) > 1:
            raise OptionError(f"{what}: {row.default} stands for no value, and others are given; leave it out")
        parsed = [row.parse(OptionText(text, what=what, folder=folder)) for text in texts]
        if isinstance(row, Many):
            return tuple(each for values in parsed for each in values)
        return parsed[0] if parsed else None

    def ini_name(self, row: Option[Any]) -> str:
        """Return how messages call the option where the ini file gives it."""
        return ini_name(self._config, row.dest)

    def name_of(self, row: Option[Any]) -> str:
        """Return how messages call the option, by where its value is from."""
        return self.ini_name(row) if not self.has_cli(row) and self._ini_texts(row) else row.flag

    def has_cli(self, row: Option[Any]) -> bool:
        """Return whether the command line gives the option."""
        return self._config.getoption(row.dest) is not None

    def asks_for(self, row: Option[Any]) -> bool:
        """Return whether the command line gives the option a value that it would not have anyway, as `none` is."""
        text = self.cli(row)
        return text is not None and not ((row.absent or row.needs) and row.canonical(text) == row.default)

    def cli(self, row: Option[Any]) -> str | None:
        """Return the text on the command line."""
        return ",".join(self._cli_texts(row)) if self.has_cli(row) else None

    def ini(self, row: Option[Any]) -> str | None:
        """Return the text in the ini file."""
        return ",".join(texts) if (texts := self._ini_texts(row)) else None

    def given(self) -> dict[str, str]:
        """Return every option that was set, as text, for the report."""
        found: dict[str, str] = {}
        for row in ROWS:
            text = self.cli(row) or self.ini(row)
            if text is None or (row.absent and row.canonical(text) == row.default):
                continue
            if row is Options.host:
                texts = self._cli_texts(row) if self.has_cli(row) else self._ini_texts(row)
                found[row.dest] = ",".join(map(host_as_written, texts))
            else:
                found[row.dest] = without_secrets(row.canonical(text))
        return found

    def _cli_texts(self, row: Option[Any]) -> tuple[str, ...]:
        value = self._config.getoption(row.dest)
        return tuple(str(text).strip() for text in (value if isinstance(value, list) else (value,)))

    def _ini_texts(self, row: Option[Any]) -> tuple[str, ...]:
        """Return the texts in the ini file; a list, and several lines, are one text with commas, unless repeatable."""
        value = self._ini(row)
        if value is None or value is False:
            return ()
        if not isinstance(value, list | tuple):
            value = str(value).strip().splitlines()
        texts = tuple(str(each).strip() for each in value) or ("",)
        if len(texts) > 1 and not isinstance(row, Axis | Many):
            raise OptionError(f"{self.ini_name(row)}: takes one value, and has {len(texts)}; leave the others out")
        if row.bare is not None:  # as on the command line, where such an option can stand alone
            word = texts[0].lower()
            texts = (row.bare,) if word in ON_WORDS else () if word in OFF_WORDS else texts
        return texts if isinstance(row, Many) or not texts else (",".join(texts),)

    def _ini(self, row: Option[Any]) -> object:
        try:
            return ini_value(self._config, row.dest)
        except (*OTHER_TYPE, ValueError) as error:
            return native_value(row, self._config, error)
