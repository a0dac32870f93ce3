"""The modes that a session knows: how a list of modes is read, what each mode needs, and how its router is made.

The rows are in `registry`. Reading them imports neither numpy nor a solver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_swarm.errors import OptionError, PolicyError
from pytest_swarm.routing.registry import BOTH, MODES, ModeArgument, ModeSpec, row_fault

if TYPE_CHECKING:  # start-up must not pay for numpy and the domain
    from pathlib import Path

    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.routing.base import Router, RouterFactory, RouterSetup

_FOREIGN_ARGUMENT: Final = ModeArgument(metavar="ARGUMENT", example="fast", required=False)
GIVE_SPEEDS: Final = "write them in the fleet file; `python -m pytest_swarm profile` measures them"
_RESERVED: Final = ("both", "all")
_ALIKE: Final = 0.7  # of difflib's ratio: `mlip` for `milp` has 0.75, `other` for `both` 0.67


class ModeOfAll(str):
    """A mode that `all` names: it is left out where the fleet lacks what it needs. One that is named is an error."""

    __slots__ = ()


class ModeTable:
    """The modes that a session knows: the table's, and after them those of third parties."""

    def __init__(self, extra: Mapping[str, RouterFactory | ModeSpec], *, folder: Path | None = None) -> None:
        """Add the routers of `pytest_swarm_routers` to the table.

        Args:
            extra: Name to factory, or to a whole row. A name of the table replaces the factory of that row.
            folder: Where files that modes name are looked for, after the current folder.

        Raises:
            OptionError: A name cannot be written in --swarm-compare, or a row needs what nobody knows.
        """
        specs = {spec.name: spec for spec in MODES}
        for name, given in extra.items():
            if not name or name in _RESERVED or any(each in ":,[]" or each.isspace() for each in name):
                raise OptionError(f"hook pytest_swarm_routers: {name!r} cannot be the name of a mode; use a plain word")
            if isinstance(given, ModeSpec):
                fault = row_fault(given)
                if fault is not None:
                    raise OptionError(f"hook pytest_swarm_routers: mode {name!r}: {fault}; name one of these")
                specs[name] = given._replace(name=name)
            else:
                own = specs.get(name) or ModeSpec(name=name, factory=given)
                specs[name] = own._replace(factory=given, argument=_FOREIGN_ARGUMENT, needs=())
        self._specs = specs
        self._folder = folder

    def is_ours(self, mode: str) -> bool:
        """Return whether the router of a mode is the table's own, and no third party's."""
        return self._specs[mode.partition(":")[0]].factory in {spec.factory for spec in MODES}

    @property
    def specs(self) -> tuple[ModeSpec, ...]:
        """Every row, in the order of reports."""
        return tuple(self._specs.values())

    @property
    def written(self) -> tuple[str, ...]:
        """Every mode as --swarm-compare takes it, with a word in capitals for an argument."""
        return tuple(spec.written for spec in self.specs)

    def knows(self, mode: str) -> bool:
        """Return whether there is a mode, with or without an argument."""
        return mode.partition(":")[0] in self._specs

    def spec(self, mode: str) -> ModeSpec:
        """Return the row of a mode, with or without an argument; OptionError for an unknown name."""
        if not self.knows(mode):
            known = (*_RESERVED, *self.written)
            raise OptionError(f"unknown mode {mode!r}{self._hint(mode)}; known are {', '.join(known)}")
        return self._specs[mode.partition(":")[0]]

    def _hint(self, mode: str) -> str:
        """Return ` (did you mean milp?)` for the mode whose name is most like an unknown one; else nothing."""
        name, colon, argument = mode.partition(":")
        near = _nearest(name.strip().lower().replace("_", "-"), (*_RESERVED, *self._specs))
        spec = self._specs.get(near)
        written = near + (colon + argument if spec is not None and spec.argument is not None else "")
        return f" (did you mean {written}?)" if near else ""

    def policy_file(self, mode: str) -> str | None:
        """Return the policy file that a mode names; None for a mode that names none."""
        argument = self.spec(mode).argument
        return mode.partition(":")[2] if argument is not None and argument.kind == "file" else None

    def parse(self, words: Iterable[str], *, what: str) -> tuple[str, ...]:
        """Return the modes that a list names, each once.

        Args:
            words: Modes, `both`, or `all` (every mode that needs no argument).
            what: Where the list comes from, for messages: `--swarm-compare`.

        Raises:
            OptionError: A mode is unknown, lacks its argument, or takes none.
        """
        modes: list[str] = []
        for word in words:
            if word == "both":
                modes += BOTH
            elif word == "all":
                modes += [ModeOfAll(spec.name) for spec in self.specs if spec.stands_alone]
            else:
                try:
                    self._check_form(word)
                except OptionError as error:
                    raise OptionError(f"{what}: {error}") from None
                modes.append(word)
        named = {mode for mode in modes if not isinstance(mode, ModeOfAll)}
        return tuple(str(mode) if mode in named else mode for mode in dict.fromkeys(modes))

    def planner_of(self, mode: str, default: str | None) -> str | None:
        """Return the tag of the planner that a mode asks: its argument where that names one.

        Args:
            mode: The mode, with its argument.
            default: The planner of --swarm-planner, None where there is none.
        """
        argument = self.spec(mode).argument
        named = mode.partition(":")[2] if argument is not None and argument.kind == "planner" else ""
        return named or default

    def lacks_speeds(self, mode: str, fleet: Fleet) -> str | None:
        """Return why a mode cannot run with a fleet that lacks speeds, in one sentence; None where it can.

        Args:
            mode: The mode, with its argument.
            fleet: The models on offer.
        """
        return lacks_speeds(f"mode {mode!r}", fleet) if "speeds" in self.spec(mode).needs else None

    def _check_form(self, mode: str) -> None:
        spec = self.spec(mode)
        _, colon, argument = mode.partition(":")
        if spec.argument is None and colon:
            raise OptionError(f"mode {spec.name!r} takes no argument, but {mode!r} gives one; write {spec.name!r}")
        if spec.argument is not None and not argument and (colon or spec.argument.required):
            named = {"text": "argument", "planner": "model", "file": "policy file"}
            what = named.get(spec.argument.kind, spec.argument.kind)
            raise OptionError(f"mode {mode!r} names no {what}; write for example {spec.name}:{spec.argument.example}")
        if spec.argument is not None and spec.argument.kind == "planner" and argument:
            from pytest_swarm.domain.model_names import checked_name

            checked_name(argument, what=f"mode {mode!r}", error=OptionError)

    def check(self, mode: str, *, fleet: Fleet, planner: bool, realised: bool) -> None:
        """Refuse, in one sentence, a mode that cannot run with what there is.

        Args:
            mode: The mode, with its argument.
            fleet: The models on offer.
            planner: Whether there is a planner model.
            realised: Whether the backend knows the score of every task on every model.

        Raises:
            OptionError: It cannot run here.
            PolicyError: It is the mode that a policy file names.
        """
        self._check_form(mode)
        spec, argument = self.spec(mode), mode.partition(":")[2]
        if spec.argument is not None and spec.argument.kind == "model" and argument not in fleet:
            has = ", ".join(fleet.tags)
            sizes = (tag for tag in fleet.tags if tag.partition(":")[0] == argument.lower())
            near = _nearest(argument.lower(), fleet.tags) or next(sizes, "")
            hint = f" (did you mean {spec.name}:{near}?)" if near else ""
            raise OptionError(f"mode {mode!r}: fleet {fleet.name!r} has no model {argument!r}{hint}; it has {has}")
        if spec.argument is not None and spec.argument.kind == "file":
            from pytest_swarm.routing.policy import fitting_policy

            own = fitting_policy(argument, fleet, self._folder).mode
            try:
                self.check(own, fleet=fleet, planner=planner, realised=realised)
            except OptionError as error:
                raise PolicyError(f"policy {argument}: cannot be played: {error}") from error
        if "planner" in spec.needs and not (planner or self.planner_of(mode, None)):
            raise OptionError(f"mode {mode!r} needs a planner model; name one with --swarm-planner")
        slow = self.lacks_speeds(mode, fleet)
        if slow is not None:
            raise OptionError(f"{slow}; {GIVE_SPEEDS}")
        if "realised" in spec.needs and not realised:
            raise OptionError(
                f"mode {mode!r} needs the realized score of every task on every model, which only the simulator "
                "knows; leave the mode out or use --swarm-backend=sim"
            )

    def make(self, mode: str, setup: RouterSetup) -> Router:
        """Return the router of a mode.

        Args:
            mode: The mode, with its argument.
            setup: What the factory may use; its `argument` is set here.

        Raises:
            OptionError: The mode is unknown, or cannot run with the setup.
        """
        self.check(mode, fleet=setup.fleet, planner=setup.planner is not None, realised=setup.realised is not None)
        _, colon, argument = mode.partition(":")
        own = replace(
            setup,
            argument=argument if colon else None,
            make=lambda other: self.make(other, setup),
            folder=self._folder,
        )
        return self.spec(mode).factory(own)


def lacks_speeds(what: str, fleet: Fleet) -> str | None:
    """Return which models lack the speeds that something needs, in one sentence; None where all have them.

    Args:
        what: What needs them.
        fleet: The models on offer.
    """
    slow = [model.tag for model in fleet if not model.has_speeds]
    if not slow:
        return None
    return (
        f"{what} needs prefill_tokens_per_s and decode_tokens_per_s of every model; "
        f"fleet {fleet.name!r} lacks them for {', '.join(slow)}"
    )


def _nearest(word: str, known: Iterable[str]) -> str:
    """Return the known name that is most like a word; an empty text where none is like it."""
    import difflib

    return next(iter(difflib.get_close_matches(word, tuple(known), n=1, cutoff=_ALIKE)), "")


def modes_help() -> str:
    """Return what --swarm-compare may hold, for its help text."""
    return f"both (= {','.join(BOTH)}), all, or a comma list of {', '.join(ModeTable({}).written)}"
