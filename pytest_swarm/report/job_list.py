"""The list of jobs of the page: rows and bodies as HTML, standing in the page or packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_swarm.report.job_view import LADDER, Detail, JobRow, job_rows, job_view
from pytest_swarm.report.model import Report
from pytest_swarm.report.packing import STATIC_LIMIT, Pack, Packer, packed

if TYPE_CHECKING:
    from jinja2 import Environment, Template

STATIC_ROWS: Final = 200  # rows that stand in the page; more are packed
PACKED_LIMIT: Final = 7_000_000  # characters of all bodies together: the page stays below 10 MB
_SAMPLE: Final = 24  # rows that are rendered to find out how much detail fits


@dataclass(frozen=True, slots=True, kw_only=True)
class JobList:
    """`html` (escaped by its templates) stands in the page; `row_packs` names the packs that hold further rows."""

    html: str
    total: int
    static: int
    packs: tuple[Pack, ...] = ()
    row_packs: tuple[str, ...] = ()
    note: str | None = None


def job_list(report: Report, environment: Environment) -> JobList:
    """Every job of the report. What would make the page too large is shortened, and `note` says so."""
    rows = job_rows(report.jobs)
    template = environment.get_template("job_body.html.j2")
    detail = _fitting(rows, template)
    note = _note(detail)
    if len(rows) <= STATIC_ROWS:
        bodies = [_body(row, detail, template) for row in rows]
        if sum(map(len, bodies)) <= STATIC_LIMIT:
            row_html = _RowHtml(environment)
            html = "".join(row_html.standing(row, body) for row, body in zip(rows, bodies, strict=True))
            return JobList(html=html, total=len(rows), static=len(rows), note=note)
    return _packed(rows, detail, environment, note)


class _RowHtml:
    """The macros of a row, called from here."""

    def __init__(self, environment: Environment) -> None:
        module = environment.get_template("job_row.html.j2").module
        self._row = module.job_row  # type: ignore[attr-defined]  # a macro of the template
        self._brief = module.brief  # type: ignore[attr-defined]  # a macro of the template

    def standing(self, row: JobRow, body: str) -> str:
        """A row with its body in it."""
        from markupsafe import Markup

        return str(self._row(row, Markup(body), None, None))  # rendered with autoescape just before

    def brief(self, row: JobRow, pack: str, item: int) -> str:
        """A row with only its table of tasks in it; the body is in a pack."""
        return str(self._row(row, self._brief(row), pack, item))

    def bare(self, row: JobRow, pack: str, item: int) -> str:
        """A row that is in a pack itself."""
        return str(self._row(row, "", pack, item))


def _packed(rows: Sequence[JobRow], detail: Detail, environment: Environment, note: str | None) -> JobList:
    template = environment.get_template("job_body.html.j2")
    row_html = _RowHtml(environment)
    bodies, further = Packer(prefix="jobs"), Packer(prefix="rows")
    standing: list[str] = []
    for n, row in enumerate(rows):
        place = bodies.add(_body(row, detail, template))
        if n < STATIC_ROWS:
            standing.append(row_html.brief(row, place.pack, place.item))
        else:
            further.add(row_html.bare(row, place.pack, place.item))
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


def _body(row: JobRow, detail: Detail, template: Template) -> str:
    return template.render(view=job_view(row, detail))


def _fitting(rows: Sequence[JobRow], template: Template) -> Detail:
    """The most detail with which all bodies together stay within the limit, judged by a sample of the rows."""
    sample = rows[:: max(1, len(rows) // _SAMPLE)][:_SAMPLE]
    for detail in LADDER[:-1]:
        if not sample:
            break
        size = len(packed(_body(row, detail, template) for row in sample))
        if size * len(rows) / len(sample) <= PACKED_LIMIT:
            return detail
    return LADDER[0] if not sample else LADDER[-1]


def _note(detail: Detail) -> str | None:
    """What is shortened in the page."""
    if detail == LADDER[0]:
        return None
    left_out = "" if detail.estimates else ", and the estimates of plan steps are left out"
    return (
        f"The run is large, so texts longer than {detail.text:,} characters are cut in this page{left_out};"
        " events.jsonl holds everything."
    )
