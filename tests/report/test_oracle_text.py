"""What a report says of the oracle's score where it is no upper bound."""

from __future__ import annotations

from dataclasses import replace

from pytest_swarm.domain.record import JobRecord
from pytest_swarm.report.findings import answers
from pytest_swarm.report.report_model import Report, build_report
from pytest_swarm.report.score_basis import oracle_sentences
from tests.report.factories import WB1, key, record, run


def played(*, bound: float | None, edges: bool = True, mode: str = "oracle") -> JobRecord:
    graph = WB1 if edges else replace(WB1, edges=())
    found = record(graph=graph, case=key(mode))
    return replace(found, steps=tuple(replace(step, bound=bound) for step in found.steps))


def report(*jobs: JobRecord, backend: str) -> Report:
    found = run(*jobs)
    return build_report(replace(found, info=replace(found.info, backend=backend)))


def test_a_proven_bound_needs_no_sentence() -> None:
    assert list(oracle_sentences(report(played(bound=3.0), backend="sim"))) == []
    assert list(oracle_sentences(report(played(bound=None, mode="milp"), backend="measure"))) == []
    assert list(oracle_sentences(report(played(bound=3.0, edges=False), backend="measure"))) == []


def test_where_a_task_depends_on_answers_that_were_not_asked_the_oracle_is_no_bound() -> None:
    found = report(played(bound=3.0), backend="measure")
    (sentence,) = oracle_sentences(found)
    assert sentence.startswith("oracle is no upper bound for the only job: it chose each model as if the answers")
    assert sentence in [each.text for each in answers(found)]


def test_a_search_that_was_cut_short_is_no_proof() -> None:
    (sentence,) = oracle_sentences(report(played(bound=None), backend="sim"))
    assert sentence.startswith("oracle is not proven to be an upper bound for the only job: there were more choices")
