"""Profiles: the shipped ones, files of one's own, and what is refused."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import ProfileError
from pytest_swarm.simulator.models.profile import load_profile, shipped_profiles
from pytest_swarm.simulator.models.profile_types import Favour, KnownOutcome

MEASURED = Path(__file__).parents[3] / "shared" / "data" / "a40_measurements.json"
FLEETS = ("gemma2:2b", "qwen2.5-coder:7b", "llama3.1:8b", "phi4:14b", "tinyllama:latest", "phi3:mini")

SMALL = """
name = "small"
source = "made up for a test"
[hardware]
gpu_bytes = 8_000_000_000
[behaviour]
reference_difficulty = 3
difficulty_slope = 0.5
partial_share = 0.5
error_carryover = 0.8
self_contained_carryover = 0.2
neutral_accuracy = 0.5
token_spread = 0.1
[behaviour.completion_tokens]
math = 10
[[models]]
name = "tiny"
source = "made up"
blob = "aa"
size_bytes = 1000
layers = 1
kv_heads = 1
head_dim = 8
context_length = 2048
prefill_tokens_per_s = 1000
decode_tokens_per_s = 100
accuracy = [{ type = "math", value = 0.9, source = "made up" }]
[[known]]
job = "j"
task = "t"
model = "tiny"
scores = [0.5]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_accuracy_of_any_word_and_one_for_the_rest(tmp_path: Path) -> None:
    rows = '{ type = "Tort Law", value = 0.9, source = "a test" }, { type = "*", value = 0.2, source = "a test" }'
    own = SMALL.replace('{ type = "math", value = 0.9, source = "made up" }', rows)
    profile = load_profile(written(tmp_path, own))
    assert profile.accuracy("tiny", "tort law") == 0.9
    assert profile.accuracy("tiny", "math") == 0.2
    assert profile.accuracy("other", "math") == 0.5


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_loads_and_knows_the_published_fleets(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    profile.require_models(FLEETS)
    assert profile.server_spec.gpu_bytes == 46068 * 2**20
    assert {spec.name for spec in profile.server_spec.models} == set(FLEETS)


def test_a_shipped_profile_is_read_once_in_a_process_and_a_file_whenever_it_is_asked_for(tmp_path: Path) -> None:
    assert load_profile("a40") is load_profile("a40")
    assert load_profile(written(tmp_path, SMALL)).name == "small"
    assert load_profile(written(tmp_path, SMALL.replace('"small"', '"other"'))).name == "other"


def test_every_accuracy_of_the_shipped_profile_names_its_source() -> None:
    rows = [each for model in load_profile("a40").models for each in model.accuracy.values()]
    assert len(rows) > 15
    assert all("%" in row.source or "[M]" in row.source for row in rows)


def test_the_known_outcomes_are_the_measured_ones() -> None:
    if not MEASURED.exists():
        pytest.skip("the measurements are not beside this checkout")
    observations = json.loads(MEASURED.read_text(encoding="utf-8"))["observations"]
    measured = {
        ("code_math_mix" if row["benchmark"] == "code_math_mix" else row["job"], row["task"], row["model"]): (
            tuple(round(score, 6) for score in row["score"] if score is not None),
            tuple(row["completion_tokens"]),
        )
        for row in observations
    }
    known = {
        (row.job, row.task, row.model): (tuple(round(score, 6) for score in row.scores), row.completion_tokens)
        for row in load_profile("a40").known
    }
    assert known == measured


def test_outcomes_that_depended_on_missing_inputs_hold_without_inputs_only() -> None:
    without = Counter((row.job, row.task) for row in load_profile("a40").known if row.context == "none")
    assert without == {("wb3", "s1"): 4, ("wb3", "s2"): 4}


def test_the_models_speeds_are_below_what_the_cards_memory_allows() -> None:
    card_bytes_per_s = 696e9  # an A40 reads every weight once a token
    for spec in load_profile("a40").server_spec.models:
        assert spec.decode_tokens_per_s * spec.size_bytes < card_bytes_per_s


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    profile = load_profile(written(tmp_path, SMALL))
    assert profile.tags == ("tiny",)
    assert profile.accuracy("tiny:latest", TaskType.MATH) == 0.9
    assert profile.accuracy("TINY", TaskType.CODE) == 0.5
    assert profile.known == (
        KnownOutcome(job="j", task="t", model="tiny", context="any", scores=(0.5,), completion_tokens=()),
    )
    assert profile.planner.favours is Favour.CAPABILITY


def test_a_profile_can_change_some_figures_of_a_shipped_one(tmp_path: Path) -> None:
    head = 'base = "a40"\nname = "mine"\nsource = "s"\n'
    text = f'{head}[planner]\nfavours = "smallest"\n[hardware]\nmax_loaded_models = 1\n'
    profile, base = load_profile(written(tmp_path, text)), load_profile("a40")
    assert (profile.name, profile.models, profile.known) == ("mine", base.models, base.known)
    assert profile.server_spec.max_loaded_models == 1
    assert profile.server_spec.gpu_bytes == base.server_spec.gpu_bytes
    assert profile.planner.favours is Favour.SMALLEST
    assert profile.planner.over_budget == base.planner.over_budget


def test_the_published_planner_mostly_answers_what_cannot_be_read() -> None:
    planner = load_profile("a40-published-planner").planner
    assert planner.ignores_schema
    assert planner.invalid_json == pytest.approx(44 / 48, abs=1e-4)
    assert dict(planner.faults)["over_budget"] == 0


def test_a_missing_model_is_named_with_what_to_do() -> None:
    with pytest.raises(ProfileError, match=r"'a40' does not have mistral:7b .*--swarm-profile"):
        load_profile("a40").require_models(("gemma2:2b", "mistral:7b"))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("", "[[[", "is not valid TOML"),
        ('name = "small"', "", "'name' is missing"),
        ('name = "tiny"', 'name = "a b"', "no server takes 'a b' as the name of a model"),
        ("layers = 1", "", "'layers' is missing"),
        ("layers = 1", "layers = 1.5", "must be a whole number"),
        ("layers = 1", "layers = 0", "must be at least 1"),
        ("decode_tokens_per_s = 100", "decode_tokens_per_s = 0", "decode_tokens_per_s"),
        ("[behaviour]", "[planner]\nover_budget = 2\n[behaviour]", "'planner': 'over_budget' is 2"),
        ("value = 0.9", "value = 1.9", "must be from 0 to 1"),
        ('type = "math"', 'type = ""', "'' is no task type"),
        ("math = 10", '"" = 10', "'' is no task type"),
        ("math = 10", "math = 10\nMath = 11", "type 'math' appears twice"),
        (
            '[{ type = "math", value = 0.9, source = "made up" }]',
            '[{ type = "math", value = 0.9, source = "a" }, { type = "MATH", value = 0.1, source = "b" }]',
            "type 'math' appears twice",
        ),
        ("scores = [0.5]", "scores = [1.5]", "must be from 0 to 1"),
        ("scores = [0.5]", 'scores = "right"', "'scores' must be a list of numbers"),
        ("scores = [0.5]", "", "neither scores nor completion tokens"),
        ('model = "tiny"', 'model = "huge"', "'huge', which is not one of its models"),
        ("scores = [0.5]", 'scores = [0.5]\ncontext = "some"', "context is 'some'"),
        ("partial_share = 0.5", "partial_share = 2", "'partial_share' is 2"),
        ("accuracy = [", "completion_tokens = { math = [0] }\naccuracy = [", "'completion_tokens', 'math': '0' is 0"),
        ("accuracy = [", "completion_tokens = { math = 7 }\naccuracy = [", "'math' must be a list of numbers"),
        (
            "layers = 1",
            'layers = 1\nprompt_cache = "some"',
            "prompt_cache 'some' is unknown",
        ),
        ("layers = 1", "layers = 1\nslowdown_beside = 0.5", "'slowdown_beside' is 0.5"),
        ("gpu_bytes = 8_000_000_000", "gpu_bites = 8", "unknown key 'gpu_bites'"),
        ("[behaviour]", '[planner]\nfavours = "luck"\n[behaviour]', "favours 'luck' is unknown"),
        ("[behaviour]", "[planner]\nrunaway = 0.7\nfenced = 0.7\n[behaviour]", "add up to 1.4"),
        ('name = "small"', 'base = "nowhere"\nname = "small"', "'known' stands in a profile without 'base'"),
    ],
)
def test_a_broken_profile_is_refused_in_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = SMALL.replace(old, new, 1) if old else new
    path = written(tmp_path, text)
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert sentence in str(caught.value)
    assert str(caught.value).count(f"profile {path}") == 1
    assert "\n" not in str(caught.value)


