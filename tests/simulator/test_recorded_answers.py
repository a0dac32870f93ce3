"""Answers that a profile has for known requests, and the rules for all others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.domain.prompt import PARENTS_HEADING, Message
from pytest_swarm.errors import ProfileError
from pytest_swarm.simulator.models.profile import load_profile
from pytest_swarm.simulator.models.profile_generator import ProfileGenerator
from pytest_swarm.simulator.models.profile_types import CallCost, ModelProfile
from pytest_swarm.simulator.models.recorded_answers import RecordedAnswer, request_key
from pytest_swarm.simulator.server.token_stream import GenerationRequest
from tests.simulator.test_profile import SMALL

A40 = load_profile("a40")
HELLO = Message(role="user", content="hello")
MODEL = "gemma2:2b"


def request(*messages: Message, seed: int = 7, schema: bool = False) -> GenerationRequest:
    return GenerationRequest(
        model=MODEL, messages=messages, seed=seed, options={"seed": seed}, schema={"type": "object"} if schema else None
    )


def known(given: GenerationRequest) -> RecordedAnswer:
    """A recorded answer to a request."""
    key = request_key(given.model, given.messages, form=given.schema, options=given.options)
    return RecordedAnswer(
        model=MODEL, request=key, text="Hi!", prompt_tokens=11, completion_tokens=2, prefill_s=0.3, decode_s=0.2
    )


def test_a_known_request_gets_its_recorded_answer_and_times() -> None:
    generator = ProfileGenerator(replace(A40, answers=(known(request(HELLO)),)), seed=0)
    answer = generator.generate(request(HELLO))
    assert (answer.text, answer.completion_tokens, answer.prefill_s, answer.decode_s) == ("Hi!", 2, 0.3, 0.2)
    assert generator.prompt_tokens(request(HELLO)) == 11


def test_an_answer_that_repeats_itself_ends_as_the_server_ended_it_without_figures() -> None:
    repeats = replace(known(request(HELLO)), text="ab" * 31, prompt_tokens=None, completion_tokens=None, repeats=True)
    generator = ProfileGenerator(replace(A40, answers=(repeats,)), seed=0)
    answer = generator.generate(request(HELLO))
    assert (answer.text, answer.reason, answer.verbatim) == ("ab" * 31, None, True)
    assert answer.completion_tokens == 31  # equal pieces
    assert generator.prompt_tokens(request(HELLO)) == 2


@pytest.mark.parametrize(
    "other", [request(HELLO, seed=8), request(HELLO, schema=True), request(HELLO, HELLO), request()]
)
def test_another_request_does_not(other: GenerationRequest) -> None:
    generator = ProfileGenerator(replace(A40, answers=(known(request(HELLO)),)), seed=0)
    assert generator.generate(other).text != "Hi!"


def test_blanks_at_the_ends_of_a_parents_output_do_not_count() -> None:
    def key(output: str) -> str:
        parents = Message(role="system", content=f'{PARENTS_HEADING}{{"a": "{output}"}}')
        return request_key(MODEL, (parents, HELLO), form=None, options={})

    assert key("25") == key("25 \\n") != key("2 5")


def with_costs() -> ModelProfile:
    """A model whose prompts cost 9 tokens and a third of a token for each character, 50 with a schema."""
    found = A40.model(MODEL)
    assert found is not None
    plain = CallCost(base_tokens=9, tokens_per_character=1 / 3, overhead_s=0.25)
    return replace(found, plain=plain, schema=replace(plain, base_tokens=50), characters_per_token=2.0)


def test_prompt_tokens_and_fixed_times_follow_the_kind_of_the_call() -> None:
    models = tuple(with_costs() if each.spec.name == MODEL else each for each in A40.models)
    generator = ProfileGenerator(replace(A40, models=models), seed=0)
    long = Message(role="user", content="x" * 300)
    assert generator.prompt_tokens(request(long)) == 109
    assert generator.prompt_tokens(request(long, schema=True)) == 150
    answer = generator.generate(request(long))
    assert answer.overhead_s == 0.25
    assert answer.completion_tokens == -(-len(answer.text) // 2)


@pytest.mark.parametrize(("characters", "tokens"), [(0, 1), (1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_a_raw_prompt_has_a_token_for_each_four_characters_and_at_least_one(characters: int, tokens: int) -> None:
    assert CallCost(base_tokens=9).prompt_tokens([{"role": "user", "content": "x" * characters}], raw=True) == tokens


def test_a_profile_file_holds_answers_costs_and_limits(tmp_path: Path) -> None:
    costs = "plain_calls = { base_tokens = 9.0, tokens_per_character = 0.3 }\nnum_predict = 80\n[[known]]"
    answer = 'model = "tiny"\nrequest = "00ff"\ntext = ""\nprompt_tokens = 5\ncompletion_tokens = 1\n'
    lines = SMALL.replace("[[known]]", costs).replace("[hardware]", "[hardware]\nload_poll_s = 0.0")
    lines += f"[[answers]]\n{answer}"
    path = tmp_path / "mine.toml"
    path.write_text(lines, encoding="utf-8")
    profile = load_profile(path)
    assert profile.server_spec.load_poll_s == 0.0
    assert profile.models[0].spec.parameters == {"num_predict": 80}
    found = profile.models[0]
    assert found.plain.prompt_tokens([Message(role="user", content="x" * 10)]) == 12
    assert found.schema == found.plain, "calls of a kind that was not measured cost what the other kind does"
    assert found.answer_tokens("1234") == 1.0
    rates = "tokens_per_estimate = 2.0, system_tokens_per_estimate = 0.0"
    length = "num_predict = 80\nestimate_per_token = 0.5"
    measured = lines.replace("tokens_per_character = 0.3", rates).replace("num_predict = 80", length)
    path.write_text(measured, encoding="utf-8")
    chat = [Message(role=role, content="1234") for role in ("system", "user")]
    assert load_profile(path).models[0].plain.prompt_tokens(chat) == 9 + 8
    assert load_profile(path).models[0].answer_tokens("1234") == 8.0
    assert profile.answer("Tiny", "00ff") is not None
    path.write_text(lines.replace('[[answers]]\nmodel = "tiny"', '[[answers]]\nmodel = "other"'), encoding="utf-8")
    with pytest.raises(ProfileError, match="answer of 'other', which is not one of its models"):
        load_profile(path)
