"""The list of jobs of the page: rows and bodies as HTML, in the page as they are, or packed.

A page of 100 MB kills browsers. So large lists of fragments are gzip in base64: a few MB, which the page's script
unpacks when somebody opens them.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pytest_swarm.report.job_rows import JobRow, brief, job_rows
from pytest_swarm.report.job_view import LADDER, Detail, job_view
from pytest_swarm.report.report_model import Report
from pytest_swarm.report.wording import joined

if TYPE_CHECKING:
    from jinja2 import Environment, Template

STATIC_ROWS: Final = 200  # rows that stand in the page; more are packed
PACKED_LIMIT: Final = 7_000_000  # characters of all bodies together: the page stays below 10 MB
FULL_JOBS: Final = 1_000  # of a large run so many jobs are shown in full, the others in a few tables
FULL_TASKS: Final = 20_000  # tasks of jobs shown in full: a job of 200 tasks takes as long as 200 jobs of one
STATIC_LIMIT: Final = 200_000  # characters of bodies that may be in the page as they are
_CHUNK: Final = 600_000  # characters of a pack before compression: unpacked in some milliseconds
_LEVEL: Final = 6
_SAMPLE: Final = 24  # rows that are rendered to find out how much detail fits
_SAMPLE_TASKS: Final = 5_000  # tasks of these rows, of which there are at least three


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A named list of fragments, compressed."""

    name: str
    base64: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a fragment: the name of its pack, and its index in it."""

    pack: str
    item: int


@dataclass(slots=True, kw_only=True)
class Packer:
    """A collector of fragments into packs that open at once; `prefix` names them `prefix-0`, `prefix-1` and so on."""

    prefix: str
    packs: list[Pack] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)
    _size: int = 0

    def add(self, fragment: str) -> Place:
        """Add a fragment to the open pack and return its place."""
        place = Place(pack=f"{self.prefix}-{len(self.packs)}", item=len(self._open))
        self._open.append(fragment)
        self._size += len(fragment)
        if self._size >= _CHUNK:
            self.close()
        return place

    def close(self) -> None:
        """Compress the open pack, if there is anything in it."""
        if self._open:
            self.packs.append(Pack(name=f"{self.prefix}-{len(self.packs)}", base64=packed(self._open)))
            self._open, self._size = [], 0


def packed(fragments: Iterable[str]) -> str:
    """Return the fragments as a JSON list, gzip and base64; the same fragments give the same text."""
    data = json.dumps(list(fragments), ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return base64.b64encode(gzip.compress(data, compresslevel=_LEVEL, mtime=0)).decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobList:
    """The list as HTML (escaped by its templates), and its packs; `row_packs` names those that hold further rows."""

    html: str
    total: int
    static: int
    packs: tuple[Pack, ...] = ()
    row_packs: tuple[str, ...] = ()
    note: str | None = None


def job_list(report: Report, environment: Environment) -> JobList:
    """Return the list of every job. What would make the page too large is shortened, and `note` says so.

    Args:
        report: The report.
        environment: Jinja's, with the page's templates and autoescape.
    """
    from markupsafe import Markup

    rows = job_rows(report.jobs)
    bodies = _Bodies(rows, environment)
    rendered = (bodies.render(row) for row in rows)
    macros: Any = environment.get_template("job_row.html.j2").module  # its attributes are the macros
    note = _note(bodies.detail, bodies.in_full, len(rows))
    if len(rows) > STATIC_ROWS:
        return _packed(rows, rendered, macros, note)
    whole = list(rendered)
    if sum(map(len, whole)) > STATIC_LIMIT:
        return _packed(rows, whole, macros, note)
    html = "".join(macros.job_row(row, Markup(body), None) for row, body in zip(rows, whole, strict=True))  # escaped
    return JobList(html=html, total=len(rows), static=len(rows), note=note)


class _Bodies:
    """The bodies of the rows: in full for the most important jobs, the others as a few tables."""

    def __init__(self, rows: Sequence[JobRow], environment: Environment) -> None:
        self._full = environment.get_template("job_body.html.j2")
        self._lean = environment.get_template("job_lean.html.j2")
        modes = max((len(row.jobs) for row in rows), default=1)
        most_tasks = max(map(_tasks, rows), default=1)
        telling = sorted(rows, key=JobRow.importance)[: max(1, min(FULL_JOBS // modes, FULL_TASKS // most_tasks))]
        self._in_full = frozenset(row.number for row in telling)
        self.detail = _fitting(telling, self._full)

    @property
    def in_full(self) -> int:
        """Return how many rows are shown in full."""
        return len(self._in_full)

    def render(self, row: JobRow) -> str:
        """Return the body of a row."""
        if row.number in self._in_full:
            return self._full.render(view=job_view(row, self.detail))
        return self._lean.render(row=row, brief=[brief(job) for job in row.jobs])


def _tasks(row: JobRow) -> int:
    """Return the tasks of a row's jobs, at least 1."""
    return max(1, sum(len(job.record.case.graph) for job in row.jobs))


def _packed(rows: Sequence[JobRow], rendered: Iterable[str], macros: Any, note: str | None) -> JobList:
    """Return the list with its bodies in packs, and the rows beyond the first as well."""
    bodies, further = Packer(prefix="jobs"), Packer(prefix="rows")
    standing: list[str] = []
    for n, (row, body) in enumerate(zip(rows, rendered, strict=True)):
        place = bodies.add(body)
        if n < STATIC_ROWS:
            standing.append(macros.job_row(row, macros.brief(row), place))
        else:
            further.add(str(macros.job_row(row, "", place)))
    bodies.close()
    further.close()
    return JobList(
        html="".join(standing),
        total=len(rows),
        static=len(standing),
        packs=(*bodies.packs, *further.packs),
        row_packs=tuple(pack.name for pack in further.packs),
        note=note,
    )


def _fitting(rows: Sequence[JobRow], template: Template) -> Detail:
    """Return the most detail with which all bodies together stay within the limit, judged by a sample of the rows."""
    count = min(_SAMPLE, max(3, _SAMPLE_TASKS // max(map(_tasks, rows), default=1)))
    sample = rows[:: max(1, len(rows) // count)][:count]
    for detail in LADDER[:-1]:
        if not sample:
            break
        size = len(packed(template.render(view=job_view(row, detail)) for row in sample))
        if size * len(rows) / len(sample) <= PACKED_LIMIT:
            return detail
    return LADDER[0] if not sample else LADDER[-1]


def _note(detail: Detail, in_full: int, rows: int) -> str | None:
    """Return what is shortened in the page; None where nothing is."""
    parts: list[str] = []
    if in_full < rows:
        parts.append(f"only the {in_full:,} most important of {rows:,} rows of jobs are shown in full")
    if detail != LADDER[0]:
        parts.append(f"texts longer than {detail.text:,} characters are cut")
    if not detail.estimates:
        parts.append("the estimates of plan steps are left out")
    return f"The run is large: {joined(parts)}; events.jsonl holds everything." if parts else None
