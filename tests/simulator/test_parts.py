"""The small parts of the simulated server: placement in memory, launch options, and text in tokens."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm.errors import ProfileError
from pytest_swarm.simulator.server.hardware import GIB, ServerSpec
from pytest_swarm.simulator.server.launch_options import LaunchOptions
from pytest_swarm.simulator.server.memory import OutOfMemory, free_bytes, place
from pytest_swarm.simulator.server.token_stream import GeneratedText, StreamLimits, build_token_stream, split
from tests.simulator.servers import model, spec


@given(
    size_gib=st.floats(0.1, 60),
    gpu_gib=st.floats(1, 80),
    num_ctx=st.integers(4, 131_072),
    num_gpu=st.integers(-1, 40),
    slots=st.integers(1, 4),
)
def test_a_placement_never_takes_more_than_is_free(
    size_gib: float, gpu_gib: float, num_ctx: int, num_gpu: int, slots: int
) -> None:
    server = spec(model("a", size_gib), gpu_gib=gpu_gib, num_parallel=slots)
    try:
        placed = place(server, server.models[0], LaunchOptions(num_ctx=num_ctx, num_gpu=num_gpu), ())
    except OutOfMemory:
        assert num_gpu > 0
        return
    assert 0 <= placed.vram_bytes <= placed.total_bytes
    assert placed.vram_bytes <= free_bytes(server, ())
    assert (placed.vram_bytes == placed.total_bytes) == (placed.gpu_layers == placed.all_layers)
    assert placed.reported_free_bytes == free_bytes(server, ()) - placed.vram_bytes


def test_the_memory_of_a_model_is_weights_contexts_and_scratch() -> None:
    placed = place(spec(model("a", 4)), model("a", 4), LaunchOptions(num_ctx=4096), ())
    assert placed.vram_bytes == pytest.approx(4.75 * GIB, abs=1)


@pytest.mark.parametrize(("layers", "slowdown"), [(33, 1.0), (0, 5.0)])
def test_layers_on_the_cpu_cost_their_share_of_time(layers: int, slowdown: float) -> None:
    slow = model("a", 4, cpu_slowdown=5.0)
    assert place(spec(slow), slow, LaunchOptions(num_ctx=64, num_gpu=layers), ()).slowdown(slow) == slowdown


@given(text=st.text(max_size=60), count=st.integers(1, 80))
def test_pieces_are_the_text(text: str, count: int) -> None:
    pieces = tuple(split(text, count))
    assert len(pieces) == count
    assert "".join(pieces) == text


@pytest.mark.parametrize(
    ("tokens", "limit", "spoken", "reason"),
    [(10, None, 10, "stop"), (10, 4, 4, "length"), (10, 10, 10, "length"), (10, 11, 10, "stop"), (0, None, 1, "stop")],
)
def test_a_limit_cuts_a_text(tokens: int, limit: int | None, spoken: int, reason: str) -> None:
    generated = GeneratedText(text="abcdefghij" * 3, completion_tokens=tokens)
    stream = build_token_stream(
        generated, model("a", 1), prompt_tokens=5, slowdown=1.0, limits=StreamLimits(tokens=limit)
    )
    assert (stream.tokens, len(tuple(stream.pieces)), stream.reason) == (spoken, spoken, reason)
    assert "".join(stream.pieces) == stream.text


def test_an_answer_that_never_ends_takes_no_memory() -> None:
    generated = GeneratedText(text="and so on", completion_tokens=10**12)
    stream = build_token_stream(generated, model("a", 1), prompt_tokens=1, slowdown=1.0, limits=StreamLimits())
    assert stream.decode_s == (10**12 - 1) / 50


@pytest.mark.parametrize(
    "changes",
    [{"layers": 0}, {"size_bytes": -1}, {"decode_tokens_per_s": 0.0}, {"load_s": math.nan}, {"name": " "}],
)
def test_a_model_with_values_out_of_range_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ProfileError):
        model(**({"name": "a", "size_gib": 4} | changes))


@pytest.mark.parametrize(
    "changes",
    [{"gpu_gib": 0}, {"num_parallel": 0}, {"max_queue": -1}, {"keep_alive_s": -1.0}, {"keep_alive_s": math.nan}],
)
def test_a_server_with_values_out_of_range_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ProfileError):
        spec(model("a", 4), **changes)


def test_a_server_needs_models_with_names_of_their_own() -> None:
    with pytest.raises(ProfileError, match="no models"):
        ServerSpec(models=(), gpu_bytes=None)
    with pytest.raises(ProfileError, match="'a:latest' twice"):
        spec(model("a", 4), model("A:latest", 5))
