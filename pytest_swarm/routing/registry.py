"""The table of routing modes: everything that options, reports, docs and tests know about a mode is one row here.

Reading the table imports neither numpy nor a solver. A router is imported when its mode is first used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from pytest_swarm.errors import OptionError

if TYPE_CHECKING:  # start-up must not pay for numpy and the domain
    from pytest_swarm.domain.model import Fleet
    from pytest_swarm.routing.base import Router, RouterFactory, RouterSetup

ModeGroup: TypeAlias = Literal["policy", "reference", "hindsight"]
Need: TypeAlias = Literal["planner", "speeds", "realised"]

LP: Final = "lp"
LLM: Final = "llm"
ORACLE: Final = "oracle"
BOTH: Final = (LP, LLM)
"""The published pair, which `both` stands for."""
DEFAULT_MODES: Final = (LP,)


class ModeArgument(NamedTuple):
    """What follows the colon of a mode, as in `single:TAG`.

    `kind` says what it names: a `model` of the fleet, or any `text`. `example` stands in messages.
    """

    metavar: str
    example: str
    kind: Literal["model", "text"] = "text"
    required: bool = True


class ModeSpec(NamedTuple):
    """One row of the table. A named tuple, because making a dataclass costs a millisecond at every start of pytest.

    `label` is the name in reports, by default `name`. `exact`: plans are optimal for the mode's own program.
    `needs` are what the router cannot work without: a planner model, the speeds of every model of the fleet, or the
    realised score of every task on every model. `color` is a variable of the report's style sheet. A report is
    rebuilt from a file, so it takes label and color from this table only, and treats other modes by their names.
    """

    name: str
    factory: RouterFactory
    summary: str = ""
    group: ModeGroup = "policy"
    label: str | None = None
    color: str | None = None
    argument: ModeArgument | None = None
    exact: bool = False
    keeps_budget: bool = True
    needs: tuple[Need, ...] = ()

    @property
    def written(self) -> str:
        """The mode as help texts and tables write it: `lp`, `single:TAG`, `mine[:TEXT]`."""
        if self.argument is None:
            return self.name
        return self.name + (f":{self.argument.metavar}" if self.argument.required else f"[:{self.argument.metavar}]")

    @property
    def stands_alone(self) -> bool:
        """Whether the name without an argument is a mode."""
        return self.argument is None or not self.argument.required


def _late(module: str, router: str) -> RouterFactory:
    """Return a factory that imports `pytest_swarm.routing.MODULE` and calls `ROUTER.from_setup`."""

    def make(setup: RouterSetup) -> Router:
        made: Router = getattr(import_module(f"pytest_swarm.routing.{module}"), router).from_setup(setup)
        return made

    return make


MODES: Final = (
    ModeSpec(
        name=LP,
        label="LP",
        color="blue",
        factory=_late("lp", "LpRouter"),
        summary="the published relaxation, then the model with the largest share of each task",
        keeps_budget=False,
    ),
    ModeSpec(
        name="milp",
        label="MILP",
        color="teal",
        factory=_late("milp", "MilpRouter"),
        summary="the same program with a binary residency",
        exact=True,
    ),
    ModeSpec(
        name="staged",
        color="violet",
        factory=_late("staged", "StagedRouter"),
        summary="a residency per stage, swapping where that pays",
        exact=True,
    ),
    ModeSpec(
        name=LLM,
        label="LLM",
        color="orange",
        factory=_late("llm", "LlmRouter"),
        summary="a planner model's choice, see [llm.md](llm.md)",
        needs=("planner",),
    ),
    ModeSpec(
        name="greedy",
        color="green",
        factory=_late("greedy", "GreedyRouter"),
        summary="each task takes its best model among those that fit with what is chosen",
        group="reference",
    ),
    ModeSpec(
        name="single",
        color="pink",
        factory=_late("single", "SingleRouter"),
        summary="one model for all tasks",
        group="reference",
        argument=ModeArgument(metavar="TAG", example="gemma2:2b", kind="model"),
    ),
    ModeSpec(
        name="best-single",
        color="brown",
        factory=_late("single", "BestSingleRouter"),
        summary="the one model with the best total",
        group="reference",
    ),
    ModeSpec(
        name="random",
        color="slate",
        factory=_late("random", "RandomRouter"),
        summary="a seeded draw among the models that fit",
        group="reference",
    ),
    ModeSpec(
        name=ORACLE,
        color="ink",
        factory=_late("oracle", "OracleRouter"),
        summary="`staged` on realised scores; regret is measured against it",
        group="hindsight",
        exact=True,
        needs=("realised",),
    ),
)
_ROW: Final[Mapping[str, int]] = {spec.name: row for row, spec in enumerate(MODES)}
_FOREIGN_ARGUMENT: Final = ModeArgument(metavar="ARGUMENT", example="fast", required=False)
_RESERVED: Final = ("both", "all")


class ModeTable:
    """The modes that a session knows: the table's, and after them those of third parties."""

    def __init__(self, extra: Mapping[str, RouterFactory | ModeSpec]) -> None:
        """Add the routers of `pytest_swarm_routers` to the table.

        Args:
            extra: Name to factory, or to a whole row. A name of the table replaces the factory of that row.

        Raises:
            OptionError: A name cannot be written in --swarm-compare.
        """
        specs = {spec.name: spec for spec in MODES}
        for name, given in extra.items():
            if not name or name in _RESERVED or any(each in ":,[]" or each.isspace() for each in name):
                raise OptionError(f"hook pytest_swarm_routers: {name!r} cannot be the name of a mode; use a plain word")
            if isinstance(given, ModeSpec):
                specs[name] = given._replace(name=name)
            else:
                own = specs.get(name) or ModeSpec(name=name, factory=given)
                specs[name] = own._replace(factory=given, argument=_FOREIGN_ARGUMENT, needs=())
        self._specs = specs

    @property
    def specs(self) -> tuple[ModeSpec, ...]:
        """Every row, in the order of reports."""
        return tuple(self._specs.values())

    @property
    def written(self) -> tuple[str, ...]:
        """Every mode as --swarm-compare takes it, with a word in capitals for an argument."""
        return tuple(spec.written for spec in self.specs)

    def spec(self, mode: str) -> ModeSpec:
        """Return the row of a mode, with or without an argument; OptionError for an unknown name."""
        name = mode.partition(":")[0]
        if name not in self._specs:
            known = ", ".join((*_RESERVED, *self.written))
            raise OptionError(f"unknown mode {mode!r}; known are {known}")
        return self._specs[name]

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
                modes += [spec.name for spec in self.specs if spec.stands_alone]
            else:
                try:
                    self._check_form(word)
                except OptionError as error:
                    raise OptionError(f"{what}: {error}") from None
                modes.append(word)
        return tuple(dict.fromkeys(modes))

    def _check_form(self, mode: str) -> None:
        spec = self.spec(mode)
        _, colon, argument = mode.partition(":")
        if spec.argument is None and colon:
            raise OptionError(f"mode {spec.name!r} takes no argument, but {mode!r} gives one; write {spec.name!r}")
        if spec.argument is not None and not argument and (colon or spec.argument.required):
            what = "model" if spec.argument.kind == "model" else "argument"
            raise OptionError(f"mode {mode!r} names no {what}; write for example {spec.name}:{spec.argument.example}")

    def check(self, mode: str, *, fleet: Fleet, planner: bool, realised: bool) -> None:
        """Raise OptionError, in one sentence, for a mode that cannot run with what there is.

        Args:
            mode: The mode, with its argument.
            fleet: The models on offer.
            planner: Whether there is a planner model.
            realised: Whether the backend knows the score of every task on every model.
        """
        self._check_form(mode)
        spec, argument = self.spec(mode), mode.partition(":")[2]
        if spec.argument is not None and spec.argument.kind == "model" and argument not in fleet:
            has = ", ".join(fleet.tags)
            raise OptionError(f"mode {mode!r}: fleet {fleet.name!r} has no model {argument!r}; it has {has}")
        if "planner" in spec.needs and not planner:
            raise OptionError(f"mode {mode!r} needs a planner model; name one with --swarm-planner")
        if "speeds" in spec.needs and (slow := [model.tag for model in fleet if not model.has_speeds]):
            raise OptionError(
                f"mode {mode!r} needs prefill_tokens_per_s and decode_tokens_per_s of every model; "
                f"fleet {fleet.name!r} lacks them for {', '.join(slow)}"
            )
        if "realised" in spec.needs and not realised:
            raise OptionError(
                f"mode {mode!r} needs the realised score of every task on every model, which only the simulator "
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
        return self.spec(mode).factory(replace(setup, argument=argument if colon else None))


def make_router(mode: str, setup: RouterSetup, extra: Mapping[str, RouterFactory | ModeSpec]) -> Router:
    """Return the router of a mode, as `ModeTable(extra).make(mode, setup)` does."""
    return ModeTable(extra).make(mode, setup)


def modes_help() -> str:
    """Return what --swarm-compare may hold, for its help text."""
    return f"both (= {','.join(BOTH)}), all, or a comma list of {', '.join(ModeTable({}).written)}"


def mode_order(mode: str) -> tuple[int, str]:
    """Return the sort key of a mode: the table's order, third parties' modes after it by name."""
    return _ROW.get(mode.partition(":")[0], len(MODES)), mode


def built_in(mode: str) -> ModeSpec | None:
    """Return the table's row of a mode, with or without an argument; None for a third party's mode."""
    row = _ROW.get(mode.partition(":")[0])
    return None if row is None else MODES[row]
