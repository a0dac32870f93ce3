"""Types of tasks that are almost those of a table, and spellings that are one type."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.task import Task, type_name
from pytest_swarm.errors import EstimateError, FleetError
from pytest_swarm.estimate.estimates_file import read_estimates
from pytest_swarm.estimate.type_spelling import misspelled_types

DECOMPOSED, COMPOSED = "re\u0301sume\u0301", "r\u00e9sum\u00e9"


def fleet(**capabilities: float) -> Fleet:
    model = Model(tag="m", vram_gb=1, load_time_ms=0, cost_per_token=0, max_ctx=99, capabilities=capabilities)
    return Fleet(name="f", models=(model,))


def graph(*types: str) -> TaskGraph:
    return TaskGraph(
        name="j",
        tasks=tuple(Task(id=f"t{n}", type=each, prompt="p", estimated_tokens=1) for n, each in enumerate(types)),
    )


@pytest.mark.parametrize(
    ("types", "known", "named"),
    [
        (["extracton"], ["extraction", "code"], ["extracton"]),
        (["extraction"], ["extracton", "*"], ["extraction"]),
        (["extraction"], ["extraction", "extractions"], []),
        (["poetry"], ["code", "math"], []),
        (["law"], ["laws"], []),
        (["laws"], ["law"], []),
        (["laws"], ["lawss"], ["laws"]),  # four letters are enough
        (["lawss"], ["laws"], ["lawss"]),
        (["math", "maths"], ["math"], []),  # the graph has both: two types
        (["code"], [], []),
    ],
)
def test_a_type_that_a_table_almost_has_is_named(types: list[str], known: list[str], named: list[str]) -> None:
    of = fleet(**dict.fromkeys(known, 0.5))
    found = list(misspelled_types(graph(*types), of))
    assert [each.split("'")[3] for each in found] == named
    assert list(misspelled_types(graph(*types), fleet(), estimates=known)) == [
        each.replace("the capabilities of fleet 'f'", "the estimates") for each in found
    ]


def test_a_slip_in_assign_is_named_though_the_capabilities_have_the_type() -> None:
    of = replace(fleet(extraction=0.5), assign={"extracton": "m"})
    (found,) = misspelled_types(graph("extraction"), of)
    assert found == (
        "job 'j': type 'extraction' of task 't0' is not in [assign] of fleet 'f', which has 'extracton'; spell both "
        "alike if they are the same"
    )


def test_composed_and_decomposed_accents_are_one_type() -> None:
    assert type_name(DECOMPOSED) == type_name(COMPOSED.upper()) == COMPOSED
    assert fleet(**{DECOMPOSED: 0.9}).models[0].capability(COMPOSED) == 0.9


@pytest.mark.parametrize("pair", [("alpha", "ALPHA"), (COMPOSED, DECOMPOSED)])
def test_a_type_that_appears_twice_is_refused(pair: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"assign: type .* appears twice; types are compared in lower case"):
        replace(fleet(), assign=dict.fromkeys(pair, "m"))
    with pytest.raises(FleetError, match="appears twice"):
        fleet(**dict.fromkeys(pair, 0.5))
    rows = ", ".join(
        f'{{"model": "m", "type": "{each}", "prior": 0.5, "mean": 0.5, "count": 1, "estimate": 0.5}}' for each in pair
    )
    head = '"schema": "swarm-estimates/1", "source": "s", "answers": 2, "jobs": 1, "strength": 1.0, "rest": []'
    (tmp_path / "e.json").write_text(f'{{{head}, "estimates": [{rows}]}}', encoding="utf-8")
    with pytest.raises(EstimateError, match="has two estimates of model 'm:latest' on type"):
        read_estimates(tmp_path / "e.json", fleet(), learning=True)
