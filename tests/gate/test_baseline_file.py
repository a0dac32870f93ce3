from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.errors import BaselineError
from pytest_swarm.gate.baseline_codec import Baseline, encode_baseline, read_baseline, write_baseline
from tests.gate.runs import baseline, case

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=3)


def read_back(text: str, folder: Path) -> Baseline:
    (folder / "b.json").write_text(text)
    return read_baseline(folder / "b.json")


@given(st.dictionaries(st.text(min_size=1, max_size=8), SCORES, max_size=4))
def test_a_baseline_is_read_back_equal(tmp_path_factory: pytest.TempPathFactory, jobs: dict[str, list[float]]) -> None:
    stored = baseline(*(case(job, scores) for job, scores in jobs.items()))
    assert read_back(encode_baseline(stored), tmp_path_factory.getbasetemp()) == stored


def test_the_file_is_sorted_and_one_sample_is_one_line(tmp_path: Path) -> None:
    one, other = case("a", [0.5, 0.25]), case("b", [1.0])
    write_baseline(baseline(one, other), tmp_path / "x.json")
    write_baseline(baseline(other, one), tmp_path / "y.json")
    text = (tmp_path / "x.json").read_text()
    assert text == (tmp_path / "y.json").read_text()
    moved = encode_baseline(baseline(case("a", [0.5, 0.75]), other))
    changed = [line for line in moved.splitlines() if line not in text.splitlines()]
    assert len(changed) == 1
    assert '"score": 0.75' in changed[0]


def test_a_failed_write_leaves_the_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "b.json"
    write_baseline(baseline(case("a", [0.5])), file)
    before = file.read_text()

    def no_space(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(BaselineError, match="cannot be written: no space left"):
        write_baseline(baseline(case("a", [0.9])), file)
    assert file.read_text() == before
    assert [each.name for each in tmp_path.iterdir()] == ["b.json"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not a baseline of pytest-swarm, and is not valid JSON: Expecting property name"),
        ("[]", "is not a baseline of pytest-swarm: its 'schema' is not swarm-baseline/1; name a baseline"),
        ("[pytest]", "is not valid JSON: Expecting value: line 1 column 2 (char 1); name a baseline"),
        ('{"cassette": 1}\n{}', "is not a baseline of pytest-swarm, and holds a recording; name a baseline"),
        ('{"event":"run_start"}\n{}', "is not a baseline of pytest-swarm, and holds the events of a run; name a "),
        ('{\n"schema": "swarm-baseline/1",\n"cases": [', "(char 42); restore the file, or delete it and run with --sw"),
        ("{}", "is not a baseline of pytest-swarm"),
        ('{"schema": "swarm-report/1"}', "is not a baseline of pytest-swarm"),
        ('{"schema": "swarm-baseline/2"}', "newer than swarm-baseline/1; update pytest-swarm"),
        ('{"schema": "swarm-baseline/0"}', "its schema swarm-baseline/0 is unknown; restore the file, or "),
        ('{"schema": "swarm-baseline/x"}', "newer than swarm-baseline/1"),
        ('{"schema": "swarm-baseline/1", "cases": [{"job": "a"}]}', "field 'cases[0].mode' is missing"),
        ('{"schema": "swarm-baseline/1", "cases": []}', "field 'circumstances' is missing"),
        ("[" * 100_000, "is not valid JSON"),
    ],
)
def test_what_is_no_baseline_is_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "b.json"
    file.write_text(text)
    with pytest.raises(BaselineError) as raised:
        read_baseline(file)
    assert sentence in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"there is no such file; make it with .*--swarm-update-baseline"):
        read_baseline(tmp_path / "b.json")
    with pytest.raises(BaselineError, match=r"baseline .*cannot be read: .*embedded null"):
        read_baseline("b\0.json")


def test_a_case_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    twice = json.loads(encode_baseline(baseline(case("a", [0.5]))))
    twice["cases"] *= 2
    with pytest.raises(BaselineError, match=r"holds the case a \[lp-h1-8GB\] twice; delete one of them"):
        read_back(json.dumps(twice), tmp_path)


def test_figures_that_were_not_measured_stay_unmeasured(tmp_path: Path) -> None:
    sample = replace(case("a", [0.5]).samples[0], figures={"score": None, "violations": 1.0})
    stored = baseline(replace(case("a", [0.5]), samples=(sample,)))
    read = read_back(encode_baseline(stored), tmp_path).cases[0].samples[0]
    assert "score" not in read.figures
    assert read.figures["violations"] == 1


OLD = Path(__file__).parents[1] / "data" / "version_1" / "baseline.json"


def test_a_baseline_of_version_0_1_0_is_read_in_full_and_written_as_it_was() -> None:
    stored = read_baseline(OLD)
    assert [each.setup.label for each in stored.cases] == ["old [lp-h0-8GB]", "old [llm-h0-8GB]"]
    assert (stored.context.backend, stored.context.fleet.name, stored.context.seed) == ("record", "heavy", 0)
    assert stored.cases[0].samples[0].figures["score"] == 1.0
    assert encode_baseline(stored) == OLD.read_text()


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ({"score": [1.5]}, "a [lp-h1-8GB] r1: score is 1.5, but must be at most 1"),
        ({"violations": [-1.0]}, "a [lp-h1-8GB] r1: violations is -1, but must be at least 0"),
        ({"violations": [0.5]}, "a [lp-h1-8GB] r1: violations is 0.5, but must be a whole number"),
    ],
)
def test_figures_that_cannot_be_are_refused(tmp_path: Path, figures: dict[str, list[float]], sentence: str) -> None:
    text = encode_baseline(baseline(case("a", [0.5], figures=figures)))
    with pytest.raises(BaselineError) as raised:
        read_back(text, tmp_path)
    assert f"b.json: {sentence}" in str(raised.value)


def test_two_samples_of_one_repeat_are_refused(tmp_path: Path) -> None:
    one = case("a", [0.5])
    text = encode_baseline(baseline(replace(one, samples=one.samples * 2)))
    with pytest.raises(BaselineError, match=r"a \[lp-h1-8GB\] r1 stands there twice; delete one"):
        read_back(text, tmp_path)


def test_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    stored = baseline(case("a", [0.5]))
    assert read_back("\ufeff" + encode_baseline(stored), tmp_path) == stored


def test_answers_and_runs_are_read_back(tmp_path: Path) -> None:
    one = case("a", [0.5])
    stored = baseline(replace(one, samples=(replace(one.samples[0], answers="abc", run="r1"),)))
    assert read_back(encode_baseline(stored), tmp_path) == stored
    assert "answers" not in encode_baseline(baseline(one))
