"""The gate within a session: its baseline, the rules of marked tests, what the run covered, what comes of it all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from pytest_swarm.errors import BaselineError
from pytest_swarm.files import is_there, shown_path
from pytest_swarm.gate.baseline import Baseline, BaselineCase
from pytest_swarm.gate.baseline_change import change_baseline
from pytest_swarm.gate.baseline_codec import read_baseline
from pytest_swarm.gate.evaluate import evaluate
from pytest_swarm.gate.look_memory import remember_look
from pytest_swarm.gate.pairing import RunCases, run_cases
from pytest_swarm.gate.rules import Policy, Rule, parse_expression
from pytest_swarm.gate.run_context import RunContext, differences, run_context_of, virtual_clock
from pytest_swarm.gate.time_verdicts import WALL_TIME, is_wall_time
from pytest_swarm.gate.updating import BaselineUpdate, require_same_context, update_baseline
from pytest_swarm.gate.verdicts import GateResult
from pytest_swarm.plugin.gate_settings import GateSettings, rule_of_marker
from pytest_swarm.plugin.junit import JunitVerdicts
from pytest_swarm.plugin.options import Options

if TYPE_CHECKING:
    import pytest

    from pytest_swarm.domain.record import RunInfo
    from pytest_swarm.report.report_model import Report

_Covered: TypeAlias = Callable[[BaselineCase], bool]
RULE: Final = "swarm_gate"  # the attribute of a report that carries the rule of a marked test
_NARROWING: Final = (
    "keyword",
    "markexpr",
    "deselect",
    "lf",
    "stepwise",
    "ignore",
    "ignore_glob",
    Options.skip.dest,
)
"""Options under which a run leaves out tests that are there: then a case that was not run is not missing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GateEnding:
    """What the gate says at the end: its verdicts (None: there was nothing to compare with), and further sentences."""

    result: GateResult | None
    notes: tuple[str, ...]
    troubles: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the run fails because of the gate."""
        return bool(self.troubles) or (self.result is not None and bool(self.result.failures))


class Gating:
    """One per session; made where a baseline is given or to be written.

    Args:
        config: The session's configuration.
        settings: What the options of the gate say.
        sequential: Whether repeats stop as soon as the gate has decided.
    """

    def __init__(self, config: pytest.Config, settings: GateSettings, *, sequential: bool) -> None:
        self._config = config
        self.settings = settings
        self.sequential = sequential and settings.update is None
        self.rules: dict[str, Rule] = {}
        self.junit = JunitVerdicts(config)
        self.deselected = False

    @cached_property
    def baseline(self) -> Baseline | None:
        """The stored results; None where the file is yet to be made. BaselineError for a file that is no baseline."""
        file = self.settings.file
        if file is None or (self.settings.update is not None and not is_there(file)):
            return None
        return read_baseline(file, shown=self._shown(file))

    def _shown(self, file: Path) -> str:
        return shown_path(file, self._config.invocation_params.dir)

    def prepare(self, describe: Callable[[], RunInfo]) -> None:
        """Read what may be wrong before any test is run: the file, and what the run would be added to."""
        update = self.settings.update
        if self.baseline is not None and update in ("new", "append"):
            require_same_context(self.baseline, run_context_of(describe()), append=update == "append")

    def forewarnings(self, describe: Callable[[], RunInfo]) -> list[str]:
        """Return what is known before the first test of verdicts that will compare nothing."""
        baseline, rule = self.baseline, self.settings.rule
        if baseline is None or rule.gate == "off" or self.settings.update is not None:
            return []
        if reasons := differences(baseline.context, run_context_of(describe())):
            return [f"this run cannot be compared with {baseline.where}: {'; '.join(reasons)}"]
        virtual = virtual_clock(baseline.context, baseline.context)
        asked = [each for known in (rule, *self.rules.values()) for each in known.expressions]
        walls = dict.fromkeys(each.text for each in asked if is_wall_time(each.metric, virtual=virtual))
        return [f"{', '.join(walls)}: will not be comparable: {WALL_TIME}"] if walls else []

    def attach(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Let the report of a marked test carry its rule, as one text: under xdist only workers see markers."""
        rule = rule_of_marker(item, self.settings.rule)
        if rule is not None and report.when == "call":
            texts = [expression.text for expression in rule.expressions]
            report.__dict__[RULE] = json.dumps({"test": rule.test, "gate": rule.gate, "expressions": texts})

    def take(self, report: pytest.TestReport) -> None:
        """Keep the rule that a report carries, and hold of its JUnit XML."""
        self.junit.remember(report)
        text = report.__dict__.get(RULE)
        if text is None:
            return
        data = json.loads(text)
        expressions = tuple(parse_expression(each, what="@pytest.mark.swarm_gate") for each in data["expressions"])
        self.rules[data["test"]] = Rule(expressions=expressions, gate=data["gate"], test=data["test"])

    def finish(self, report: Report, *, complete: bool) -> GateEnding:
        """Judge the run, then write the baseline where that was asked for. What cannot be written is a trouble."""
        covered = _coverage(self._config, report, whole=complete and not self.deselected)
        now = run_context_of(report.info)
        result = None if self.baseline is None else self._judge(_cases(report), now, self.baseline, covered)
        if result is not None:
            self.junit.write({test: case.verdict.value for case in result.cases for test in case.tests})
        notes = () if complete or self.settings.update is None else (_NOT_WRITTEN,)
        if self.settings.update is None or not complete:
            return GateEnding(result=result, notes=(*notes, *(self._remember(report, result) if complete else ())))
        try:
            return GateEnding(result=result, notes=(self._write(report, covered),))
        except BaselineError as error:
            return GateEnding(result=result, notes=(), troubles=(str(error),))

    def finish_without_jobs(self) -> GateEnding | None:
        """Judge a run without jobs, as where every test was skipped: nothing was compared. None under gate=off."""
        baseline = self.baseline
        result = None
        if baseline is not None:
            result = self._judge(RunCases(cases=()), baseline.context, baseline, covered=lambda _: False)
        notes = () if self.settings.update is None else (_NOTHING_TO_WRITE,)
        return GateEnding(result=result, notes=notes) if result is not None or notes else None

    def _judge(self, run: RunCases, now: RunContext, baseline: Baseline, covered: _Covered) -> GateResult | None:
        rule = self.settings.rule
        if rule.gate == "off":
            return None
        policy = Policy(
            default=rule,
            rules=self.rules,
            incomparable=self.settings.incomparable,
            inconclusive=self.settings.inconclusive,
            sequential=self.sequential and self.baseline is not None,
        )
        if self.settings.update in ("all", "append"):  # the user takes what is there for right: say it, but do not fail
            policy = policy.lenient
        return evaluate(run, baseline, now, policy=policy, covered=covered)

    def _remember(self, report: Report, result: GateResult | None) -> tuple[str, ...]:
        """Keep an undecided look in the baseline, so that one with more repeats has a smaller share of the error."""
        baseline, file = self.baseline, self.settings.file
        if result is None or baseline is None or file is None or self.sequential:
            return ()
        return remember_look(baseline, _cases(report), result, file=file, shown=self._shown(file))

    def _write(self, report: Report, covered: _Covered) -> str:
        """Update the file as it is now: another run may have been added to it since this one began."""
        file, update = self.settings.file, self.settings.update
        assert file is not None
        assert update is not None
        cases, now = _cases(report), run_context_of(report.info)
        found: list[BaselineUpdate] = []

        def updated(stored: Baseline | None) -> Baseline:
            if stored is not None and update in ("new", "append"):
                require_same_context(stored, now, append=update == "append")
            found.append(update_baseline(stored, cases, now, update=update, covered=covered))
            return found[0].baseline

        change_baseline(file, updated)
        return f"wrote baseline {self._shown(file)} ({found[0].sentence})"


def _cases(report: Report) -> RunCases:
    return run_cases(report.jobs, lost_tests=report.run.lost_tests, simulated=report.info.simulated)


_NOT_WRITTEN: Final = "the baseline was left as it is, because the run did not come to its end"
_NOTHING_TO_WRITE: Final = "the baseline was left as it is, because no benchmark was run"


def _coverage(config: pytest.Config, report: Report, *, whole: bool) -> _Covered:
    """Return what tells whether a run would have run a case of the baseline if it were still there."""
    args = [str(arg) for arg in config.args]
    narrowed = any(getattr(config.option, name, None) for name in _NARROWING) or any("::" in arg for arg in args)
    paths = [(config.invocation_params.dir / arg).resolve() for arg in args]
    settings = {replace(job.key, repeat=1) for job in report.jobs}

    def asked_for(file: Path) -> bool:
        return any(file == path or path in file.parents for path in paths)

    def covered(case: BaselineCase) -> bool:
        if narrowed or not whole or case.setup.key not in settings:
            return False
        files = {(config.rootpath / sample.test.partition("::")[0]).resolve() for sample in case.samples}
        return all(not file.exists() or asked_for(file) for file in files)

    return covered
