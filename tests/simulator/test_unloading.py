"""When the memory of an unloaded model counts as free."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulator.servers import ServerClient, in_virtual_time, model, spec


@pytest.mark.parametrize(
    ("first_gib", "recovered"),
    [
        (4, False),  # 2 of 4.75 GiB show as free: 42 %
        (5, False),  # 3 of 4.75 GiB: 63 %
        (6, True),  # 4 of 4.75 GiB: 84 %
    ],
)
def test_an_unload_waits_until_three_quarters_of_the_memory_show_as_free(first_gib: float, recovered: bool) -> None:
    """`b` reports the free memory beside `a`, `c` that without `a`: unloading `b` shows `a` minus `c` as free."""

    async def main() -> list[list[str]]:
        client = ServerClient(spec(model("a", first_gib, "10"), model("b", 4, "20"), model("c", 2, "30")))
        for name in ("a", "b"):
            await client.load(name)
        await client.unload("a")
        await asyncio.sleep(10)
        await client.load("c")
        await client.unload("b")
        await client.unload("c")  # handled when the memory of `b` shows as free, or after 5 s
        seen = []
        for _ in range(2):
            await asyncio.sleep(3)
            seen.append(await client.resident())
        return seen

    assert in_virtual_time(main) == [[] if recovered else ["c"], []]


@pytest.mark.parametrize(("batch", "status", "resident"), [(1, 500, []), (2, 200, ["a"])])
def test_a_batch_of_one_token_ends_each_load_and_leaves_nothing(batch: int, status: int, resident: list[str]) -> None:
    async def main() -> tuple[int, list[str]]:
        client = ServerClient(spec(model("a", 2)))
        await client.use("a")
        reply = await client.post("/api/generate", model="a", options={"num_batch": batch})
        return reply.status, await client.resident()

    assert in_virtual_time(main) == (status, resident)
