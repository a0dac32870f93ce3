"""The end of a run: close its events, write the reports that were asked for, show the summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_swarm.errors import SwarmError
from pytest_swarm.files import shown_path
from pytest_swarm.plugin.deciding import DecisionEnd, decide_at_end
from pytest_swarm.plugin.foreign_hooks import add_report_context, report_template
from pytest_swarm.plugin.options import Options
from pytest_swarm.report.decided_intervals import decided_report
from pytest_swarm.report.findings import nothing_measured
from pytest_swarm.report.gate_text import gate_text, terminal_lines
from pytest_swarm.report.html import PageOptions
from pytest_swarm.report.output_kinds import FOR_PEOPLE, Output
from pytest_swarm.report.outputs import write_output
from pytest_swarm.report.report_model import Report, build_report
from pytest_swarm.report.terminal import MAX_WIDTH, terminal_summary

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.gate.verdicts import GateResult
    from pytest_swarm.plugin.gate_session import GateEnding
    from pytest_swarm.plugin.prepared_run import PreparedRun

DEFAULT: Final = (Output(kind="json"),)
FOR_A_COMPARISON: Final = (*DEFAULT, Output(kind="html"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SessionEnd:
    """The end of a run: its report, the files that were written, and a sentence for each thing that went wrong.

    `summary` and `verdicts` are the lines for the terminal: of the run, and of its gate.
    """

    report: Report | None
    written: tuple[str, ...]
    troubles: tuple[str, ...]
    gate: GateEnding | None = None
    decision: DecisionEnd | None = None
    summary: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Return whether the run fails though all tests passed: no task succeeded, a report is lost, or by the gate."""
        return bool(self.troubles) or (self.gate is not None and self.gate.failed)


def finish(prepared: PreparedRun, *, complete: bool) -> SessionEnd | None:
    """Close the run, read it back from its events and write its reports; None where nothing was run, nor to be judged.

    A report that cannot be written costs no other one.
    """
    session, folder = prepared.session, prepared.folder
    try:
        notes = (*session.notes, *prepared.resources.remarks)
        ended = folder.end(complete=complete, notes=notes, failed=session.failed)
    except SwarmError as error:
        first = folder.trouble or error  # that a run cannot be read follows from what happened to its file
        return SessionEnd(report=None, written=(), troubles=(str(first),))
    if ended is None:
        return _ending_without_jobs(prepared)
    trouble = folder.trouble
    run, jobs = ended
    report = build_report(run, jobs)
    nothing = nothing_measured(report)
    troubles: list[str] = [] if nothing is None else [nothing.text]
    if trouble is not None:
        troubles.append(f"{trouble} (finished jobs that are kept: {len(jobs)})")
    gate = None
    with _apart("the gate failed, so this run was not judged", troubles):
        gate = None if session.gating is None else session.gating.finish(report, complete=complete)
    report = replace(report, gate=None if gate is None else gate.result)
    default = FOR_A_COMPARISON if len(report.mode_names) > 1 else DEFAULT
    shown = replace(report, decisions=())  # as people read it, with the intervals of its decisions
    with _apart("the decision failed, so no report shows one", troubles):
        shown = decided_report(report)
    written, lost = _write_all(session.settings.report or default, report, prepared, shown=shown)
    troubles += lost
    decision = decide_at_end(run, folder.path) if session.settings.decide and nothing is None else None
    if decision is not None:
        written += decision.written
        troubles += [] if decision.trouble is None else [decision.trouble]
    lines = partial(_terminal_lines, config=session.config, troubles=troubles)
    return SessionEnd(
        report=report,
        written=tuple(written),
        gate=gate,
        decision=decision,
        summary=lines(lambda width, verbose: terminal_summary(shown, width=width, verbose=verbose)),
        verdicts=lines(lambda width, verbose: _gate_lines(report.gate, width=width, verbose=verbose)),
        troubles=tuple(troubles),
    )


