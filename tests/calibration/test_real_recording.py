"""The recording of two real models: what a profile measured from it predicts. Skipped where it is absent."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pytest_swarm.calibration.calibrate import Calibration, CalibrationDefaults, calibrate
from pytest_swarm.calibration.job_folds import check_new_jobs
from pytest_swarm.calibration.profile_check import ProfileCheck, check_profile, check_table, without_answers
from pytest_swarm.simulator.models.profile import load_profile, parse_profile
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.simulator.server.prefix_cache import PrefixReuse
from pytest_swarm.workloads.fleet import load_fleet

RECORDING = Path(__file__).parents[3] / "shared" / "data" / "real_ollama"

if not (RECORDING / "cassette.jsonl.gz").is_file():
    pytest.skip("the recording is not here", allow_module_level=True)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Calibration, CalibrationDefaults]:
    cassette = tmp_path_factory.mktemp("real") / "cassette.jsonl"
    cassette.write_bytes(gzip.decompress((RECORDING / "cassette.jsonl.gz").read_bytes()))
    defaults = CalibrationDefaults(profile=load_profile("a40"), fleet=load_fleet(RECORDING / "fleet.toml"))
    return calibrate([cassette], name="real", defaults=defaults), defaults


@pytest.fixture(scope="module")
def checks(recording: tuple[Calibration, CalibrationDefaults]) -> tuple[Profile, ProfileCheck, ProfileCheck]:
    """The measured profile, its check, and that of its rules alone."""
    found, fleet = recording[0], recording[1].fleet
    profile = parse_profile(found.profile_text, "real")
    return (
        profile,
        check_profile(profile, fleet, found.takes),
        check_profile(without_answers(profile), fleet, found.takes),
    )


def test_the_profile_has_no_gpu_and_footprints_below_half_a_gigabyte(
    checks: tuple[Profile, ProfileCheck, ProfileCheck],
) -> None:
    spec = checks[0].server_spec
    assert spec.gpu_bytes is None
    assert [round(model.size_bytes / 1e9, 3) for model in spec.models] == [0.3, 0.209]
    assert [model.parameters for model in spec.models] == [{"num_predict": 80}, {"num_predict": 48}]


def test_the_prompt_cache_is_that_of_each_architecture(checks: tuple[Profile, ProfileCheck, ProfileCheck]) -> None:
    """Gemma 3 has a sliding window, so that the server reuses its prompts up to a checkpoint only."""
    rules = {model.name: model.prompt_cache for model in checks[0].server_spec.models}
    assert rules == {"gemma3:270m": PrefixReuse.CHECKPOINTS, "smollm2:135m": PrefixReuse.ANY}
    assert all(1.5 < model.slowdown_beside < 2.5 for model in checks[0].server_spec.models)
    assert [round(model.first_format_s) for model in checks[0].server_spec.models] == [2, 0], "Gemma is the planner"


def test_what_is_far_off_is_the_drift_of_the_machine(checks: tuple[Profile, ProfileCheck, ProfileCheck]) -> None:
    drift = checks[1].drift
    assert len(drift.speeds) == 60
    assert drift.far_at_speed < drift.far <= 3
    assert drift.sentence is not None
    assert drift.sentence.startswith("In 80 % of the cases the recorded machine decoded at 0.8")


def test_a_recorded_run_is_predicted(checks: tuple[Profile, ProfileCheck, ProfileCheck]) -> None:
    _, check, _ = checks
    assert check.cases == 60
    assert check.equal_plans >= 50
    for figure in check.figures:
        allowed = 0.05 if "tokens" in figure.name else 0.15
        assert figure.ratio == pytest.approx(1.0, abs=allowed), figure.name
        assert figure.far_cases <= 2, figure.name


def test_rules_alone_predict_times_and_tokens(checks: tuple[Profile, ProfileCheck, ProfileCheck]) -> None:
    _, _, check = checks
    assert check.equal_plans >= 40
    for figure in check.figures:
        if figure.name != "score":
            assert figure.ratio == pytest.approx(1.0, abs=0.15), figure.name
            assert figure.far_cases <= 4, figure.name


def test_the_table_has_a_line_for_each_figure(checks: tuple[Profile, ProfileCheck, ProfileCheck]) -> None:
    *lines, blank, drift = check_table(*checks[1:])
    assert (blank, drift) == ("", checks[1].drift.sentence)
    assert [line.split()[1] for line in lines[3:]] == [figure.name for figure in checks[1].figures]


def test_jobs_are_predicted_by_the_recordings_of_others(recording: tuple[Calibration, CalibrationDefaults]) -> None:
    found, defaults = recording
    takes = [take for take in found.takes if take.case.key.mode == "greedy"]
    check = check_new_jobs(takes, defaults)
    assert check is not None
    assert (check.cases, check.equal_plans) == (20, 20)
    for figure in check.figures:
        if figure.name != "score":
            assert figure.ratio == pytest.approx(1.0, abs=0.15), figure.name
            assert figure.far_cases <= 4, figure.name
