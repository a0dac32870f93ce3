"""The HTML page: one self-contained file without network, everything escaped, only its own script allowed to run.

Three nets hold hostile text: Jinja's autoescape, `printable` on every value that is written out, and a content
security policy with the hash of the page's one script.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_swarm.domain.record import EstimateRow, PlanStep
from pytest_swarm.errors import OptionError, printable
from pytest_swarm.metrics.job_metrics import JobMetrics
from pytest_swarm.metrics.measured_jobs import MeasuredJob
from pytest_swarm.metrics.metric_table import shown_in
from pytest_swarm.metrics.spec import Show
from pytest_swarm.metrics.vram_metrics import is_violation
from pytest_swarm.report import wording
from pytest_swarm.report.gate_text import HEAD, gate_text
from pytest_swarm.report.job_list import job_list
from pytest_swarm.report.job_rows import brief_rows
from pytest_swarm.report.metric_text import plain_number, written
from pytest_swarm.report.page import MODEL_COLORS, mode_colors, mode_shape, page_context, script_hash
from pytest_swarm.report.report_model import Report, budget_label, horizon_label
from pytest_swarm.report.side_by_side import run_tables
from pytest_swarm.routing.registry import mode_name
from pytest_swarm.units import plural

if TYPE_CHECKING:
    from types import CodeType

    from jinja2 import BytecodeCache, Environment

TEMPLATE: Final = "report.html.j2"
_UNIT: Final = re.compile(r" (?<=\d )(?=%|(?:GB|ms|s|pts|x)\b)")  # a literal first: the search for it is fast


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section that a user adds to the page: a title, and HTML that the page takes as it is."""

    title: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PageOptions:
    """What a user may change: the template (a path), sections, other runs to show side by side, and a hook.

    The template may say `{% extends "report.html.j2" %}` and fill its blocks `title`, `heading`, `head`, `before`,
    `after` and `policy`. `context_hook` is called with the template's names before rendering and may add to them;
    `context["sections"]` is a list of `Section`.
    """

    template: str | Path | None = None
    sections: Sequence[Section] = ()
    others: Sequence[Report] = ()
    context_hook: Callable[[dict[str, object]], object] | None = field(default=None, repr=False)


def render_html(report: Report, options: PageOptions | None = None) -> str:
    """Return the page of a report.

    Args:
        report: The report.
        options: Template, sections and other runs; None is the page as it is shipped.

    Raises:
        OptionError: The template cannot be read or rendered.
    """
    from jinja2 import TemplateError
    from markupsafe import Markup

    options = options or PageOptions()
    environment = _environment(report, options.template)
    script = _asset("script.js")
    listed = job_list(report, environment)
    context: dict[str, object] = {
        **page_context(report),
        "style": Markup(_asset("style.css")),  # our own file
        "script": Markup(script),  # our own file
        "script_hash": script_hash(script),
        "model_colors": [MODEL_COLORS[n % len(MODEL_COLORS)] for n in range(len(report.info.fleet))],
        "packs": [{"name": pack.name, "base64": Markup(pack.base64)} for pack in listed.packs],
        "job_list": Markup(listed.html),  # rendered by our templates, with autoescape
        "total_rows": listed.total,
        "static_rows": listed.static,
        "row_packs": listed.row_packs,
        "detail_note": listed.note,
        "others": options.others,
        "run_tables": run_tables([report, *options.others]) if options.others else [],
        "sections": list(options.sections),
        "gate": gate_text(report.gate),
        "gate_head": HEAD,
    }
    if options.context_hook is not None:
        options.context_hook(context)
        _check_sections(context["sections"])
    name = TEMPLATE if options.template is None else Path(options.template).name
    try:
        return environment.get_template(name).render(context)
    except TemplateError as error:
        raise OptionError(f"report template {options.template or TEMPLATE}: {error}") from error


def _check_sections(sections: object) -> None:
    """Raise OptionError where a hook added a section that is no `Section`."""
    for each in sections if isinstance(sections, list) else [sections]:
        if not isinstance(each, Section):
            raise OptionError(
                f"hook pytest_swarm_report_context: context['sections'] holds {type(each).__name__} {each!r:.60}; "
                "append Section(title=..., html=...) of pytest_swarm.report.html"
            )