def test_models_of_your_own_are_like_those_of_the_base(tmp_path: Path) -> None:
    text = """
        base = "a40"
        name = "mine"
        source = "guesses"
        [[models]]
        name = "mistral-nemo:12b"
        like = "llama3.1:8b"
        decode_tokens_per_s = 40
        accuracy = [{ type = "*", value = 0.6 }]
        completion_tokens = { Math = [210, 90] }
        [[models]]
        name = "phi4:14b"
        like = "gemma2:2b"
    """
    profile, base = load_profile(written(tmp_path, text)), load_profile("a40")
    assert profile.tags == (*(tag for tag in base.tags if tag != "phi4:14b"), "mistral-nemo:12b", "phi4:14b")
    own, like = profile.model("mistral-nemo:12b"), base.model("llama3.1:8b")
    assert own is not None
    assert like is not None
    assert own.spec == replace(like.spec, name=own.spec.name, blob=own.spec.blob, decode_tokens_per_s=40)
    assert own.spec.blob not in {each.spec.blob for each in base.models}
    assert own.source == "assumed: as llama3.1:8b, where not given"
    assert own.accuracy["*"].source == own.source
    assert dict(own.completion_tokens) == {"math": (210, 90)}
    assert profile.accuracy("mistral-nemo:12b", "code") == 0.6
    assert profile.accuracy("phi4:14b", "code") == base.accuracy("gemma2:2b", "code")


