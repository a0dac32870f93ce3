"""The HTML page: one self-contained file, everything escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_swarm.domain.record import Run
from pytest_swarm.report.answers import answers
from pytest_swarm.report.model import Report, build_report
from pytest_swarm.report.terminal import provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section that a user adds to the page: a title, and HTML that the user answers for."""

    title: str
    html: str


def render_html(report: Report, *, template: str | None = None, extra_sections: Sequence[Section] = ()) -> str:
    """The page of a report. `template` is the text of a Jinja2 template to use in place of the shipped one."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pytest_swarm.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.j2") if template is None else environment.from_string(template)
    return page.render(
        report=report, answers=answers(report), provenance=provenance(report), extra_sections=extra_sections
    )


def write_html(run: Run | Report, path: Path, *, template: str | None = None) -> None:
    """Write the page."""
    report = run if isinstance(run, Report) else build_report(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_html(report, template=template), encoding="utf-8", newline="\n")
