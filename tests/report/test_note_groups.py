"""Notes that many cases share are one sentence."""

from __future__ import annotations

from pytest_swarm.report.note_groups import FEWEST_ALIKE, grouped


def clock_notes(count: int) -> list[str]:
    return [f"job{n} [fixed-h1-0.4GB] r{n}: its times leave out 0.{n:02} s of it" for n in range(1, count + 1)]


def test_many_of_a_kind_are_one_that_has_the_largest_figure() -> None:
    notes = ["the server is slow", *clock_notes(30), "job [lp-h0-8GB]: 3 recorded requests were not sent"]
    largest = "job30 [fixed-h1-0.4GB] r30: its times leave out 0.30 s of it (29 more cases with such a note)"
    assert grouped(notes) == [notes[0], largest, notes[-1]]


def test_jobs_that_ended_alike_are_one_sentence() -> None:
    dead = [f"inv{n} [greedy-h1-8GB] ended as error: the server refused (status 500)" for n in range(6)]
    other = "inv9 [greedy-h1-8GB] ended as infeasible: no model fits"
    assert grouped([*dead, other]) == [f"{dead[0]} (5 more cases with such a note)", other]


def test_few_of_a_kind_stay_as_they_are() -> None:
    notes = clock_notes(FEWEST_ALIKE - 1)
    assert grouped(notes) == notes


def test_what_differs_in_more_than_figures_is_no_kind() -> None:
    notes = [f"job [lp-h0-8GB]: model {tag} is gone" for tag in ("a", "b", "c", "d", "e")]
    assert grouped(notes) == notes


def test_notes_that_are_no_cases_stay_as_they_are() -> None:
    notes = [f"server {n}: its lock was taken" for n in range(9)]
    assert grouped(notes) == notes


def test_a_figure_that_is_no_number_is_read_as_well() -> None:
    notes = [f"job [lp-h0-8GB]: Ollama 0.33.{n} answered" for n in range(9)]
    assert grouped(notes)[0].endswith("(8 more cases with such a note)")
