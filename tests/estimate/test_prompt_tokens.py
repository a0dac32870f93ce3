"""The estimate of prompt tokens against what a real server counted, and the detection of prompts that it cut."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_swarm.domain.model import Fleet, Model
from pytest_swarm.domain.prompt import Message
from pytest_swarm.domain.text_tokens import text_tokens
from pytest_swarm.estimate.context_fit import fitted_fleet
from pytest_swarm.estimate.prompt_tokens import (
    ACTUAL_OVER_ESTIMATE,
    PromptSize,
    prompt_size,
    prompt_tokens,
    was_cut,
)

RECORDING = Path(__file__).parents[3] / "shared" / "data" / "real_ollama" / "cassette.jsonl.gz"


def recorded_chats() -> list[tuple[list[Message], int]]:
    """(messages, tokens that the server counted) of every chat of the recording."""
    found: list[tuple[list[Message], int]] = []
    with gzip.open(RECORDING, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line.get("path") == "/api/chat":
                reply: dict[str, Any] = json.loads("".join(text for _, text in line["chunks"]))
                found.append((line["body"]["messages"], reply["prompt_eval_count"]))
    return found


@pytest.mark.skipif(not RECORDING.exists(), reason="the recording of a real server is not here")
def test_no_real_prompt_is_far_from_its_estimate_and_none_counts_as_cut() -> None:
    chats = recorded_chats()
    ratios = [counted / prompt_tokens(messages) for messages, counted in chats]
    assert len(ratios) > 250
    assert min(ratios) > 0.65
    assert max(ratios) < ACTUAL_OVER_ESTIMATE
    assert not any(was_cut(reported=n, messages=messages, num_ctx=4096) for messages, n in chats)


def prompt_of(tokens: int) -> list[Message]:
    """A plain prompt that is estimated at so many tokens: a digit for each beyond the template's 36."""
    return [Message(role="user", content="1 " * (tokens - 36))]


# num_ctx and the count after the cut, as measured on a real server for two models
MEASURED = [(64, 34), (64, 35), (128, 66), (256, 130), (512, 258)]


@pytest.mark.parametrize(("num_ctx", "reported"), MEASURED)
@pytest.mark.parametrize("share", [0.7, 1.0, 3.0])
def test_a_count_of_about_half_the_context_is_a_cut(num_ctx: int, reported: int, share: float) -> None:
    assert was_cut(reported=reported, messages=prompt_of(round(num_ctx * share)), num_ctx=num_ctx) is True


@pytest.mark.parametrize(
    ("reported", "estimated", "cut"),
    [
        (258, 300, False),  # as long as it looks
        (300, 500, False),
        (511, 700, False),  # num_ctx - 1 tokens pass
        (512, 500, True),
        (100, 600, True),
        (None, 9000, None),
    ],
)
def test_another_count_is_one_only_where_it_cannot_be_the_prompt(
    reported: int | None, estimated: int, cut: bool | None
) -> None:
    assert was_cut(reported=reported, messages=prompt_of(estimated), num_ctx=512) is cut


# tokens of one SmolLM2, as a server counted them with room enough, and how often the text is repeated
FOREIGN = [
    ("请用一句话解释为什么天空是蓝色的并列出三个城市的名称以及它们的人口数量。", 5),
    ("하늘이 왜 파란지 한 문장으로 설명하고 세 도시의 이름과 인구를 나열하세요.", 3),
    ("Giải thích trong một câu tại sao bầu trời có màu xanh và kể tên ba thành phố cùng dân số. ", 4),
    ("😀🚀🌍🎉🔥💡🐍🤖🧠👩‍🔬🏳️‍🌈👍🏽", 8),
    ("TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz", 5),
]


@pytest.mark.parametrize(("text", "times"), FOREIGN)
def test_a_cut_prompt_in_another_script_counts_as_cut_though_its_estimate_is_low(text: str, times: int) -> None:
    """Measured at 266 to 409 tokens of SmolLM2, 1.2 to 2.5 times the estimate; cut to 130 at num_ctx 256."""
    messages = [Message(role="user", content=text * times)]
    assert prompt_tokens(messages) < 256
    assert was_cut(reported=130, messages=messages, num_ctx=256) is True


def test_plain_english_of_half_the_context_is_no_cut() -> None:
    messages = [Message(role="user", content="Name a city and say why it is known. " * 10)]
    assert prompt_size(messages).most < 256
    assert was_cut(reported=130, messages=messages, num_ctx=256) is False


def test_half_a_surrogate_pair_has_bytes() -> None:
    assert prompt_size([Message(role="user", content="\ud800")]).most > 0


