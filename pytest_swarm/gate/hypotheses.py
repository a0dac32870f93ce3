"""Hypotheses: one for each rule, expression and mode, and the pairs of measurements that each is tested on."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean

from pytest_swarm.domain.limits import base_node_id
from pytest_swarm.gate.baseline import BaselineSample
from pytest_swarm.gate.coverage import Coverage, coverage_of
from pytest_swarm.gate.draws import JobDraws, job_draws
from pytest_swarm.gate.looks import share_of_level
from pytest_swarm.gate.pairing import IncompleteJob, Match, Pairing, RunCases
from pytest_swarm.gate.rules import Expression, Policy, Rule
from pytest_swarm.gate.verdicts import Verdict, VerdictRow
from pytest_swarm.routing.registry import mode_name, mode_order
from pytest_swarm.statistics.sign_flips import Pair, Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """What part chance plays in a run beside its baseline.

    `fixed`: none, as on a simulator or on recordings with the same seed. `seeded`: the server is known to draw anew for
    each seed, so equal answers of two repeats are a coincidence. `sequential`: repeats were added only while needed.
    `looks` is how often this run was judged before, with fewer repeats. `twins` are runs of the baseline that are
    another one of it again.
    """

    fixed: bool
    seeded: bool
    sequential: bool = False
    looks: int = 0
    twins: Mapping[str, str] = field(default_factory=dict)

    def draws(self, matches: Iterable[Match], metric: str) -> tuple[JobDraws, ...]:
        """Return the draws of each job that measured the metric on both sides."""
        return job_draws(matches, metric, collapse=not self.seeded, twins=self.twins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One expression under one mode, to be tested over the matched cases at a one-sided `level`.

    `coverage` is what was compared of what should have been, and names what was lost.
    `over_budget` holds sentences that name the steps over budget, by (case digest, occurrence).
    """

    rule: Rule
    expression: Expression
    mode: str
    matches: tuple[Match, ...]
    level: float
    chance: Chance
    coverage: Coverage
    over_budget: Mapping[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)

    def over_other_jobs(self, units: Units) -> Units:
        """Return the units with what chance over other jobs moves together: the declared family of each job."""
        declared: dict[Hashable, Hashable]
        declared = {each.setup.job: (each.now.family,) for each in self.matches if each.now.family is not None}
        return replace(units, clusters=tuple(declared.get(job, job) for job in units.clusters))

    @property
    def level_of_next_look(self) -> float:
        """The level that a run with more repeats will be judged at; bets have theirs at any number of looks."""
        if self.chance.sequential:
            return self.level
        return self.level * share_of_level(self.chance.looks + 1) / share_of_level(self.chance.looks)

    @property
    def draws(self) -> tuple[JobDraws, ...]:
        """The draws of each job that measured the metric on both sides."""
        return self.chance.draws(self.matches, self.expression.metric.name)

    def row(self, verdict: Verdict, **figures: object) -> VerdictRow:
        """Return the row of this hypothesis with its coverage; `figures` are further fields of VerdictRow."""
        coverage = self.coverage
        return VerdictRow(
            test=self.rule.test,
            expression=self.expression.text,
            metric=self.expression.metric.name,
            mode=self.mode,
            gate=self.rule.gate,
            verdict=coverage.limit(verdict),
            cases=coverage.cases,
            cases_expected=coverage.cases_expected,
            pairs=coverage.pairs,
            pairs_expected=coverage.pairs_expected,
            lost=coverage.named,
            looks=self.chance.looks,
            jobs_drawn_together=0 if self.chance.fixed else _drawn_together(self.matches),
            **figures,  # type: ignore[arg-type]
        )

    def without_pairs(self) -> VerdictRow:
        """Return the row where there is nothing to compare."""
        note = f"{self.expression.metric.name} was not measured in both, for any case and repeat"
        if not self.matches:
            note = f"no case of mode {mode_name(self.mode)} is in both"
        return self.row(Verdict.NOT_COMPARABLE, note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPairs:
    """The same repeat of the same case, then and now, where a metric was measured on both sides."""

    pairs: tuple[tuple[Match, BaselineSample, BaselineSample], ...]
    name: str

    @property
    def before(self) -> list[float]:
        """The baseline's values."""
        return [value_of(then, self.name) for _, then, _ in self.pairs]

    @property
    def now(self) -> list[float]:
        """The run's values."""
        return [value_of(now, self.name) for _, _, now in self.pairs]

    @property
    def jobs(self) -> int:
        """How many jobs there are among them."""
        return len({match.setup.job for match, _, _ in self.pairs})

    def differences(self) -> Iterable[Pair]:
        """Yield the differences of the pairs, now minus then."""
        for match, then, now in self.pairs:
            difference = value_of(now, self.name) - value_of(then, self.name)
            yield Pair(match.setup.job, match.now.identity, now.repeat, difference)

    def case_mean(self, *, now: bool) -> float:
        """Return, of one side, the mean over cases of the mean over their pairs: each case has the same weight."""
        cases: dict[object, list[float]] = {}
        for match, then, later in self.pairs:
            cases.setdefault(match.now.identity, []).append(value_of(later if now else then, self.name))
        return fmean(map(fmean, cases.values()))


def measured_pairs(matches: Iterable[Match], name: str) -> MeasuredPairs:
    """Return the pairs of the matches in which the metric was measured on both sides.

    Args:
        matches: Cases with their baselines.
        name: The name of the metric.
    """
    return MeasuredPairs(
        name=name,
        pairs=tuple(
            (match, then, now)
            for match in matches
            for then, now in match.pairs
            if then.figures.get(name) is not None and now.figures.get(name) is not None
        ),
    )


@dataclass(slots=True, kw_only=True)
class _Group:
    """What belongs to one rule and mode."""

    matches: list[Match] = field(default_factory=list)
    incomplete: list[IncompleteJob] = field(default_factory=list)
    absent: int = 0
    lost: list[str] = field(default_factory=list)


def hypotheses_of(pairing: Pairing, run: RunCases, policy: Policy, *, chance: Chance) -> list[Hypothesis]:
    """Return one hypothesis for each rule, expression and mode. They share the error that is allowed to all of them.

    Args:
        pairing: the run beside the baseline.
        run: the run.
        policy: the rules of the run.
        chance: what part chance plays.
    """
    found = [
        (rule, expression, mode, group)
        for rule, modes in _groups(pairing, run, policy).items()
        if rule.gate != "off"
        for expression in rule.expressions
        for mode, group in _of_modes(modes, expression)
    ]
    noisy = sum(not expression.exact for _, expression, _, _ in found)
    return [
        Hypothesis(
            rule=rule,
            expression=expression,
            mode=mode,
            matches=tuple(group.matches),
            level=_level(expression, noisy) * share_of_level(chance.looks),
            chance=chance,
            coverage=_coverage(group, expression, by_slot=chance.fixed),
            over_budget=run.over_budget,
        )
        for rule, expression, mode, group in found
    ]


def _coverage(group: _Group, expression: Expression, *, by_slot: bool) -> Coverage:
    found = coverage_of(
        group.matches,
        expression.metric.name,
        incomplete=group.incomplete,
        absent=group.absent,
        by_slot=by_slot,
    )
    return replace(found, lost=(*group.lost, *found.lost))


def _groups(pairing: Pairing, run: RunCases, policy: Policy) -> dict[Rule, dict[str, _Group]]:
    found: dict[Rule, dict[str, _Group]] = {policy.default: {}}

    def group(rule: Rule, mode: str) -> _Group:
        return found.setdefault(rule, {}).setdefault(mode, _Group())

    for match in pairing.matches:
        group(policy.rule_of(match.now), match.setup.mode).matches.append(match)
    for job in run.incomplete:
        group(policy.rule_of_test(base_node_id(job.test)), job.setup.mode).incomplete.append(job)
    died = {job.setup for job in run.incomplete}
    for case in (*pairing.missing, *(each.now for each in pairing.changed)):
        modes = found.get(policy.rule_of(case), {})
        if case.setup.mode in modes and case.setup not in died:
            modes[case.setup.mode].absent += 1
    _add_lost_tests(found, pairing, run, policy)
    if not found[policy.default] and len(found) > 1:
        del found[policy.default]
    return found


def _add_lost_tests(
    found: Mapping[Rule, Mapping[str, _Group]], pairing: Pairing, run: RunCases, policy: Policy
) -> None:
    """Name each test that failed before it was a job: under the mode that it has in the baseline, else under all."""
    modes = {sample.test: case.setup.mode for case in (*pairing.missing, *pairing.elsewhere) for sample in case.samples}
    for test in run.lost_tests:
        groups = found.get(policy.rule_of_test(base_node_id(test)), {})
        for mode, group in groups.items():
            if modes.get(test, mode) == mode:
                group.lost.append(f"{test} failed before it was run as a job")


def _of_modes(modes: Mapping[str, _Group], expression: Expression) -> list[tuple[str, _Group]]:
    if expression.mode is not None:
        return [(expression.mode, modes.get(expression.mode, _Group()))]
    return [(mode, modes[mode]) for mode in sorted(modes, key=mode_order)]


def _drawn_together(matches: Iterable[Match]) -> int:
    """Return how many jobs share their draws with another one."""
    return len({each.setup.job for each in matches if each.now.drawn_with is not None})


def value_of(sample: BaselineSample, name: str) -> float:
    """Return a figure of a sample that has it."""
    value = sample.figures[name]
    assert value is not None, "measured_pairs() keeps only pairs with both values"
    return value


def confidence(level: float) -> float:
    """Return the two-sided confidence, in percent, of a one-sided level."""
    return round(100 * (1 - 2 * level), 3)


def _level(expression: Expression, noisy: int) -> float:
    """One-sided level alpha / (2 m): Bonferroni over m hypotheses, so equal runs fail in at most alpha / 2."""
    return expression.level / max(1, noisy)
