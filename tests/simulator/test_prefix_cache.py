"""What a loaded model keeps between calls: the prompts that it has read, the grammar that it has prepared."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.prompt import Message
from pytest_swarm.simulator.server.prefix_cache import PrefixCache, PrefixReuse
from tests.simulator.servers import ServerClient, in_virtual_time, model, spec

ANY, CHECKPOINTS = PrefixReuse


def words(text: str, count: int) -> str:
    """So many words, each one piece."""
    return " ".join([text] * count)


class Reader:
    """Reads prompts of one user message whose tokens are its pieces: the role and each word."""

    def __init__(self, reuse: PrefixReuse, slots: int = 1) -> None:
        self.cache = PrefixCache(slots, reuse)

    def read(self, text: str, *, answer: str = "") -> int:
        """The tokens that are evaluated."""
        tokens = 1 + len(text.split())
        prompt = self.cache.read([Message(role="user", content=text)], tokens)
        prompt.end(answer)
        return prompt.evaluated


def test_a_common_beginning_is_not_read_again() -> None:
    reader = Reader(ANY)
    assert reader.read(words("a", 99)) == 100
    assert reader.read(words("a", 99)) == 1
    assert reader.read(words("a", 80) + " b c d") == 3
    assert reader.read(words("x", 9)) == 9  # the role is common


def test_the_answer_is_a_part_of_what_the_slot_holds() -> None:
    cache = PrefixCache(1, ANY)
    first = [Message(role="user", content=words("a", 49))]
    cache.read(first, 50).end(" b b b")
    assert cache.read([Message(role="user", content=words("a", 49) + " b b b c c")], 55).evaluated == 2


def test_an_earlier_prompt_is_loaded_from_memory() -> None:
    reader = Reader(ANY)
    reader.read(words("a", 99))
    reader.read(words("b", 99))
    assert reader.read(words("a", 99)) == 1
    assert reader.read(words("b", 99)) == 1


def test_a_long_prompt_of_which_little_is_common_stays_in_memory() -> None:
    reader = Reader(ANY)
    reader.read(words("a", 999))
    reader.read(words("b", 99))
    assert reader.read(words("a", 99) + words(" c", 99)) == 198


@pytest.mark.parametrize(
    ("first", "common", "evaluated"),
    [(1000, 997, 3), (1000, 600, 400), (900, 450, 1001 - 389), (900, 380, 1001), (3000, 800, 1001)],
    ids=["at the end", "in the window", "at a checkpoint", "before the first checkpoint", "out of the window"],
)
def test_a_sliding_window_reuses_what_lies_in_it_or_before_a_checkpoint(
    first: int, common: int, evaluated: int
) -> None:
    """After a prompt of so many words, one of 1001 tokens that shares so many of them; the role is one token more."""
    reader = Reader(CHECKPOINTS)
    assert reader.read(words("a", first)) == first + 1
    assert reader.read(words("a", common) + " " + words("b", 1000 - common)) == evaluated


def test_a_short_prompt_of_a_sliding_window_is_reused_up_to_its_last_checkpoint() -> None:
    reader = Reader(CHECKPOINTS)
    reader.read(words("a", 100), answer=" b b")
    assert reader.read(words("a", 100) + " b b c c c") == 106 - 97
    assert reader.read(words("a", 90)) == 91


def test_slots_do_not_share_their_prompts() -> None:
    cache = PrefixCache(2, ANY)
    prompt = [Message(role="user", content=words("a", 99))]
    first, second = cache.read(prompt, 100), cache.read(prompt, 100)
    assert (first.evaluated, second.evaluated) == (100, 100)
    first.end("")
    second.end("")
    assert cache.read(prompt, 100).evaluated == 1


def test_the_server_reports_the_whole_prompt_and_a_shorter_time_until_the_model_is_loaded_anew() -> None:
    async def main() -> list[tuple[int, float]]:
        client = ServerClient(spec(model("a", 4, prompt_cache=ANY), model("b", 4, "20")))
        messages = [{"role": "user", "content": words("word", 100)}]

        async def ask(name: str) -> tuple[int, float]:
            reply = await client.post("/api/chat", model=name, messages=messages, stream=False)
            return reply.body["prompt_eval_count"], reply.body["prompt_eval_duration"] / 1e9

        rows = [await ask("a"), await ask("a"), await ask("b"), await ask("b")]
        await client.unload("a")
        return [*rows, await ask("a")]

    (count, whole_s), again, other, other_again, reloaded = in_virtual_time(main)
    assert again == (count, pytest.approx(whole_s / count, abs=1e-6))
    assert other == other_again == reloaded == (count, whole_s)


def test_the_first_call_with_a_format_takes_longer_after_each_load() -> None:
    async def main() -> list[float]:
        client = ServerClient(spec(model("a", 4, first_format_s=2.0)))
        await client.load("a")

        async def took(**more: object) -> float:
            reply = await client.use("a", tokens=10, **more)
            return round(reply.body["total_duration"] / 1e9, 1)

        seen = [await took(), await took(format="json"), await took(format="json"), await took()]
        await client.unload("a")
        await client.load("a")
        return [*seen, await took(format="json")]

    plain, first, second, plain_again, reloaded = in_virtual_time(main)
    assert plain == plain_again
    assert first == reloaded == pytest.approx(second + 2.0)
