"""How the real server schedules, case by case, over HTTP in virtual time. Measured cases, written anew and smaller."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_swarm.simulator.server.hardware import ServerSpec
from tests.simulator.servers import Reply, ServerClient, in_virtual_time, model, spec

FOUR = (model("a", 4, "10"), model("b", 5, "20"), model("c", 3, "30"), model("d", 6, "40"))


def run(server: ServerSpec, sequence: str) -> list[str]:
    return in_virtual_time(lambda: ServerClient(server).uses(sequence))


# --- fit ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size_gib", "resident"), [(8.4, ["a", "x"]), (8.6, ["x"])])
def test_beside_others_a_model_may_take_eighty_percent_of_the_free_memory(size_gib: float, resident: list[str]) -> None:
    assert run(spec(model("a", 4), model("x", size_gib, "f0")), "ax") == resident


def test_every_slot_has_a_context_and_all_of_them_count() -> None:
    models = (model("a", 4), model("x", 7.5, "f0"))
    assert run(spec(*models), "ax") == ["a", "x"]
    assert run(spec(*models, num_parallel=4), "ax") == ["x"]


def test_large_first_then_small_fits_and_the_other_way_round_does_not() -> None:
    models = (model("a", 4), model("x", 9.5, "f0"))
    assert run(spec(*models), "xa") == ["a", "x"]
    assert run(spec(*models), "ax") == ["x"]


def test_alone_a_model_may_fill_the_gpu() -> None:
    assert run(spec(model("x", 13.5)), "x") == ["x"]


def test_a_model_that_is_too_big_is_split_between_gpu_and_cpu() -> None:
    async def main() -> dict[str, Any]:
        client = ServerClient(spec(model("x", 20)))
        await client.use("x")
        return (await client.ps())["x"]

    row = in_virtual_time(main)
    assert 0 < row["size_vram"] < row["size"]


def test_a_split_model_leaves_no_room() -> None:
    assert run(spec(model("x", 20), model("e", 2, "50")), "xe") == ["e"]


def test_no_more_models_are_evicted_than_needed() -> None:
    async def main() -> list[str]:
        client = ServerClient(spec(*FOUR[:3], model("x", 7, "f0"), gpu_gib=24))
        for minutes, name in enumerate("abcx", start=1):
            await client.use(name, keep_alive=f"{minutes}m")
        return await client.resident()

    assert in_virtual_time(main) == ["b", "c", "x"]


def test_an_explicit_large_batch_counts_and_the_automatic_one_does_not() -> None:
    async def main(**more: Any) -> list[str]:
        client = ServerClient(spec(model("a", 4), model("x", 7.4, "f0")))
        await client.use("a")
        await client.use("x", **more)
        return await client.resident()

    assert in_virtual_time(lambda: main(options={"num_batch": 2048})) == ["x"]
    assert in_virtual_time(lambda: main(num_ctx=8192)) == ["a", "x"]


@pytest.mark.parametrize(("batch", "resident"), [(1023, "ax"), (1024, "x"), (2047, "x"), (2048, "x")])
def test_a_batch_counts_in_steps(batch: int, resident: str) -> None:
    """8.1 GiB and the context fit into 80 % of the 11.25 GiB that are free, with 0.75 GiB more they do not."""
    assert _resident_with_batch(batch, x_gib=8.1) == list(resident)


@pytest.mark.parametrize(("batch", "resident"), [(1024, "ax"), (2047, "ax"), (2048, "x"), (4096, "x")])
def test_a_large_batch_counts_no_more_than_2_gib(batch: int, resident: str) -> None:
    assert _resident_with_batch(batch, x_gib=7.4) == list(resident)


def _resident_with_batch(batch: int, *, x_gib: float) -> list[str]:
    async def main() -> list[str]:
        client = ServerClient(spec(model("a", 4), model("x", x_gib, "f0")))
        await client.use("a")
        await client.use("x", options={"num_batch": batch})
        return await client.resident()

    return in_virtual_time(main)


def test_without_a_gpu_memory_never_binds_but_the_count_does() -> None:
    server = spec(*(model(name, 90, blob) for name, blob in zip("abcd", "1234", strict=True)), gpu_gib=None)
    assert run(server, "abc") == ["a", "b", "c"]
    assert run(server, "abcd") == ["b", "c", "d"]


STALE = (model("a", 8, "10"), model("b", 3, "20"), model("x", 5, "f0"))


@pytest.mark.parametrize(
    ("order", "stale", "resident"),
    [("ab", True, ["x"]), ("ba", True, ["b", "x"]), ("ab", False, ["b", "x"])],
)
def test_a_resident_reports_the_free_memory_of_its_own_load(order: str, stale: bool, resident: list[str]) -> None:
    async def main() -> list[str]:
        client = ServerClient(spec(*STALE, stale_free_memory=stale))
        await client.uses(order)
        await client.unload("a")
        await asyncio.sleep(6)
        return await client.uses("x")

    assert in_virtual_time(main) == resident


# --- victims ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keep_alive", "resident"),
    [
        ({"a": "30m", "b": "10m", "c": "20m"}, ["a", "c", "d"]),
        ({"a": -1, "b": "24h", "c": -1}, ["a", "c", "d"]),
        ({"a": -1, "b": -1, "c": -1}, ["b", "c", "d"]),
        ({"b": "4m"}, ["a", "c", "d"]),
        ({"b": "6m"}, ["b", "c", "d"]),
    ],
    ids=["shortest", "pinned-last", "all-pinned", "below-default", "above-default"],
)
def test_the_shortest_keep_alive_goes_then_the_first_blob(keep_alive: dict[str, Any], resident: list[str]) -> None:
    async def main() -> list[str]:
        client = ServerClient(spec(*FOUR, gpu_gib=80))
        for name in "abc":
            await client.use(name, **({"keep_alive": keep_alive[name]} if name in keep_alive else {}))
        return await client.uses("d")

    assert in_virtual_time(main) == resident


def test_neither_recency_nor_size_saves_a_model() -> None:
    models = (model("a", 10, "90"), model("b", 2, "30"), model("c", 9, "60"))
    assert run(spec(*models, gpu_gib=24), "abbc") == ["a", "c"]


def test_an_idle_model_goes_before_a_busy_one() -> None:
    async def main() -> list[str]:
        client = ServerClient(spec(*FOUR, gpu_gib=80))
        await client.uses("abc")
        async with asyncio.TaskGroup() as group:
            group.create_task(client.use("a", tokens=500))
            await asyncio.sleep(0.1)
            group.create_task(client.use("d"))
        return await client.resident()

    assert in_virtual_time(main) == ["a", "c", "d"]


# --- queue -----------------------------------------------------------------------------------------------------


async def together(client: ServerClient, *calls: tuple[str, int], gap_s: float = 0.05) -> list[Reply]:
    """Chats started one after the other without waiting; the replies in the order of the calls."""
    tasks = []
    for name, tokens in calls:
        tasks.append(asyncio.create_task(client.use(name, tokens=tokens)))
        await asyncio.sleep(gap_s)
    return list(await asyncio.gather(*tasks))


def ended(replies: list[Reply]) -> list[int]:
    return sorted(range(len(replies)), key=lambda n: replies[n].ended_s)


def test_requests_that_need_a_load_are_served_in_the_order_of_arrival() -> None:
    async def main() -> tuple[list[int], list[bool]]:
        client = ServerClient(spec(*FOUR, gpu_gib=80, max_loaded_models=1))
        await client.load("a")
        replies = await together(client, ("a", 40), ("b", 2), ("c", 2))
        return ended(replies), [reply.cold for reply in replies]

    assert in_virtual_time(main) == ([0, 1, 2], [False, True, True])


def test_a_request_that_waits_for_an_eviction_blocks_one_that_would_fit() -> None:
    async def main() -> list[int]:
        client = ServerClient(spec(model("a", 10), model("x", 12, "f0"), model("e", 2, "50"), gpu_gib=24))
        await client.load("a")
        return ended(await together(client, ("a", 70), ("x", 2), ("e", 2)))

    assert in_virtual_time(main) == [0, 1, 2]


def test_a_resident_model_serves_while_another_loads() -> None:
    async def main() -> list[int]:
        client = ServerClient(spec(model("a", 4), model("b", 5, "20", load_s=30.0), gpu_gib=80))
        await client.load("a")
        return ended(await together(client, ("b", 2), ("a", 2)))

    assert in_virtual_time(main) == [1, 0]


def test_a_resident_model_is_served_past_a_full_queue() -> None:
    async def main() -> list[int]:
        client = ServerClient(spec(*FOUR, gpu_gib=80, max_loaded_models=1, max_queue=2))
        await client.load("a")
        calls = [("a", 80), *[("b", 2)] * 5, ("a", 2)]
        return [reply.status for reply in await together(client, *calls)]

    assert in_virtual_time(main) == [200, 200, 200, 200, 503, 503, 200]


def test_the_refusal_has_the_servers_own_text_and_comes_at_once() -> None:
    async def main() -> Reply:
        client = ServerClient(spec(*FOUR, gpu_gib=80, max_loaded_models=1, max_queue=1))
        await client.load("a")
        replies = await together(client, ("a", 80), ("b", 2), ("b", 2), ("b", 2))
        return replies[-1]

    refused = in_virtual_time(main)
    assert refused.body == {"error": "server busy, please try again.  maximum pending requests exceeded"}
    assert refused.load_s == 0.0


def test_requests_that_wait_for_a_slot_are_not_in_the_queue() -> None:
    async def main() -> list[int]:
        client = ServerClient(spec(*FOUR, gpu_gib=80, max_queue=1))
        await client.load("a")
        return [reply.status for reply in await together(client, *[("a", 10)] * 6)]

    assert in_virtual_time(main) == [200] * 6


def test_without_a_queue_one_request_loads_and_all_others_are_refused() -> None:
    async def main() -> list[int]:
        client = ServerClient(spec(*FOUR, gpu_gib=80, max_queue=0))
        return [reply.status for reply in await together(client, ("a", 10), ("a", 10), ("b", 10))]

    assert in_virtual_time(main) == [200, 503, 503]


def test_a_long_queue_for_one_model_shares_one_load() -> None:
    async def main() -> int:
        client = ServerClient(spec(*FOUR, gpu_gib=80, max_loaded_models=1))
        await client.load("a")
        replies = await together(client, ("a", 2000), *[("b", 1)] * 200, gap_s=0.0)
        return sum(reply.status == 200 for reply in replies)

    assert in_virtual_time(main) == 201


@pytest.mark.parametrize(("slots", "seconds"), [(1, 2.0), (2, 1.0)])
def test_slots_run_side_by_side(slots: int, seconds: float) -> None:
    async def main() -> float:
        client = ServerClient(spec(model("a", 4), gpu_gib=80, num_parallel=slots))
        await client.load("a")
        begun_s = asyncio.get_running_loop().time()
        replies = await together(client, ("a", 51), ("a", 51), gap_s=0.0)
        return max(reply.ended_s for reply in replies) - begun_s

    assert in_virtual_time(main) == pytest.approx(seconds, abs=0.02)


# --- hanging up ------------------------------------------------------------------------------------------------


async def hang_up(task: asyncio.Task[Reply]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.01)


def test_a_load_is_aborted_when_its_client_disconnects() -> None:
    async def main() -> tuple[list[str], bool]:
        client = ServerClient(spec(model("a", 4), model("b", 5, "20", load_s=10.0), gpu_gib=80))
        await client.load("a")
        task = asyncio.create_task(client.use("b"))
        await asyncio.sleep(5)
        await hang_up(task)
        await asyncio.sleep(10)
        return await client.resident(), (await client.use("b")).cold

    assert in_virtual_time(main) == (["a"], True)


def test_a_queued_request_is_skipped_when_its_client_disconnects() -> None:
    async def main() -> list[str]:
        client = ServerClient(spec(*FOUR, gpu_gib=80, max_loaded_models=1))
        await client.load("a")
        busy = asyncio.create_task(client.use("a", tokens=100))
        await asyncio.sleep(0.1)
        first = asyncio.create_task(client.use("b"))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(client.use("c"))
        await asyncio.sleep(0.1)
        await hang_up(second)
        await asyncio.gather(busy, first)
        await asyncio.sleep(10)
        return await client.resident()

    assert in_virtual_time(main) == ["b"]


def test_a_client_that_disconnects_frees_its_slot_and_keeps_the_model() -> None:
    async def main() -> tuple[float, list[str]]:
        client = ServerClient(spec(*FOUR))
        await client.load("a")
        task = asyncio.create_task(client.use("a", tokens=10_000))
        await asyncio.sleep(1)
        await hang_up(task)
        begun_s = asyncio.get_running_loop().time()
        reply = await client.use("a")
        return reply.ended_s - begun_s, await client.resident()

    elapsed_s, resident = in_virtual_time(main)
    assert elapsed_s < 0.1
    assert resident == ["a"]


@pytest.mark.parametrize(
    ("hung_up_s", "waits_s", "read_again"),
    [
        (0.1, 0.412, 1100 - 512),  # the first batch of 512 tokens
        (0.6, 0.424, 1100 - 1024),
        (1.05, 0.05, 1),  # the last one
        (2.0, 0.0, 1),  # in the answer
    ],
)
def test_the_batch_in_hand_is_read_to_its_end_when_the_client_disconnects(
    hung_up_s: float, waits_s: float, read_again: int
) -> None:
    """Measured: the slot is given up between two batches, what was read stays in it, and the lease starts at once."""
    prompt = [{"role": "user", "content": "x " * 2200}]  # 1101 tokens

    async def main() -> tuple[float, float, float]:
        client = ServerClient(spec(model("a", 4, prompt_cache="any")))
        await client.load("a")
        loop = asyncio.get_running_loop()
        long = {"model": "a", "messages": prompt, "stream": False, "options": {"num_ctx": 4096, "num_predict": 100}}
        task = asyncio.create_task(client.post("/api/chat", **long, keep_alive=50))
        begun_s = loop.time()
        await asyncio.sleep(hung_up_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        (loaded,) = client.server.resident()
        assert loaded.expires_at_s == pytest.approx(begun_s + hung_up_s + 50, abs=0.01)
        reply = await client.use("a", tokens=1)
        again = await client.post("/api/chat", **long)
        return reply.ended_s - begun_s - hung_up_s, again.body["prompt_eval_duration"] / 1e6, loaded.references

    waited_s, read_ms, references = in_virtual_time(main)
    assert waited_s == pytest.approx(waits_s, abs=0.05)
    assert (read_ms, references) == (pytest.approx(read_again, abs=8), 0)


# --- times ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("load_s", "reported_s"), [(0.0, 0.25), (0.24, 0.25), (0.25, 0.5), (0.26, 0.5), (7.1, 7.25)])
def test_a_cold_load_comes_in_steps_of_a_quarter_second(load_s: float, reported_s: float) -> None:
    """A load that takes whole steps is not done at that look: its process took a moment to start."""
    reply = in_virtual_time(lambda: ServerClient(spec(model("a", 4, load_s=load_s))).use("a"))
    assert reply.load_s == pytest.approx(reported_s + 0.001)


def test_the_first_load_comes_from_disk_and_the_next_from_page_cache() -> None:
    async def main() -> list[float]:
        client = ServerClient(spec(model("a", 4, load_s=0.9, first_load_s=8.9)))
        times = [(await client.use("a")).load_s]
        await client.unload("a")
        await asyncio.sleep(1)
        return [*times, (await client.use("a")).load_s]

    assert in_virtual_time(main) == pytest.approx([9.001, 1.001])


@pytest.mark.parametrize(("sequence", "wait_s"), [("ab", 0.25), ("acb", 0.25 + 0.25), ("cab", 5.0 + 0.25)])
def test_eviction_waits_for_its_memory_to_show(sequence: str, wait_s: float) -> None:
    """The server asks the first model of its table how much is free, before and after. `c` beside `a` reports less
    than `a` alone did: that passes for free memory. Where `c` is asked both times, nothing shows, and 5 s pass.
    """
    models = (model("a", 9, "10"), model("c", 1, "30"), model("b", 13, "20", load_s=0.2))

    async def main() -> float:
        client = ServerClient(spec(*models))
        await client.uses(sequence[:-1])
        return (await client.use(sequence[-1])).load_s

    assert in_virtual_time(main) == pytest.approx(wait_s + 0.25 + 0.001)


@pytest.mark.parametrize(("stale", "wait_s"), [(True, 5.0), (False, 0.25)])
def test_a_second_unload_waits_for_the_memory_of_the_first(stale: bool, wait_s: float) -> None:
    async def main() -> list[list[str]]:
        client = ServerClient(spec(*FOUR, gpu_gib=48, stale_free_memory=stale))
        await client.uses("abc")
        await client.unload("b")
        await client.unload("c")
        await asyncio.sleep(wait_s - 0.01)
        before = await client.resident()
        await asyncio.sleep(0.02)
        return [before, await client.resident()]

    assert in_virtual_time(main) == [["a", "c"], ["a"]]


def test_unloading_first_is_faster_than_letting_the_server_evict() -> None:
    models = (model("a", 9, "10"), model("c", 1, "30"), model("b", 9, "20", load_s=0.25))

    async def main(explicit: bool) -> float:
        client = ServerClient(spec(*models, stale_free_memory=False))
        await client.uses("ca")
        if explicit:
            await client.unload("a")
        return (await client.use("b")).load_s

    assert in_virtual_time(lambda: main(True)) < in_virtual_time(lambda: main(False))


# --- reloads ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "there", "back"),
    [
        ("num_ctx", 8192, True, True),
        ("num_batch", 256, True, True),
        ("num_thread", 2, True, True),
        ("main_gpu", 1, True, True),
        ("use_mmap", False, True, True),
        ("draft_num_predict", 2, True, True),
        ("num_gpu", 10, True, False),
        ("num_gpu", 0, True, False),
        ("num_gpu", 99, True, False),
        ("num_gpu", -1, False, False),
        ("seed", 7, False, False),
        ("temperature", 0.5, False, False),
        ("num_predict", 3, False, False),
        ("stop", ["x"], False, False),
    ],
)
def test_launch_options_reload_a_model_and_others_do_not(option: str, value: Any, there: bool, back: bool) -> None:
    async def main() -> tuple[bool, bool]:
        client = ServerClient(spec(model("a", 4), gpu_gib=80))
        await client.use("a")
        changed = await client.use("a", options={option: value})
        return changed.cold, (await client.use("a")).cold

    assert in_virtual_time(main) == (there, back)


@pytest.mark.parametrize(
    ("option", "value", "gpu_gib", "num_ctx", "there", "back"),
    [
        ("num_batch", 512, 80, 4096, False, False),
        ("num_batch", 1024, 80, 4096, True, True),
        ("num_batch", 1024, 80, 8192, False, False),
        ("num_batch", 512, 80, 8192, True, False),
        ("num_batch", 1024, 80, 32_768, False, False),
        ("num_batch", 2048, 80, 65_536, False, False),
        ("use_mmap", False, None, 4096, False, False),
        ("use_mmap", True, None, 4096, True, True),
    ],
)
def test_asking_for_what_the_server_chose_reloads_nothing(
    option: str, value: Any, gpu_gib: float | None, num_ctx: int, there: bool, back: bool
) -> None:
    async def main() -> tuple[bool, bool]:
        client = ServerClient(spec(model("a", 4), gpu_gib=gpu_gib))
        await client.use("a", num_ctx=num_ctx)
        changed = await client.use("a", num_ctx=num_ctx, options={option: value})
        return changed.cold, (await client.use("a", num_ctx=num_ctx)).cold

    assert in_virtual_time(main) == (there, back)


@pytest.mark.parametrize(("slots", "cold"), [(1, True), (2, False), (8, False), (9, True)])
def test_the_contexts_of_all_slots_decide_the_servers_own_batch(slots: int, cold: bool) -> None:
    async def main() -> bool:
        client = ServerClient(spec(model("a", 4), gpu_gib=80, num_parallel=slots))
        await client.use("a")
        return (await client.use("a", options={"num_batch": 1024})).cold

    assert in_virtual_time(main) is cold


def test_the_field_shift_is_a_launch_option() -> None:
    async def main() -> list[bool]:
        client = ServerClient(spec(model("a", 4)))
        await client.use("a")
        return [(await client.use("a", shift=False)).cold, (await client.use("a")).cold]

    assert in_virtual_time(main) == [True, True]


def test_contexts_beyond_the_models_own_are_one_context() -> None:
    async def main() -> list[bool]:
        client = ServerClient(spec(model("a", 4, context_length=8192)))
        return [(await client.use("a", num_ctx=num_ctx)).cold for num_ctx in (8192, 16384, 32768)]

    assert in_virtual_time(main) == [True, False, False]


# --- layers that the request sets itself ------------------------------------------------------------------------


def test_a_model_kept_out_of_vram_loads_beside_any_other() -> None:
    async def main() -> dict[str, Any]:
        client = ServerClient(spec(model("a", 13), model("x", 10, "f0")))
        await client.use("a")
        await client.use("x", options={"num_gpu": 0})
        return await client.ps()

    rows = in_virtual_time(main)
    assert (rows["x"]["size_vram"], rows["a"]["size_vram"]) == (0, rows["a"]["size"])


@pytest.mark.parametrize("options", [{"num_batch": 1e30}, {"num_batch": -(2**40)}, {"num_thread": -1e30}], ids=str)
def test_a_batch_or_number_of_threads_below_one_is_not_passed_on(options: dict[str, Any]) -> None:
    """As on a real server; 1e30 is the smallest number of 64 bits there."""
    assert in_virtual_time(lambda: ServerClient(spec(model("a", 1))).use("a", options=options)).status == 200


def test_forcing_more_layers_than_fit_fails_alone() -> None:
    async def main() -> tuple[int, str, list[str], list[str]]:
        client = ServerClient(spec(model("x", 12), model("e", 2, "50"), gpu_gib=8))
        reply = await client.use("x", options={"num_gpu": 99})
        return reply.status, reply.body["error"], await client.resident(), await client.uses("e")

    status, text, after, later = in_virtual_time(main)
    assert (status, after, later) == (500, [], ["e"])
    assert text.startswith("llama-server process has terminated: exit status 1")


def test_out_of_memory_beside_others_evicts_them_all_and_tries_again() -> None:
    async def main() -> tuple[int, list[str]]:
        client = ServerClient(spec(model("a", 5), model("b", 5, "20"), model("x", 12, "f0")))
        await client.uses("ab")
        reply = await client.use("x", options={"num_gpu": 30})
        return reply.status, await client.resident()

    assert in_virtual_time(main) == (200, ["x"])


def test_out_of_memory_even_alone_leaves_nothing_resident() -> None:
    async def main() -> tuple[int, list[str]]:
        client = ServerClient(spec(model("a", 5), model("x", 40, "f0")))
        await client.use("a")
        reply = await client.use("x", options={"num_gpu": 32})
        return reply.status, await client.resident()

    assert in_virtual_time(main) == (500, [])


# --- more than one name -----------------------------------------------------------------------------------------


def test_two_names_of_one_file_share_a_loaded_model_under_the_name_that_loaded_it() -> None:
    async def main() -> tuple[bool, list[str]]:
        client = ServerClient(spec(model("a", 4), model("z", 4)))
        await client.use("z")
        return (await client.use("a")).cold, await client.resident()

    assert in_virtual_time(main) == (False, ["z"])
