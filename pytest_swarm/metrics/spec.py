"""MetricSpec: everything that the project knows about one metric.

A group of metrics is a class whose attributes are `MetricSpec`s. On the class such an attribute is the row of the
table of metrics. On the figures of one job or of one mode it is the value, with the type that its function returns.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, Flag, StrEnum, auto
from functools import cache
from typing import ClassVar, Generic, Self, TypeVar, cast, get_args, get_type_hints, overload

from pytest_swarm.metrics.facts import JobFacts
from pytest_swarm.statistics.intervals import Interval

J = TypeVar("J")
"""Type of a metric's value for one job."""
A = TypeVar("A")
"""Type of a metric's value for many jobs of one mode."""
J_co = TypeVar("J_co", covariant=True)


class Kind(StrEnum):
    """How a metric is compared with a baseline."""

    MEAN = "mean"  # mean paired difference with interval
    COUNT = "count"  # exact
    TIME = "time"  # ratio of medians with interval, unless the mean is asked for
    SHARE = "share"  # share of jobs: a figure of many jobs only


class Unit(StrEnum):
    """What a metric is measured in; it decides how a value is written."""

    SHARE = "share"  # of 1, written in percent
    VALUE = "value"  # of the routers' objective
    COUNT = "count"
    JOBS = "jobs"  # written as `3 of 24`
    TOKENS = "tokens"
    COST = "cost"
    PER_COST = "1/cost"
    GB = "GB"
    SECONDS = "s"
    MILLISECONDS = "ms"
    JOULES = "J"
    WATTS = "W"


class Worse(Enum):
    """Which way a metric gets worse."""

    HIGHER = 1
    LOWER = -1
    NEITHER = 0


class Show(Flag):
    """Where a metric is shown. `JSON`, `FILES` and `TEXT` are several places at once."""

    CASE = auto()  # `cases` of report.json, and the events
    MODE = auto()  # `modes` of report.json
    CURVE = auto()  # `curves` of report.json
    CSV = auto()  # a column of jobs.csv
    GATE = auto()  # may stand in a gate expression, and is stored in baselines
    SCOREBOARD = auto()  # a row of the page's scoreboard, and of runs side by side
    CHART = auto()  # a look-ahead chart of the page
    DETAIL = auto()  # the page's section of one job
    TERMINAL = auto()  # a column of the terminal's table of modes
    MARKDOWN = auto()  # a column of Markdown's table of modes
    JSON = CASE | MODE
    FILES = CASE | MODE | CSV
    TEXT = TERMINAL | MARKDOWN


class Difference(Enum):
    """How the scoreboard writes a difference between two modes."""

    RELATIVE = "percent"
    ABSOLUTE = "plain"
    POINTS = "points"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobValues:
    """The values of one job by metric; `JobMetrics` gives them names and types."""

    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeValues:
    """The values of many jobs of one mode by metric; `Aggregate` gives them names and types."""

    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[J_co]):
    """One metric over the jobs of a mode: its values, the jobs' other values, and their families; all parallel.

    `unit` is what one of the families is called. `cases` are given where cases have different numbers of repeats on
    purpose: then each case weighs alike in a mean.
    """

    values: Sequence[J_co]
    jobs: Sequence[JobValues]
    families: Sequence[Hashable]
    unit: str
    cases: Sequence[Hashable] | None = None


class MetricGroup:
    """A group of metrics; `GROUP` is its heading on the scoreboard and in the docs."""

    __slots__ = ()
    GROUP: ClassVar[str]


@cache
def _returned(function: Callable[..., object]) -> object:
    """Return the type that a function is declared to return."""
    return get_type_hints(function)["return"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec(Generic[J, A]):
    """One metric: a row of the table of metrics.

    `name` is the attribute's, and the key in every file. `of` computes the value of one job, which `definition`
    describes; its first sentence is the hint on the page. `over` computes the value of many (metrics/summaries.py).
    `low` and `high` bound both.
    `short` heads narrow columns, of which those with the highest `gives_way` are dropped first (0 is never dropped).
    `mark_best` marks the best mode on the scoreboard. `on_wall_clock` metrics are wall time even in the simulator.
    """

    label: str
    definition: str
    of: Callable[[JobFacts], J]
    over: Callable[[Column[J]], A]
    show: Show
    unit: Unit = Unit.COUNT
    kind: Kind = Kind.MEAN
    worse_when: Worse = Worse.HIGHER
    low: float | None = 0.0
    high: float | None = None
    digits: int | None = None
    short: str = ""
    gives_way: int = 0
    difference: Difference = Difference.RELATIVE
    mark_best: bool = True
    on_wall_clock: bool = False
    name: str = field(init=False, default="")
    group: str = field(init=False, default="")

    def __set_name__(self, owner: type[MetricGroup], name: str) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "group", owner.GROUP)

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: JobValues, owner: type) -> J: ...

    @overload
    def __get__(self, instance: ModeValues, owner: type) -> A: ...

    def __get__(self, instance: JobValues | ModeValues | None, owner: type) -> Self | J | A:
        """Return the row itself on the class, and the metric's value on the figures of a job or a mode."""
        if instance is None:
            return self
        return cast("J | A", instance.values[self.name])

    def of_job(self, job: JobValues) -> J:
        """Return the metric's value for one job."""
        return cast("J", job.values[self.name])

    def of_mode(self, mode: ModeValues) -> A:
        """Return the metric's value over the jobs of one mode."""
        return cast("A", mode.values[self.name])

    @property
    def worse(self) -> int:
        """Return +1 where more is worse, -1 where less is, 0 where neither is."""
        return self.worse_when.value

    @property
    def job_type(self) -> object:
        """Return the type of the value of one job."""
        return _returned(self.of)

    @property
    def mode_type(self) -> object:
        """Return the type of the value of many jobs."""
        return _returned(self.over)

    @property
    def has_interval(self) -> bool:
        """Return whether the value of many jobs is a mean with its interval."""
        return Interval in get_args(self.mode_type)

    @property
    def hint(self) -> str:
        """Return the first sentence of the definition."""
        return self.definition.partition(". ")[0].rstrip(".")

    @property
    def summary(self) -> str:
        """Return how the metric is summed up over jobs, in words."""
        text = (self.over.__doc__ or "").partition("\n")[0].rstrip(".")
        return text[:1].lower() + text[1:]

    @property
    def heading(self) -> str:
        """Return the heading of a narrow column."""
        return self.short or self.label.lower()
