"""The measured server of a store; and the recorded run of two real models, played on its own answers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytest_swarm.calibration.cassette_answers import import_cassette
from pytest_swarm.calibration.measured_world import measured_world
from pytest_swarm.calibration.profile_check import CaseFigures, predicted_case, recorded_case
from pytest_swarm.calibration.recorded_chats import recorded_chats
from pytest_swarm.execution.bench import Bench
from pytest_swarm.execution.bench_settings import BenchSettings
from pytest_swarm.execution.case_player import CompleteCase
from pytest_swarm.execution.played_world import UNLIMITED_BYTES, PlayedWorld
from pytest_swarm.execution.playing_backend import Played
from pytest_swarm.execution.server_answers import ServerAnswers, identities
from pytest_swarm.execution.waves import NothingAsked, Waves
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.ollama.cassette.takes import Take
from pytest_swarm.workloads.fleet import load_fleet
from tests.ollama.answers.test_answer_store import ANSWER, LOAD, MODEL, SPEED, question

RECORDING = Path(__file__).parents[3] / "shared" / "data" / "real_ollama"
GPU_RECORDING = Path(__file__).parents[1] / "data" / "gpu_recording"


@pytest.fixture
def store() -> Iterator[AnswerStore]:
    with AnswerStore(None) as made:
        yield made


def world(store: AnswerStore, gpu_bytes: int | None = None) -> PlayedWorld:
    return measured_world(store, gpu_bytes)


def test_a_load_is_the_mean_of_those_after_the_first(store: AnswerStore) -> None:
    for number, load_s in enumerate((30.0, 2.0, 1.0, 3.0)):
        store.add_sample(replace(LOAD, load_s=load_s, first=number == 0))
    assert world(store).models[MODEL.digest].load_s == 2.0


def test_a_first_load_counts_where_there_is_no_other(store: AnswerStore) -> None:
    store.add_sample(replace(LOAD, load_s=30.0, first=True))
    assert world(store).models[MODEL.digest].load_s == 30.0


def test_footprints_are_exact_at_two_contexts_whatever_the_slots(store: AnswerStore) -> None:
    sizes = {2048: 3_000_000_000, 8192: 4_000_000_000}
    for num_ctx, size_bytes in sizes.items():
        store.add_sample(replace(LOAD, num_ctx=num_ctx, size_bytes=size_bytes, size_vram_bytes=size_bytes))
    store.add_sample(replace(SPEED, running=4))
    found = world(store)
    spec = found.model_spec(MODEL)
    for num_ctx, size_bytes in sizes.items():
        assert found.knows(MODEL.digest, num_ctx)
        assert spec.size_bytes + spec.kv_bytes(num_ctx, found.num_parallel) == pytest.approx(size_bytes, rel=1e-3)
    assert not found.knows(MODEL.digest, 4096)


def test_speeds_are_those_of_calls_that_ran_alone_and_read_their_whole_prompt(store: AnswerStore) -> None:
    store.add_sample(LOAD)
    alone = replace(ANSWER, prompt_tokens=100, prefill_s=0.1, completion_tokens=51, decode_s=1.0, total_s=1.3)
    store.add(question("a"), alone)
    store.add(question("b"), replace(alone, cached=True, prefill_s=0.001))
    store.add(question("c"), replace(alone, beside=3, decode_s=4.0))
    store.add(question("d"), replace(alone, unanswered_s=120.0))
    figures = world(store).models[MODEL.digest]
    assert (figures.prefill_tokens_per_s, figures.decode_tokens_per_s) == (1000.0, 50.0)
    assert figures.overhead_s == pytest.approx(0.2495, abs=0.05)


def test_a_prompt_that_stalled_says_nothing_about_the_speed(store: AnswerStore) -> None:
    store.add_sample(LOAD)
    for number, prefill_s in enumerate((9.6, 0.1, 0.11, 0.1, 0.09)):
        store.add(question(str(number)), replace(ANSWER, prompt_tokens=100, prefill_s=prefill_s))
    figures = world(store).models[MODEL.digest]
    assert (figures.prefill_tokens_per_s, figures.slowest_prompt_tokens_per_s) == (1000.0, 64.0)  # below 1000 / 8


def test_slots_and_slowdowns_come_from_several_calls_at_once(store: AnswerStore) -> None:
    store.add_sample(LOAD)
    store.add_sample(replace(SPEED, at_once=4, running=2, alone_tokens_per_s=50.0, decode_tokens_per_s=40.0))
    found = world(store)
    assert found.num_parallel == 2
    assert found.models[MODEL.digest].slowdowns == {2: 1.25}


@pytest.mark.parametrize(
    ("size_vram_bytes", "known", "gpu_bytes"),
    [(0, None, None), (9, None, UNLIMITED_BYTES), (9, 24, 24)],
)
def test_the_memory_of_the_gpu(
    store: AnswerStore, size_vram_bytes: int, known: int | None, gpu_bytes: int | None
) -> None:
    store.add_sample(replace(LOAD, size_vram_bytes=size_vram_bytes))
    assert world(store, known).gpu_bytes == gpu_bytes


# --- real models ---------------------------------------------------------------------------------------------------


def recorded_takes(recording: Path, folder: Path) -> Sequence[Take]:
    path = folder / "cassette.jsonl"
    path.write_bytes(gzip.decompress((recording / "cassette.jsonl.gz").read_bytes()))
    return list({take.case.digest: take for take in read_cassette(path).takes}.values())


def played_pairs(recording: Path, folder: Path, *, every: int = 1) -> tuple[list[tuple[CaseFigures, CaseFigures]], int]:
    """Figures of each case as it was recorded, and as it is played on all recorded answers; and how many there are."""
    fleet, takes = load_fleet(recording / "fleet.toml"), recorded_takes(recording, folder)[::every]
    with AnswerStore(None) as store:
        import_cassette(store, read_cassette(folder / "cassette.jsonl"), server="recorded")
        models = identities(seen.model for seen in store.seen())
        known = ServerAnswers(store=store, models=models, timeout_s=120.0)
        planner = next(question.model.tag for question, answer in store.entries() if answer.kind == "planner")
        settings = BenchSettings(planner=planner)
        waves = Waves(
            Played(known=known, detail="recorded"),
            world=lambda: measured_world(store),
            measurer=NothingAsked("the recording is all there is"),
            make_bench=lambda backend: Bench(backend=backend, fleet=fleet, settings=settings),
        )
        found = []
        for take in takes:
            [result] = waves.play([take.case]).cases.values()
            if isinstance(result, CompleteCase) and result.record is not None:
                was, now = recorded_case(take, recorded_chats(take)), predicted_case(result.record)
                if was.plan == now.plan:
                    found.append((was.figures, now.figures))
    return found, len(takes)


def test_answers_of_a_gpu_whose_first_prompts_stalled_predict_its_times(tmp_path: Path) -> None:
    pairs, cases = played_pairs(GPU_RECORDING, tmp_path)
    assert len(pairs) == cases == 24
    ratios = sorted(now.makespan_s / was.makespan_s for was, now in pairs)
    assert all(0.9 <= each <= 1.4 for each in ratios[7:])  # the first seven are those whose recorded prompts stalled
    assert ratios[6] < 0.9


@pytest.mark.skipif(not (RECORDING / "cassette.jsonl.gz").is_file(), reason="the recording is not here")
def test_a_recorded_run_of_real_models_is_predicted_within_a_fifth(tmp_path: Path) -> None:
    pairs, cases = played_pairs(RECORDING, tmp_path, every=2)
    assert len(pairs) >= 0.8 * cases
    for name, allowed in (("makespan_s", 0.2), ("latency_s", 0.2), ("load_s", 0.2), ("prompt_tokens", 0.01)):
        recorded, played = (sum(getattr(pair[n], name) for pair in pairs) for n in (0, 1))
        print(f"{name}: {len(pairs)} cases, recorded {recorded:.1f}, played {played:.1f}, {played / recorded - 1:+.1%}")
        assert played == pytest.approx(recorded, rel=allowed), name
