"""The text of an option, and the types that it can be read as. Every error names the option and what to write."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.option_kinds import OFF_WORDS, ON_WORDS

if TYPE_CHECKING:
    from pytest_swarm.domain.estimates_info import EstimatesChoice
    from pytest_swarm.domain.graph import HorizonDepth
    from pytest_swarm.gate.rules import Expression
    from pytest_swarm.plugin.axes import Budget
    from pytest_swarm.report.output_kinds import Output
    from pytest_swarm.routing.mode_table import ModeTable

_Word = TypeVar("_Word", bound=str)


class OptionText:
    """A text that was given, or a row's default. A method raises OptionError for a text that is not of its kind.

    Args:
        text: The text, without blanks around it.
        what: How messages name the option, such as `--swarm-seed`.
        known_modes: The routing modes of the session.
        folder: Where it was given: the current folder, or that of the ini file.
    """

    def __init__(
        self, text: str, *, what: str, known_modes: ModeTable | None = None, folder: Path | None = None
    ) -> None:
        self.text = text.strip()
        self.what = what
        self._known_modes = known_modes
        self._folder = folder or Path()

    def word(self) -> str:
        """Return the text itself."""
        return self.text

    def path(self) -> Path:
        """Return a path as it was given, or read from the ini file's folder where that is not the current one."""
        return Path(self.text) if self._folder in (Path(), Path.cwd()) else self._folder / Path(self.text)

    def path_from_there(self) -> Path:
        """Return a path, read from the folder where it was given."""
        return self._folder / Path(self.text).expanduser()

    def file_or_name(self) -> str:
        """Return a file, or the name of one that is shipped; a file beside the ini file is found from any folder."""
        beside = self.path_from_there()
        return str(beside) if beside.is_file() and not Path(self.text).exists() else self.text

    def choice(self, *words: _Word, hint: str = "") -> _Word:
        """Return the text as one of the words."""
        for word in words:
            if word == self.text:
                return word
        known = f"{self.what}: {self.text!r} is unknown; known are {', '.join(words)}"
        raise OptionError(f"{known} ({hint})" if hint else known)

    def switch(self, word: _Word) -> Literal["on"] | _Word | None:
        """Return the text as "on", as the word, or as None for "off"."""
        if self.text.lower() in ON_WORDS:
            return "on"
        return None if self.text.lower() in OFF_WORDS else self.choice(word, hint="or the option alone")

    def count(self, *, low: int, high: int | None = None) -> int:
        """Return a whole number of at least `low`, and at most `high` where that is given."""
        from pytest_swarm.plugin.axes import MOST, parse_count

        return parse_count(self.text, what=self.what, low=low, high=MOST if high is None else high)

    def replan_after(self) -> float:
        """Return the ends after which a planner is asked again: 1 for `every`, infinity for `layer`."""
        from pytest_swarm.plugin.axes import parse_count

        words = {"every": 1.0, "layer": math.inf}
        if self.text.isalpha() and self.text not in words:
            raise OptionError(f"{self.what}: {self.text!r} is unknown; write every, layer, or a number of ends")
        return words.get(self.text) or parse_count(self.text, what=self.what, low=1)

    def shard(self) -> tuple[int, int]:
        """Return the number of a part, from 1, and how many parts there are."""
        from pytest_swarm.plugin.axes import parse_count

        first, slash, last = self.text.partition("/")
        part, parts = (parse_count(text, what=self.what, low=1) for text in (first, last if slash else "1"))
        if not slash or part > parts:
            raise OptionError(f"{self.what}: {self.text!r} is no part of a whole; write for example 2/3")
        return part, parts

    def weight(self) -> float:
        """Return a finite number of at least 0."""
        from pytest_swarm.plugin.axes import parse_weight

        return parse_weight(self.text, what=self.what)

    def weights(self) -> tuple[float, ...]:
        """Return finite numbers of at least 0, each once."""
        from pytest_swarm.plugin.axes import parse_weights

        return parse_weights(self.text, what=self.what)

    def estimates(self) -> EstimatesChoice:
        """Return where estimates start: a kind, with the run or table behind a colon, or a file."""
        from pytest_swarm.domain.estimates_info import EstimatesChoice, EstimatesKind

        kinds = [kind for kind in EstimatesKind if kind is not EstimatesKind.FILE]
        word, colon, path = self.text.partition(":")
        kind = next((each for each in kinds if each.value == word), None)
        if kind is EstimatesKind.PRIOR and colon:
            raise OptionError(f"{self.what}: prior takes no file; it stands for the priors of the fleet file")
        if kind is not None:
            named = OptionText(path, what=self.what, folder=self._folder).path_from_there() if path.strip() else None
            return EstimatesChoice(kind=kind, path=named)
        file = self.path_from_there()
        if not file.is_file():
            words = ", ".join(kinds)
            raise OptionError(f"{self.what}: {self.text!r} is none of {words}, and there is no such file")
        return EstimatesChoice(kind=EstimatesKind.FILE, path=file)

    def duration_s(self) -> float:
        """Return seconds."""
        from pytest_swarm.units import parse_duration_s

        return parse_duration_s(self.text, what=self.what)

    def size_bytes(self, *, low_mib: int) -> int:
        """Return a size in bytes, of at least so many MiB."""
        from pytest_swarm.units import BYTES_PER_GB, parse_size_gb

        size = round(parse_size_gb(self.text, what=self.what) * BYTES_PER_GB)
        if size < low_mib << 20:
            raise OptionError(f"{self.what}: {self.text!r} is less than {low_mib}MiB; write for example 64MiB")
        return size

    def url(self) -> str:
        """Return the base URL of a server."""
        from pytest_swarm.ollama.address import base_url

        return base_url(self.text)

    def output(self) -> Output:
        """Return a report to write."""
        from pytest_swarm.report.output_kinds import parse_output

        output = parse_output(self.text, what=self.what)
        if output.path is None or self._folder in (Path(), Path.cwd()):
            return output
        return replace(output, path=self._folder / output.path)

    def expression(self) -> Expression:
        """Return an expression of the gate."""
        from pytest_swarm.gate.rules import parse_expression

        return parse_expression(self.text, what=self.what)

    def modes(self) -> tuple[str, ...]:
        """Return routing modes."""
        from pytest_swarm.plugin.axes import parse_modes
        from pytest_swarm.routing.mode_table import ModeTable

        return parse_modes(self.text, what=self.what, known=self._known_modes or ModeTable({}))

    def horizons(self) -> tuple[HorizonDepth, ...]:
        """Return horizon depths."""
        from pytest_swarm.plugin.axes import parse_horizons

        return parse_horizons(self.text, what=self.what)

    def budgets(self) -> tuple[Budget, ...]:
        """Return VRAM budgets in GB, or `auto`."""
        from pytest_swarm.plugin.axes import parse_budgets

        return parse_budgets(self.text, what=self.what)

    def repeats(self) -> tuple[int, bool]:
        """Return how many repeats, and whether they stop as soon as the gate has decided."""
        from pytest_swarm.plugin.axes import parse_repeat

        return parse_repeat(self.text, what=self.what)
