"""What calls cost: prompt tokens fitted to estimates, the model's own limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_swarm.calibration.cost_fit import (
    decode_tokens_per_s,
    estimate_per_token,
    first_format_s,
    measured_cost,
    own_limit,
)
from pytest_swarm.calibration.recorded_chats import RecordedChat
from pytest_swarm.domain.prompt import Message
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.fields import Json
from pytest_swarm.ollama.cassette.takes import Take
from pytest_swarm.ollama.messages import ChatReply
from tests.calibration.test_measured_models import GRAPH, ORIGIN, exchange

TAKE = Take(case=Case(graph=GRAPH, key=CaseKey(mode="lp", horizon=0, vram_budget_gb=8.0)), origin=ORIGIN, exchanges=())


def chat(
    prompt: int | str, tokens: int, *, form: Json = None, options: dict[str, Json] | None = None, **figures: object
) -> RecordedChat:
    """A call whose prompt, a text or so many digits, has so many tokens; its reply has 80 unless the figures say."""
    given = figures.pop("system", None)
    system: list[Json] = [{"role": "system", "content": given}] if isinstance(given, str) else []
    body: Json = {
        "model": "m",
        "messages": [*system, {"role": "user", "content": prompt if isinstance(prompt, str) else "1" * prompt}],
        "format": form,
        "options": options or {},
    }
    reply: dict[str, object] = {
        "text": "y" * 240,
        "prompt_tokens": tokens,
        "completion_tokens": 80,
        "total_s": 3.5,
        "load_s": 0.5,
        "prefill_s": tokens / 100,
        "decode_s": 2.0,
        "done_reason": "length",
    }
    reply |= figures
    return RecordedChat(
        take=TAKE,
        exchange=exchange("/api/chat", body, {}),
        reply=ChatReply(**reply),  # type: ignore[arg-type]
        alone=True,
    )


def user(content: str) -> tuple[Message, ...]:
    return (Message(role="user", content=content),)


def test_prompt_tokens_are_a_base_and_a_rate_of_what_the_text_is_estimated_at() -> None:
    """Words and digits differ in characters per token, so a fit to characters would put that into the base."""
    words = "a list of ten plain words to be read once"
    measured = measured_cost([chat(words, 20), chat(100, 109), chat(" ".join([words] * 3), 42)], schema=False)
    assert measured is not None
    assert measured.calls == 3
    assert measured.cost.base_tokens == pytest.approx(9, abs=0.5)
    assert measured.cost.prompt_tokens(user("hi")) in (10, 11)
    assert measured.cost.prompt_tokens(user("1" * 50)) == pytest.approx(59, abs=1)
    assert measured.cost.prompt_tokens(user("1" * 50), raw=True) == pytest.approx(50, abs=1)


@pytest.mark.parametrize("rate", [0, 1, 2])
def test_system_messages_have_a_rate_of_their_own(rate: int) -> None:
    """A template may leave them out, or write them twice."""
    chats = [chat(n, 9 + n + rate * m, system="2" * m) for n, m in ((10, 40), (30, 10), (60, 80))]
    measured = measured_cost(chats, schema=False)
    assert measured is not None
    assert measured.cost.rates is not None
    assert measured.cost.rates.system == pytest.approx(rate, abs=1e-6)
    assert measured.cost.base_tokens == pytest.approx(9)


def test_one_prompt_tells_a_rate_and_no_base() -> None:
    for tokens in ((30,), (30, 30), (40, 20)):
        measured = measured_cost([chat(20 + 10 * i, each) for i, each in enumerate(tokens)], schema=False)
        assert measured is not None
        assert measured.cost.base_tokens == 0
        assert measured.cost.rates is not None
        assert measured.cost.rates.system == measured.cost.rates.other > 0


def test_calls_with_a_schema_are_a_kind_of_their_own() -> None:
    chats = [chat(100, 30), chat(100, 50, form={"type": "object"}, total_s=5.0)]
    plain, schema = measured_cost(chats, schema=False), measured_cost(chats, schema=True)
    assert plain is not None
    assert schema is not None
    assert [each.cost.prompt_tokens(user("1" * 100)) for each in (plain, schema)] == [30, 50]
    assert plain.cost.overhead_s == pytest.approx(0.7)
    assert schema.cost.overhead_s == pytest.approx(2.0)
    assert measured_cost(chats[:1], schema=True) is None


def test_the_first_call_with_a_format_after_a_load_is_apart() -> None:
    later = [chat(100, 50, form="json", total_s=3.5 + 0.1 * n) for n in range(3)]
    first = [replace(chat(100, 50, form="json", total_s=5.5 + 0.1 * n), first_format=True) for n in range(3)]
    assert first_format_s([*later, *first]) == pytest.approx(2.0)
    assert first_format_s([*later, *first[:2]]) is None
    assert first_format_s([*later, *(replace(each, first_format=True) for each in later)]) is None
    measured = measured_cost([*later, *first], schema=True)
    assert measured is not None
    assert measured.cost.overhead_s == pytest.approx(0.6), "without the first ones"


def test_a_reply_of_one_token_has_no_speed() -> None:
    assert decode_tokens_per_s([(41, 1.0), (None, 1.0), (3, None), (1, 1e-6)]) == pytest.approx(40)
    assert decode_tokens_per_s([(1, 1e-6)]) is None
    assert decode_tokens_per_s([(2, 0.5)]) == 2


@pytest.mark.parametrize("name", ["total_s", "prefill_s", "decode_s"])
def test_a_call_that_lacks_a_time_has_no_overhead(name: str) -> None:
    assert chat(4, 100).overhead_s == pytest.approx(3.5 - 0.5 - 1.0 - 2.0)
    assert chat(4, 100, load_s=None).overhead_s == pytest.approx(0.5)
    assert chat(4, 100, **{name: None}).overhead_s is None


def test_the_own_limit_is_where_replies_end_that_nobody_limited() -> None:
    stopped = chat(4, 1, completion_tokens=30, done_reason="stop")
    limited = chat(4, 1, completion_tokens=5, options={"num_predict": 5})
    assert own_limit([stopped, limited]) is None
    assert own_limit([stopped, limited, chat(4, 1), chat(4, 1)]) == 80
    assert own_limit([chat(4, 1, completion_tokens=tokens) for tokens in (10, 20, 30)]) is None


def test_the_length_of_answers_is_what_they_are_estimated_at_per_token() -> None:
    chats = [chat(4, 1, text="12345678", completion_tokens=40), chat(4, 1, text="", completion_tokens=40)]
    assert estimate_per_token(chats) == pytest.approx(0.1)
    assert estimate_per_token([]) is None