def test_numbers_and_code_count_more_than_prose_of_the_same_length() -> None:
    def tokens(text: str) -> int:
        return prompt_tokens([Message(role="user", content=text)])

    assert tokens("1234567890" * 10) > tokens("{'ab': [1, 2]}, " * 6) > tokens("a word and more " * 6)


def common(tokens: int) -> PromptSize:
    """A prompt of common text that is estimated at so many tokens."""
    return PromptSize(tokens, round(tokens * ACTUAL_OVER_ESTIMATE))


# tokens of ten tokenizers, the fewest and the most: SmolLM2, Gemma 3, Qwen 3, Llama 2 and 3, Mistral v3 and Tekken, ...
SCRIPTS = [
    ("所有的人都是生而自由的,在尊严和权利上一律平等。", 14, 35),
    ("すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。", 21, 72),
    ("모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.", 21, 85),
    ("يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.", 16, 46),
    ("सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।", 21, 94),
    ("มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ", 26, 121),
    ("Все люди рождаются свободными и равными в своем достоинстве и правах.", 17, 54),  # noqa: RUF001
    ("Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.", 31, 84),  # noqa: RUF001
    ("כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.", 20, 60),
    ("😀🚀🌍🎉🔥💡🐍🤖🧠👍🏽", 11, 44),
]


@pytest.mark.parametrize(("text", "fewest", "most"), SCRIPTS)
def test_the_estimate_of_a_script_lies_among_what_tokenizers_count(text: str, fewest: int, most: int) -> None:
    assert fewest < text_tokens(text) < most <= len(text.encode())


BASE = Model(tag="m", vram_gb=4.0, load_time_ms=0, cost_per_token=0, max_ctx=32_768, num_ctx=4096)
AUTO = replace(BASE, auto_ctx=True)


@pytest.mark.parametrize(
    ("model", "prompts", "budget_gb", "context"),
    [
        (AUTO, [100], 16, 4096),
        (AUTO, [100, 4000], 16, 8192),
        (AUTO, [100, 4000], 8, 8192),
        (AUTO, [100, 4000], 7, 4096),  # twice the context would need 8 GB
        (AUTO, [4000, 9000], 8, 8192),  # the longer prompt would need 16 GB
        (AUTO, [30_000], 99, 32_768),
        (AUTO, [40_000], 99, 4096),  # no context is long enough
        (BASE, [9000], 99, 4096),
    ],
)
def test_an_auto_context_is_raised_as_far_as_the_budget_allows(
    model: Model, prompts: list[int], budget_gb: float, context: int
) -> None:
    (fitted,) = fitted_fleet(Fleet(name="f", models=(model,)), map(common, prompts), vram_budget_gb=budget_gb)
    assert (fitted.context_tokens, fitted.vram_gb) == (context, 4.0 * context / 4096)


@pytest.mark.parametrize(
    ("budget_gb", "context"),
    [
        (16, 16_384),  # room for a token of each byte
        (15, 8192),  # for 1.5 times the estimate
        (7, 4096),
    ],
)
def test_an_auto_context_has_room_for_every_byte_of_another_script_where_the_budget_allows(
    budget_gb: float, context: int
) -> None:
    prompt = prompt_size([Message(role="user", content="天空" * 2000)])
    assert prompt == (4036, 12_054)
    (fitted,) = fitted_fleet(Fleet(name="f", models=(AUTO,)), [prompt], vram_budget_gb=budget_gb)
    assert fitted.context_tokens == context


@pytest.mark.parametrize(
    ("keep", "budget_gb", "contexts"),
    [
        ((False, False), 8, (8192, 8192)),  # they may be loaded in turn
        ((True, False), 12, (8192, 4096)),  # 8 GB stay loaded
        ((False, True), 12, (4096, 8192)),
        ((True, False), 16, (8192, 8192)),
        ((True, True), 12, (8192, 4096)),  # both raised would take 16 GB
        ((True, True), 16, (8192, 8192)),
        ((True, True), 8, (4096, 4096)),
    ],
)
def test_contexts_are_raised_so_that_each_model_fits_beside_the_pinned_ones_as_raised(
    keep: tuple[bool, bool], budget_gb: float, contexts: tuple[int, int]
) -> None:
    models = tuple(replace(AUTO, tag=f"m{n}", keep=each) for n, each in enumerate(keep))
    fitted = fitted_fleet(Fleet(name="f", models=models), [common(4000)], vram_budget_gb=budget_gb)
    assert tuple((each.tag, each.context_tokens) for each in fitted) == (("m0", contexts[0]), ("m1", contexts[1]))
