"""A recording on a quiet GPU: what a profile measured from it predicts, but for prompts that stalled."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.calibration.calibrate import Calibration, CalibrationDefaults, calibrate
from pytest_swarm.calibration.job_folds import check_new_jobs
from pytest_swarm.calibration.profile_check import ProfileCheck, check_profile, check_table, without_answers
from pytest_swarm.simulator.models.profile import load_profile, parse_profile
from pytest_swarm.simulator.models.profile_types import Profile
from pytest_swarm.workloads.fleet import load_fleet

RECORDING = Path(__file__).parents[1] / "data" / "gpu_recording"
FLEET = load_fleet(RECORDING / "fleet.toml")
DEFAULTS = CalibrationDefaults(profile=load_profile("a40"), fleet=FLEET)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Calibration, Profile]:
    folder = tmp_path_factory.mktemp("gpu")
    cassette = folder / "cassette.jsonl"
    cassette.write_bytes(gzip.decompress((RECORDING / "cassette.jsonl.gz").read_bytes()))
    found = calibrate([cassette], name="gpu", defaults=DEFAULTS)
    return found, parse_profile(found.profile_text, "gpu")


@pytest.mark.parametrize("by_rules", [False, True], ids=["with answers", "by rules"])
def test_times_and_tokens_of_a_quiet_gpu_are_predicted(measured: tuple[Calibration, Profile], by_rules: bool) -> None:
    found, profile = measured
    check: ProfileCheck = check_profile(without_answers(profile) if by_rules else profile, FLEET, found.takes)
    assert (check.cases, check.equal_plans, check.stalled_cases) == (24, 24, 7)
    ratios = {each.name: each.ratio for each in check.figures if each.name != "score"}
    assert ratios == {name: pytest.approx(1, abs=0.05) for name in ratios}
    assert [each.far_cases for each in check.figures if each.name != "score"] == [0] * 5
    assert check_table(check, check)[-3].startswith("The sums leave out 7 cases in which the server took 43.9 s more")


def test_stalled_prompts_are_noted_and_no_part_of_a_speed(measured: tuple[Calibration, Profile]) -> None:
    found, profile = measured
    assert sum("prompts took over 8 times as long to read as usual" in each for each in found.notes) == 3
    speeds = [round(each.prefill_tokens_per_s, -2) for each in profile.server_spec.models]
    assert speeds == [7200, 1300, 8100]  # 1600, 600 and 1500 with them


def test_a_model_has_the_longest_context_of_its_fleet(measured: tuple[Calibration, Profile]) -> None:
    """The recorded requests asked for a shorter one."""
    contexts = {each.name: each.context_length for each in measured[1].server_spec.models}
    assert contexts == {tag: FLEET[tag].max_ctx for tag in contexts}


def test_where_no_prompt_stalled_nothing_is_said(measured: tuple[Calibration, Profile]) -> None:
    found, profile = measured
    kept = tuple(take for take in found.takes if take.case.key.mode == "greedy")
    check = check_profile(profile, FLEET, kept)
    assert (check.cases, check.stalled_cases) == (8, 0)
    assert not any("The sums leave out" in each for each in check.sentences)
    assert replace(check, stalled_cases=1, stalled_s=2.0).sentences[0].startswith("The sums leave out 1 case in which")


def test_times_and_tokens_of_new_jobs_are_predicted(measured: tuple[Calibration, Profile]) -> None:
    found, profile = measured
    new_jobs = check_new_jobs(found.takes, DEFAULTS)
    assert new_jobs is not None
    assert (new_jobs.cases, new_jobs.equal_plans) == (24, 22)
    ratios = {each.name: each.ratio for each in new_jobs.figures if each.name != "score"}
    assert ratios == {name: pytest.approx(1, abs=0.1) for name in ratios}
    assert [each.far_cases for each in new_jobs.figures if each.name != "score"] == [0] * 5
    whole = check_profile(profile, FLEET, found.takes)
    assert "| as a new job | far off |" in check_table(whole, whole, new_jobs)[0]


def test_a_job_with_a_model_that_other_jobs_tell_nothing_about_is_left_out(
    measured: tuple[Calibration, Profile],
) -> None:
    takes = measured[0].takes
    jobs = sorted({take.case.job for take in takes})
    kept = [(jobs[0], "lp"), (jobs[1], "lp"), (jobs[3], "llm")]  # the planner alone chose other models
    chosen = [take for take in takes if (take.case.job, take.case.key.mode) in kept]
    check = check_new_jobs(chosen, DEFAULTS)
    assert check is not None
    assert (len(chosen), check.cases) == (6, 4)
    assert check_new_jobs(chosen[:1], DEFAULTS) is None
