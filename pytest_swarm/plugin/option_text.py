"""The text of an option, and the types that it can be read as. Every error names the option and what to write."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

from pytest_swarm.errors import OptionError
from pytest_swarm.plugin.option_kinds import FLAG_PREFIX, OFF_WORDS, ON_WORDS
from pytest_swarm.units import BYTES_PER_GB, parse_duration_s, parse_size_gb

if TYPE_CHECKING:
    from pytest_swarm.domain.estimates_info import EstimatesChoice
    from pytest_swarm.domain.graph import HorizonDepth
    from pytest_swarm.gate.rules import Expression
    from pytest_swarm.report.output_kinds import Output
    from pytest_swarm.routing.mode_table import ModeTable

_MOST: Final = 2**53  # the largest whole number that every reader of a run's files takes exactly
_MOST_DEPTH: Final = 10_000
_MOST_WEIGHT: Final = 1_000_000  # far beyond, sums of the objective lose their smaller parts
_MOST_REPEATS: Final = 10_000
_MOST_ITEMS: Final = 1_000
_Word = TypeVar("_Word", bound=str)
Budget: TypeAlias = float | Literal["auto"]


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
        if "\0" in text:
            raise OptionError(f"{what}: {text!r} has a NUL character, which no value has; remove it")
        self.text = text.strip()
        self.what = what
        if not self.text:
            raise OptionError(f"{what}: is empty; give it a value, or leave it out")
        self._word_for_none: str | None = None
        self._known_modes = known_modes
        self._folder = folder or Path()

    def stands_for_none(self, word: str | None) -> bool:
        """Return whether the text is the word for a value that is not given, which messages name from here on."""
        self._word_for_none = word
        return self.text.lower() == word

    def word(self) -> str:
        """Return the text itself."""
        return self.text

    def model(self) -> str:
        """Return the name of a model."""
        from pytest_swarm.domain.model_names import checked_name

        return checked_name(self.text, what=self.what, error=OptionError)

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

    def choice(self, *words: _Word, alone: str | None = None) -> _Word:
        """Return the text as one of the words; `alone` is that of an option that stands without a value."""
        for word in words:
            if word == self.text:
                return word
        raise self._unknown(words if self._word_for_none is None else (*words, self._word_for_none), alone)

    def switch(self, word: _Word) -> Literal["on"] | _Word | None:
        """Return the text as "on", as the word, or as None for "off"."""
        if self.text.lower() in ON_WORDS:
            return "on"
        if self.text.lower() in OFF_WORDS:
            return None
        if self.text == word:
            return word
        raise self._unknown((word, "true", "false"), "true")

    def _unknown(self, known: Sequence[str], alone: str | None) -> OptionError:
        message = f"{self.what}: {self.text!r} is unknown; known are {', '.join(known)}"
        if alone is not None and self.what.startswith(FLAG_PREFIX):
            message += f" (a path behind it is read as its value: write {self.what}={alone})"
        return OptionError(message)

    def _entry(self, text: str) -> OptionText:
        return OptionText(text, what=self.what, known_modes=self._known_modes, folder=self._folder)

    def _items(self, *, example: str) -> list[OptionText]:
        """Return the entries of a comma list."""
        texts = self.text.split(",")
        if len(texts) > _MOST_ITEMS:
            raise OptionError(f"{self.what}: has {len(texts):,} entries, but may have {_MOST_ITEMS:,} at most")
        if not all(text.strip() for text in texts):
            raise OptionError(f"{self.what}: {self.text!r} has an empty entry; write for example {example}")
        return [self._entry(text) for text in texts]

    def count(self, *, low: int, high: int = _MOST) -> int:
        """Return a whole number from `low` to `high`."""
        try:
            count = int(self.text)
        except ValueError:
            raise OptionError(f"{self.what}: {self.text!r} is not a whole number") from None
        if count < low:
            raise OptionError(f"{self.what}: is {count}, but must be at least {low}")
        if count > high:
            raise OptionError(f"{self.what}: is {count}, but must be at most {high}")
        return count

    def replan_after(self) -> float:
        """Return the ends after which a planner is asked again: 1 for `every`, infinity for `layer`."""
        words = {"every": 1.0, "layer": math.inf}
        if self.text.isalpha() and self.text not in words:
            raise OptionError(f"{self.what}: {self.text!r} is unknown; write every, layer, or a number of ends")
        return words.get(self.text) or self.count(low=1)

    def shard(self) -> tuple[int, int]:
        """Return the number of a part, from 1, and how many parts there are."""
        first, _, last = self.text.partition("/")
        try:
            part, parts = (self._entry(text).count(low=1) for text in (first, last))
        except OptionError:
            part, parts = 1, 0
        if part > parts:
            raise OptionError(f"{self.what}: {self.text!r} is no part of a whole; write for example 2/3")
        return part, parts

    def weight(self, *, high: float = _MOST_WEIGHT) -> float:
        """Return a number from 0 to `high`."""
        try:
            weight = float(self.text)
        except ValueError:
            raise OptionError(f"{self.what}: {self.text!r} is not a number") from None
        if not weight >= 0:  # nor is nan
            raise OptionError(f"{self.what}: is {self.text}, but must be a number of at least 0")
        if weight > high:
            raise OptionError(f"{self.what}: is {self.text}, but must be at most {high:,}")
        return weight + 0.0  # -0 is 0

    def weights(self) -> tuple[float, ...]:
        """Return the weights of `0,0.25,1`, each once."""
        return tuple(dict.fromkeys(item.weight() for item in self._items(example="0.5 or 0,0.25,1")))

    def estimates(self) -> EstimatesChoice:
        """Return where estimates start: a kind, with the run or table behind a colon, or a file."""
        from pytest_swarm.domain.estimates_info import EstimatesChoice, EstimatesKind

        kinds = [kind for kind in EstimatesKind if kind is not EstimatesKind.FILE]
        word, colon, path = self.text.partition(":")
        kind = next((each for each in kinds if each.value == word), None)
        if kind is EstimatesKind.PRIOR and colon:
            raise OptionError(f"{self.what}: prior takes no file; it stands for the priors of the fleet file")
        if kind is not None:
            named = self._entry(path).path_from_there() if path.strip() else None
            return EstimatesChoice(kind=kind, path=named)
        file = self.path_from_there()
        if not file.is_file():
            words = ", ".join(kinds)
            raise OptionError(f"{self.what}: {self.text!r} is none of {words}, and there is no such file")
        return EstimatesChoice(kind=EstimatesKind.FILE, path=file)

    def duration_s(self) -> float:
        """Return seconds."""
        return parse_duration_s(self.text, what=self.what)

    def size_bytes(self, *, low_mib: int) -> int:
        """Return a size in bytes, of at least so many MiB."""
        size = round(parse_size_gb(self.text, what=self.what) * BYTES_PER_GB)
        if size < low_mib << 20:
            raise OptionError(f"{self.what}: {self.text!r} is less than {low_mib}MiB; write for example 64MiB")
        return size

    def url(self) -> str:
        """Return the base URL of a server."""
        from pytest_swarm.ollama.address import base_url

        return base_url(self.text, what=self.what)

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
        """Return the routing modes of `both`, `all` or a comma list."""
        from pytest_swarm.routing.mode_table import ModeTable

        known = self._known_modes or ModeTable({})
        return known.parse([item.text for item in self._items(example="both, all or lp,milp")], what=self.what)

    def horizons(self) -> tuple[HorizonDepth, ...]:
        """Return the horizon depths of `0,1,flat`, each once."""
        depths: list[HorizonDepth] = []
        for item in self._items(example="0,1,3 or flat"):
            if item.text == "flat":
                depths.append("flat")
            elif item.text.isdecimal():
                depths.append(item.count(low=0, high=_MOST_DEPTH))
            else:
                raise OptionError(f"{self.what}: {item.text!r} is not a horizon depth; write 0 or more, or flat")
        return tuple(dict.fromkeys(depths))

    def budgets(self) -> tuple[Budget, ...]:
        """Return the VRAM budgets of `8GB,24GB,auto` in GB, each once."""
        texts = [item.text for item in self._items(example="8GB,24GB or auto")]
        return tuple(dict.fromkeys("auto" if text == "auto" else parse_size_gb(text, what=self.what) for text in texts))

    def repeats(self) -> tuple[int, bool]:
        """Return (repeats, whether they stop as soon as the gate has decided) of `5` or `auto:20`."""
        head, colon, most = self.text.partition(":")
        if head.strip() != "auto":
            return self.count(low=1, high=_MOST_REPEATS), False
        if not colon:
            raise OptionError(f"{self.what}: auto needs a limit, such as auto:20")
        return self._entry(most).count(low=2, high=_MOST_REPEATS), True
