"""The options of a run: which two texts mean the same, and which options keep two runs apart."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.run_options import (
    RESUMED_ANEW,
    TAKEN_TOGETHER,
    OptionRole,
    differing_options,
    names_of,
    text_of,
)


def test_every_option_has_one_role() -> None:
    assert sum(len(names_of(role)) for role in OptionRole) == len(names_of(*OptionRole))


@pytest.mark.parametrize(
    ("role", "names"),
    [
        (OptionRole.SCORE, {"swarm_code_eval", "swarm_judge", "swarm_carryover", "swarm_fault"}),
        (OptionRole.FILE, {"swarm_fleet", "swarm_profile", "swarm_cassette", "swarm_record_mode"}),
        (OptionRole.REPEATS, {"swarm_repeat"}),
        (OptionRole.SEED, {"swarm_seed"}),
        (OptionRole.CALLS, {"swarm_context", "swarm_timeout", "swarm_reply_limit"}),
    ],
)
def test_the_options_of_a_role(role: OptionRole, names: set[str]) -> None:
    assert names_of(role) == names


def test_a_resumed_run_may_add_repeats_and_parts_of_a_run_may_read_copies_of_a_file() -> None:
    assert names_of(*RESUMED_ANEW) - names_of(*TAKEN_TOGETHER) == {"swarm_repeat"}
    assert names_of(*TAKEN_TOGETHER) - names_of(*RESUMED_ANEW) == names_of(OptionRole.FILE)


@pytest.mark.parametrize(
    ("name", "first", "other"),
    [
        ("swarm_timeout", {}, {"swarm_timeout": "2m"}),
        ("swarm_reply_limit", {"swarm_reply_limit": "32.0MiB"}, {}),
        ("swarm_lambda_token", {"swarm_lambda_token": "0.50,1"}, {"swarm_lambda_token": "0.5,1.0"}),
        ("swarm_quality_floor", {}, {"swarm_quality_floor": ".05"}),
        ("swarm_quality_floor", {"swarm_quality_floor": "5e-2"}, {}),
        ("swarm_timeout", {"swarm_timeout": "120"}, {}),
        ("swarm_fleet", {"swarm_fleet": "heavy"}, {}),
    ],
)
def test_texts_that_mean_the_same_are_no_difference(name: str, first: dict[str, str], other: dict[str, str]) -> None:
    assert [*differing_options(first, other, names=[name])] == []


def test_a_difference_names_the_default_in_words() -> None:
    found = differing_options(
        {"swarm_timeout": "3m"}, {"swarm_context": "full"}, names=["swarm_timeout", "swarm_context"]
    )
    assert [*found] == [("swarm_context", "graph", "full"), ("swarm_timeout", "3m", "120s")]


def test_an_option_of_another_version_has_a_default_that_nobody_knows() -> None:
    assert text_of("swarm_of_tomorrow", {}) == "its default"
    assert [*differing_options({"swarm_of_tomorrow": "1"}, {}, names=["swarm_of_tomorrow"])] == [
        ("swarm_of_tomorrow", "1", "its default")
    ]