def test_a_model_that_is_like_no_model_of_the_base_is_refused(tmp_path: Path) -> None:
    text = 'base = "a40"\nname = "n"\nsource = "s"\n[[models]]\nname = "a"\nlike = "b"\n'
    with pytest.raises(ProfileError, match="like 'b' is no model of the base; its models are gemma2:2b, "):
        load_profile(written(tmp_path, text))


def test_a_fault_of_a_model_names_it_because_those_of_the_base_stand_before_it(tmp_path: Path) -> None:
    text = 'base = "a40"\nname = "n"\nsource = "s"\n[[models]]\nname = "phi4:14b"\naccuracy = []\n'
    with pytest.raises(ProfileError, match=r"\(phi4:14b\): 'size_bytes' is missing"):
        load_profile(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('base = "nowhere"\nname = "n"\nsource = "s"', "base 'nowhere' is not a shipped profile"),
        ('base = "a40-published-planner"\nname = "n"\nsource = "s"', "has a base itself"),
    ],
)
def test_a_base_is_a_shipped_profile_without_a_base(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ProfileError, match=sentence):
        load_profile(written(tmp_path, text))


def test_a_profile_without_models_and_one_that_is_not_there(tmp_path: Path) -> None:
    bare = "\n".join(f"{key} = {json.dumps(value)}" for key, value in [("name", "n"), ("source", "s")])
    assert tomllib.loads(bare)
    with pytest.raises(ProfileError, match="has no models"):
        load_profile(written(tmp_path, bare))
    with pytest.raises(ProfileError, match="no such file, and no shipped profile"):
        load_profile(tmp_path / "absent.toml")
    with pytest.raises(ProfileError, match="is a directory; name a file in it"):
        load_profile(tmp_path)


def test_a_profile_can_fail_on_purpose(tmp_path: Path) -> None:
    text = 'base = "a40"\nname = "flaky"\nfaults = ["busy:times=1", "hang:model=phi4:14b"]\n'
    assert [fault.kind.value for fault in load_profile(written(tmp_path, text)).faults] == ["busy", "hang"]
    with pytest.raises(ProfileError, match=r"'faults': 'sulk' is not a fault"):
        load_profile(written(tmp_path, text.replace("hang:model=phi4:14b", "sulk")))
    with pytest.raises(ProfileError, match=r"'faults': the profile has no model 'phi5'; it has gemma2:2b, "):
        load_profile(written(tmp_path, text.replace("phi4:14b", "phi5")))


def test_a_profile_on_a_base_is_never_taken_for_the_base(tmp_path: Path) -> None:
    path = written(tmp_path, 'base = "a40"\n[planner]\nover_budget = 0.5\n')
    assert load_profile(path).name == path.stem
