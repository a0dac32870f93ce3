"""Prompts that do not fit: dropped messages, a cut middle, or a refusal, as measured on a real server."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.prompt import Message
from pytest_swarm.simulator.server.prompt_window import PromptWindow, check_uncut, fit_prompt
from pytest_swarm.simulator.server.request_error import RequestError
from pytest_swarm.simulator.server.token_stream import GenerationRequest


def request(*texts: str) -> GenerationRequest:
    """A chat with one message for each text; a text in capitals is a system message."""
    return GenerationRequest(
        model="a",
        messages=tuple(Message(role="system" if text.isupper() else "user", content=text) for text in texts),
    )


def count(given: GenerationRequest) -> int:
    """One token for each character."""
    return sum(len(each["content"]) for each in given.messages)


@pytest.mark.parametrize(("num_ctx", "left"), [(64, 34), (128, 66), (256, 130), (512, 258)])
def test_about_half_of_the_context_is_left_of_a_prompt_that_is_cut(num_ctx: int, left: int) -> None:
    fitted, tokens = fit_prompt(request("x" * 2000), PromptWindow(num_ctx=num_ctx), count=count)
    assert (tokens, count(fitted)) == (left, left)


@pytest.mark.parametrize(("length", "tokens"), [(255, 255), (256, 130)])
def test_one_token_less_than_the_context_passes_uncut(length: int, tokens: int) -> None:
    assert fit_prompt(request("x" * length), PromptWindow(num_ctx=256), count=count)[1] == tokens


def test_the_beginning_and_the_end_of_a_prompt_are_left() -> None:
    text = "".join(chr(97 + at % 26) for at in range(600))
    fitted, _ = fit_prompt(request(text), PromptWindow(num_ctx=64), count=count)
    assert fitted.messages[0]["content"] == text[:4] + text[-30:]


def test_a_chat_loses_its_oldest_messages_and_keeps_system_messages_and_the_last() -> None:
    fitted, tokens = fit_prompt(request("S" * 5, "a" * 50, "b" * 20, "c" * 5), PromptWindow(num_ctx=32), count=count)
    assert [each["content"][0] for each in fitted.messages] == ["S", "b", "c"]
    assert tokens == 30


@pytest.mark.parametrize(("num_keep", "left"), [(0, 32), (-1, 63), (1000, 63)])
def test_num_keep_decides_how_much_is_left(num_keep: int, left: int) -> None:
    window = PromptWindow(num_ctx=64, num_keep=num_keep)
    assert fit_prompt(request("x" * 2000), window, count=count)[1] == left


def test_a_prompt_that_may_not_be_cut_is_refused_with_its_length() -> None:
    with pytest.raises(RequestError, match=r"request \(300 tokens\) exceeds the available context size \(256 tokens\)"):
        check_uncut(PromptWindow(num_ctx=200, truncate=False), 300)
    check_uncut(PromptWindow(num_ctx=200, truncate=False), 255)
    check_uncut(PromptWindow(num_ctx=200), 300)
    assert fit_prompt(request("x" * 300), PromptWindow(num_ctx=200, truncate=False), count=count)[1] == 300


def test_without_shifting_a_long_prompt_is_refused() -> None:
    with pytest.raises(RequestError, match="longer than the context length"):
        fit_prompt(request("x" * 300), PromptWindow(num_ctx=200, shift=False), count=count)
