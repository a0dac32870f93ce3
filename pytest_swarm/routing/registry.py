"""The rows of routing modes: everything that options, reports, docs and tests know about a mode is one row here.

Reading the table imports neither numpy nor a solver. A router is imported when its mode is first used.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

from pytest_swarm.domain.run_options import RUN_OPTIONS, OptionRole, names_of

if TYPE_CHECKING:  # start-up must not pay for numpy and the domain
    from pytest_swarm.domain.graph import HorizonDepth
    from pytest_swarm.routing.base import Router, RouterFactory, RouterSetup

ModeGroup: TypeAlias = Literal["published", "exact", "rule", "reference", "hindsight"]
Need: TypeAlias = Literal["planner", "speeds", "realised"]
ArgumentKind: TypeAlias = Literal["model", "planner", "file", "text"]

LP: Final = "lp"
LLM: Final = "llm"
ORACLE: Final = "oracle"
FIXED: Final = "fixed"
SINGLE: Final = "single:"  # before the tag
POLICY: Final = "policy:"  # before the file
BOTH: Final = (LP, LLM)
"""The published pair, which `both` stands for."""
MODE_GROUPS: Final[Mapping[ModeGroup, str]] = {
    "published": "Published pair",
    "exact": "Exact programs",
    "rule": "Rules",
    "reference": "References",
    "hindsight": "Hindsight",
}
"""The groups of modes with their headings, in the order of reports."""


class ModeArgument(NamedTuple):
    """What follows the colon of a mode, as in `single:TAG`.

    `kind` says what it names: a `model` of the fleet, a `planner` (any tag of the server), a policy `file`, or any
    `text`. `example` stands in messages.
    """

    metavar: str
    example: str
    kind: ArgumentKind = "text"
    required: bool = True


class ModeSpec(NamedTuple):
    """One row of the table. A named tuple, because making a dataclass costs a millisecond at every start of pytest.

    `group` is one of `MODE_GROUPS`; `label` is the name in reports, by default `name`.
    `exact`: plans are optimal for the mode's own program.
    `needs` are what the router cannot work without: a planner model, the speeds of every model of the fleet, or the
    realized score of every task on every model. `color` is a variable of the report's style sheet. A report is
    rebuilt from a file, so it takes label and color from this table only, and treats other modes by their names.
    """

    name: str
    factory: RouterFactory
    summary: str = ""
    group: ModeGroup = "rule"
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
        from pytest_swarm.garbage import no_collection  # start-up must not pay for it either

        with no_collection():  # CVXPY imports 1,200 modules
            found = import_module(f"pytest_swarm.routing.{module}")
        made: Router = getattr(found, router).from_setup(setup)
        return made

    return make


MODES: Final = (
    ModeSpec(
        name=LP,
        label="LP",
        color="blue",
        factory=_late("lp", "LpRouter"),
        group="published",
        summary="the published relaxation, then the model with the largest share of each task",
        keeps_budget=False,
    ),
    ModeSpec(
        name="milp",
        label="MILP",
        color="teal",
        factory=_late("milp", "MilpRouter"),
        group="exact",
        summary="the same program with a binary residency",
        exact=True,
    ),
    ModeSpec(
        name="staged",
        color="violet",
        factory=_late("staged", "StagedRouter"),
        group="exact",
        summary="a residency per stage, swapping where that pays",
        exact=True,
    ),
    ModeSpec(
        name=LLM,
        label="LLM",
        color="orange",
        factory=_late("llm", "LlmRouter"),
        group="published",
        summary="a planner model's choice, see [llm.md](llm.md); `llm:TAG` names the planner",
        argument=ModeArgument(metavar="TAG", example="llama3.1:8b", kind="planner", required=False),
        needs=("planner",),
    ),
    ModeSpec(
        name="heft",
        label="HEFT",
        color="magenta",
        factory=_late("heft", "HeftRouter"),
        summary="list scheduling by upward rank: the earliest finish among the models of nearly the best quality",
        needs=("speeds",),
    ),
    ModeSpec(
        name=FIXED,
        color="ink",
        factory=_late("fixed", "FixedRouter"),
        summary="a model per task type; tasks as they come, the least recently used model makes room",
        group="reference",
    ),
    ModeSpec(
        name="collate",
        color="olive",
        factory=_late("collate", "CollateRouter"),
        summary="the models of `fixed`, with the tasks of one model together",
        group="reference",
    ),
    ModeSpec(
        name="greedy",
        color="green",
        factory=_late("greedy", "GreedyRouter"),
        summary="each task takes its best model among those that fit with what is chosen",
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
        summary="one model for a job: the one with the best total over its whole graph",
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
        name="policy",
        color="indigo",
        factory=_late("policy", "PolicyRouter"),
        summary="the mode that `decide` chose, as its [policy file](deciding.md#the-policy-file) says",
        argument=ModeArgument(metavar="FILE", example="policy.json", kind="file"),
    ),
    ModeSpec(
        name=ORACLE,
        color="emerald",
        factory=_late("oracle", "OracleRouter"),
        summary="the highest realized score, then the least token cost, then the fewest loads; the measure of regret",
        group="hindsight",
        exact=True,
        needs=("realised",),
    ),
)
_ROW: Final[Mapping[str, int]] = {spec.name: row for row, spec in enumerate(MODES)}


def mode_order(mode: str) -> tuple[int, str]:
    """Return the sort key of a mode: the table's order, third parties' modes after it by name."""
    return _ROW.get(mode.partition(":")[0], len(MODES)), mode


def mode_name(mode: str) -> str:
    """Return the name of a mode for people: `LP`, `single:gemma2:2b`; a third party's mode as it is written."""
    row = built_in(mode)
    return mode if row is None or row.label is None else row.label + mode.removeprefix(row.name)