def _asset(name: str) -> str:
    return (files("pytest_swarm.report") / "templates" / name).read_text(encoding="utf-8")


def _environment(report: Report, template: str | Path | None) -> Environment:
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

    shipped = PackageLoader("pytest_swarm.report")
    own = [] if template is None else [FileSystemLoader(Path(template).parent)]
    if template is not None and not Path(template).is_file():
        raise OptionError(f"report template {template}: there is no such file")
    environment = Environment(
        loader=ChoiceLoader([*own, shipped]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_finalize,
        bytecode_cache=_compiled_templates(),
    )
    environment.globals.update(_helpers(report))
    return environment


@cache
def _compiled_templates() -> BytecodeCache:
    """Return what keeps compiled templates for the next page: to compile them takes half of a small page's time."""
    from jinja2 import BytecodeCache
    from jinja2.bccache import Bucket

    class CompiledTemplates(BytecodeCache):
        def __init__(self) -> None:
            self._codes: dict[tuple[str, str], CodeType | None] = {}

        def load_bytecode(self, bucket: Bucket) -> None:
            bucket.code = self._codes.get((bucket.key, bucket.checksum))

        def dump_bytecode(self, bucket: Bucket) -> None:
            self._codes[bucket.key, bucket.checksum] = bucket.code

    return CompiledTemplates()


def _finalize(value: object) -> object:
    """Return a text safe to show on the page, no number parted from its unit; markup of our own templates passes."""
    if type(value) is not str:
        return value
    return _UNIT.sub("\N{NO-BREAK SPACE}", printable(value)) if " " in value else printable(value)


def _helpers(report: Report) -> dict[str, object]:
    """Return functions, by their own names, and names for every template."""
    modes, tags = report.mode_names, report.info.fleet.tags
    colors = mode_colors(modes)
    mode_css = {mode: f"md{n}" for n, mode in enumerate(modes)}
    model_css = {tag: f"ml{n}" for n, tag in enumerate(tags)}
    functions: tuple[Callable[..., object], ...] = (
        *(_breakable, _estimate_cells, _job_details, _job_score, _verbatim),
        *(brief_rows, budget_label, horizon_label, is_violation, mode_shape, plural),
        *(wording.gigabytes, wording.milliseconds, mode_name, wording.number, wording.percent),
        *(wording.seconds, wording.significant),
    )
    return {each.__name__.lstrip("_"): each for each in functions} | {
        "mode_names": modes,
        "mode_class": lambda mode: mode_css.get(mode, ""),
        "mode_color": colors.__getitem__,
        "model_class": lambda tag: model_css.get(tag, ""),
        "short": wording.one_line,
    }


def _breakable(name: str) -> str:
    """Return a name that a line may break after its `:`, `/` and `-`, and within more than 24 characters without."""
    from markupsafe import Markup, escape

    parts = re.findall(r"[^:/-]{0,24}[:/-]|[^:/-]{1,24}", printable(name))
    return Markup("<wbr>").join(escape(part) for part in parts)


def _verbatim(text: str) -> str:
    """Return a text that may be copied from the page, with the spaces that it has."""
    from markupsafe import escape

    return escape(printable(text))


def _job_score(job: MeasuredJob) -> str:
    """Return the job's score; for one that was not completed, how it ended."""
    if job.metrics.score is not None:
        return wording.percent(job.metrics.score)
    return "unscored" if job.record.status == "completed" else job.record.status.value


def _job_details(metrics: JobMetrics) -> list[tuple[str, str]]:
    """Return heading and value of each metric that the section of a job shows; what was not measured is left out."""
    values = ((row, plain_number(row.of_job(metrics))) for row in shown_in(Show.DETAIL))
    return [(row.heading, written(row, value)) for row, value in values if value is not None]


def _estimate_cells(row: EstimateRow, step: PlanStep) -> str:
    """Return an estimate as cells: only numbers, so one piece of markup saves four escapes."""
    from markupsafe import Markup

    load = wording.number(step.switch_cost.get(row.model), 2)
    return Markup(f"<td>{row.quality:.3f}</td><td>{row.token_cost:.3f}</td><td>{row.utility:.3f}</td><td>{load}</td>")