@contextmanager
def _apart(what: str, troubles: list[str]) -> Iterator[None]:
    """Run one part of the end; where it fails, say so, and go on behind the block: it must cost no other part.

    Args:
        what: What has failed then, in words.
        troubles: Takes the sentence.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 # hooks, templates and metrics of third parties may raise anything
        troubles.append(f"{what}: {type(error).__name__}: {error}")


def _ending_without_jobs(prepared: PreparedRun) -> SessionEnd | None:
    """Return the end of a run without a job; None where there is nothing to say of it, and nothing was asked for."""
    trouble, gating, config = prepared.folder.trouble, prepared.session.gating, prepared.session.config
    gate = None if gating is None else gating.finish_without_jobs()
    named = {"report": Options.report.dest, "decision": Options.decide.dest}
    asked = [each for each, option in named.items() if config.getoption(option)]
    if trouble is None and gate is None and not asked:
        return None
    troubles = [] if trouble is None else [str(trouble)]
    return SessionEnd(
        report=None,
        written=(),
        gate=gate,
        summary=tuple(f"No {each}, because no job was run." for each in asked),
        verdicts=_terminal_lines(
            lambda width, verbose: _gate_lines(None if gate is None else gate.result, width=width, verbose=verbose),
            config=config,
            troubles=troubles,
        ),
        troubles=tuple(troubles),
    )


def _write_all(
    outputs: Sequence[Output], report: Report, prepared: PreparedRun, *, shown: Report
) -> tuple[list[str], list[str]]:
    """Write each report, and return the paths and a sentence for each that is lost: none costs another one."""
    written: list[str] = []
    troubles: list[str] = []
    for output in outputs:
        with _apart(f"--swarm-report={output.kind}: failed", troubles):
            try:
                read = shown if output.kind in FOR_PEOPLE else report
                written += map(str, _write(output, read, prepared))
            except SwarmError as error:
                troubles.append(str(error))
            except OSError as error:
                target = output.target(prepared.folder.path)
                troubles.append(f"--swarm-report={output.kind}: {target} cannot be written: {error.strerror or error}")
    return written, troubles


def _terminal_lines(
    make: Callable[[int, int], Sequence[str]], *, config: pytest.Config, troubles: list[str]
) -> tuple[str, ...]:
    """Return lines for the terminal; none where there is no terminal, or where making them fails, which is said."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    lines: tuple[str, ...] = ()
    if reporter is not None:
        with _apart("the summary in the terminal failed", troubles):
            lines = tuple(make(_width(reporter), config.get_verbosity()))
    return lines


def _gate_lines(result: GateResult | None, *, width: int, verbose: int) -> list[str]:
    text = gate_text(result)
    return [] if text is None else terminal_lines(text, width, verbose=verbose)


def _write(output: Output, report: Report, prepared: PreparedRun) -> tuple[Path, ...]:
    config, folder = prepared.session.config, prepared.folder
    page = PageOptions()
    if output.kind == "html":
        template = report_template(config)
        path = None if template is None else config.rootpath / template  # wherever pytest was started
        page = PageOptions(template=path, context_hook=lambda context: add_report_context(config, context))
    return write_output(output, report, folder.path, page=page, events=folder.events)


def show(ending: SessionEnd, reporter: pytest.TerminalReporter) -> None:
    """Show the summary in pytest's own style."""
    reporter.section("pytest-swarm", sep="=", bold=True)
    for line in ending.summary:
        reporter.write_line(line)
    if ending.gate is not None:
        show_gate(ending, ending.gate, reporter)
    if ending.decision is not None:
        reporter.section("pytest-swarm decision", sep="-")
        for line in ending.decision.lines:
            reporter.write_line(line)
    for path in ending.written:
        reporter.write_line(f"wrote {shown_path(Path(path), reporter.startpath)}")
    for trouble in ending.troubles:
        reporter.write_line(f"ERROR: {trouble}", red=True)


def _width(reporter: pytest.TerminalReporter) -> int:
    """Return the columns of the terminal; a log has no width of its own."""
    return reporter._tw.fullwidth if reporter.isatty else MAX_WIDTH


def show_gate(ending: SessionEnd, gate: GateEnding, reporter: pytest.TerminalReporter) -> None:
    """Show the gate's table, and for what the run fails."""
    if ending.verdicts:
        reporter.section("pytest-swarm gate", sep="-")
    for line in ending.verdicts:
        reporter.write_line(line)
    for sentence in gate.result.warnings if gate.result is not None else ():
        reporter.write_line(f"WARNING gate: {sentence}", yellow=True)
    for sentence in gate.result.failures if gate.result is not None else ():
        reporter.write_line(f"FAILED gate: {sentence}", red=True)
    for sentence in (*gate.notes, *gate.troubles):
        reporter.write_line(sentence, red=sentence in gate.troubles)