def policy_name(mode: str, horizon: HorizonDepth | None, lambda_token: float | None = None) -> str:
    """Return the name of a policy for people: `LP`, `LP (horizon 0)`, `MILP (horizon 3, lambda_token 0.25)`.

    Args:
        mode: The routing mode.
        horizon: How far it plans ahead; None where that is no part of the name.
        lambda_token: Its weight of token cost, where that was swept.
    """
    parts = [] if horizon is None else [f"horizon {horizon}"]
    parts += [] if lambda_token is None else [f"lambda_token {lambda_token:g}"]
    return mode_name(mode) + (f" ({', '.join(parts)})" if parts else "")


def row_fault(spec: ModeSpec) -> str | None:
    """Return what a third party's row says that nobody can read, in words; None where there is nothing."""
    kind = None if spec.argument is None else spec.argument.kind
    named = (("needs", spec.needs, Need), ("group", (spec.group,), ModeGroup), ("argument", (kind,), ArgumentKind))
    for field, values, known in named:
        unknown = next((each for each in values if each is not None and each not in get_args(known)), None)
        if unknown is not None:
            return f"{field} says {unknown!r}, and known are {', '.join(get_args(known))}"
    return None


def mode_group(mode: str) -> ModeGroup:
    """Return the group of a mode; a third party's mode is a rule."""
    row = built_in(mode)
    return "rule" if row is None else row.group


def built_in(mode: str) -> ModeSpec | None:
    """Return the table's row of a mode, with or without an argument; None for a third party's mode."""
    row = _ROW.get(mode.partition(":")[0])
    return None if row is None else MODES[row]


def planning_options(mode: str) -> frozenset[str]:
    """Return the options that may change how a mode plans; every one of them for a mode of your own, or a policy's.

    Args:
        mode: The mode with its argument.
    """
    row, planning = built_in(mode), names_of(OptionRole.PLANNING)
    if row is None or mode.startswith(POLICY):
        return planning
    if mode.startswith(f"{LLM}:"):  # which names its planner itself
        planning -= {"swarm_planner"}
    return frozenset(each for each in planning if row.name in (RUN_OPTIONS[each].read_by or (row.name,)))
