"""When the memory of an unloaded model counts as free."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulator.servers import ServerClient, in_virtual_time, model, spec


@pytest.mark.parametrize(
    ("first_gib", "recovered"),
    [
        (0.25, True),  # 3.75 of 4.75 GiB show as free: 79 %
        (0.5, False),  # 3.5 of 4.75 GiB: 74 %
        (4, False),  # nothing
        (4.25, True),  # 0.25 GiB less than before, which the server takes for a lot
    ],
)
def test_an_unload_waits_until_three_quarters_of_the_memory_show_as_free(first_gib: float, recovered: bool) -> None:
    """`c` takes the place of `a` in the server's table, so it is asked before it goes, and `b` afterwards.

    `b` reports the free memory beside `a`, `c` that without `a`: unloading `c` shows `c` minus `a` as free.
    """

    async def main() -> list[list[str]]:
        client = ServerClient(spec(model("a", first_gib, "10"), model("b", 4, "20"), model("c", 4, "30")))
        for name in ("a", "b"):
            await client.load(name)
        await client.unload("a")
        await asyncio.sleep(10)
        await client.load("c")
        await client.unload("c")
        await client.unload("b")  # handled when the memory of `c` shows as free, or after 5 s
        seen = []
        for _ in range(2):
            await asyncio.sleep(3)
            seen.append(await client.resident())
        return seen

    assert in_virtual_time(main) == [[] if recovered else ["b"], []]


@pytest.mark.parametrize(("batch", "status", "resident"), [(1, 500, []), (2, 200, ["a"])])
def test_a_batch_of_one_token_ends_each_load_and_leaves_nothing(batch: int, status: int, resident: list[str]) -> None:
    async def main() -> tuple[int, list[str]]:
        client = ServerClient(spec(model("a", 2)))
        await client.use("a")
        reply = await client.post("/api/generate", model="a", options={"num_batch": batch})
        return reply.status, await client.resident()

    assert in_virtual_time(main) == (status, resident)
