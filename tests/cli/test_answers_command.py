"""`python -m pytest_swarm answers`: list, export, import, prune."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_swarm.cli import main
from pytest_swarm.execution.recorded_backends import RecordingTarget, recording_backend
from pytest_swarm.ollama.answers.answer_store import AnswerStore, SeenModel
from pytest_swarm.ollama.answers.questions import ModelIdentity
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.simulated_world import SimulatedWorld
from tests.execution.lab import A40, HEAVY, PLANNER, backend, case, graph
from tests.ollama.answers.test_answer_store import MODEL, filled


def test_list_tells_models_kinds_counts_and_what_was_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with filled(tmp_path / "s") as store:
        store.see(SeenModel(model=replace(MODEL, digest="75" * 32), seen_ts_ms=9.0))
    assert main(["answers", "list", "--answers", str(tmp_path / "s")]) == 0
    out = capsys.readouterr().out
    assert "3 answers of 1 model" in out
    assert out.splitlines()[2].split()[:6] == ["gemma2:2b", "747474747474", "0.33.0", "math", "3", "1"]
    assert out.splitlines()[2].endswith("replaced")


@pytest.mark.parametrize("action", ["list", "export"])
def test_reading_leaves_the_store_as_it_was(tmp_path: Path, action: str) -> None:
    filled(tmp_path / "s").close()
    before = (tmp_path / "s").read_bytes()
    assert main(["answers", action, "--answers", str(tmp_path / "s")]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"s": before}


def test_export_and_import_go_round(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path / "s").close()
    assert main(["answers", "export", "--answers", str(tmp_path / "s"), "--out", str(tmp_path / "e")]) == 0
    assert main(["answers", "import", str(tmp_path / "e"), "--answers", str(tmp_path / "t")]) == 0
    took, wrote = capsys.readouterr()
    assert "3 new answers, 3 in" in took
    for said, name in ((took, "t"), (wrote, "e")):
        assert said.endswith(
            f"next: pytest --swarm-backend=measure --swarm-offline --swarm-answers={tmp_path / name}\n"
        )
    assert main(["answers", "export", "--answers", str(tmp_path / "t")]) == 0
    assert capsys.readouterr().out == (tmp_path / "e").read_text()


def test_a_missing_store_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("list", "export", "prune"):
        assert main(["answers", action, "--answers", str(tmp_path / "none")]) == 1
        assert "there is no such file" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_folder_is_no_store_and_nothing_to_take_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("list", "export", "prune"):
        assert main(["answers", action, "--answers", str(tmp_path)]) == 1
        assert f"answers {tmp_path}: is a folder or a device; name the file of a store" in capsys.readouterr().err
    assert main(["answers", "import", str(tmp_path), "--answers", str(tmp_path / "s")]) == 1
    assert f"answers import: {tmp_path}: is no file; give an export" in capsys.readouterr().err


def recorded(path: Path, *, simulated: bool, live: bool = False) -> None:
    """Record one case into a cassette, of a server that counts as a real one or not."""
    from pytest_swarm.execution.bench import Bench
    from pytest_swarm.execution.bench_settings import BenchSettings

    inner = replace(backend(), simulated=simulated, live=live)
    recording = recording_backend(inner, RecordingTarget(path=path))
    with Bench(backend=recording, fleet=HEAVY, settings=BenchSettings(planner=PLANNER)) as bench:
        bench.run(case(graph(("a", "b")), "llm"))


def test_a_cassette_is_taken_in_with_its_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette, path = tmp_path / "c.jsonl", tmp_path / "s"
    recorded(cassette, simulated=False)
    assert main(["answers", "import", str(cassette), "--answers", str(path)]) == 1
    assert "add --server=VERSION" in capsys.readouterr().err
    assert not path.exists()  # what cannot be taken in leaves no store behind
    assert main(["answers", "import", str(cassette), "--answers", str(path), "--server", "0.33.0"]) == 0
    with AnswerStore(path, writable=False) as store:
        kinds = [answer.kind for _, answer in store.entries()]
        assert (kinds.count("math"), kinds.count("planner")) == (2, 2)
        assert store.loads()
        assert all(load.load_s > 0 and load.size_bytes > 1e9 for load in store.loads())


def test_the_recording_of_a_live_server_tells_its_version(tmp_path: Path) -> None:
    cassette, path = tmp_path / "c.jsonl", tmp_path / "s"
    recorded(cassette, simulated=False, live=True)
    assert main(["answers", "import", str(cassette), "--answers", str(path)]) == 0
    version = backend().call(lambda client: client.version())
    with AnswerStore(path, writable=False) as store:
        assert {seen.model.server for seen in store.seen()} == {version}


def test_another_store_is_taken_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with filled(tmp_path / "s") as store:
        count = store.count()
    assert main(["answers", "import", str(tmp_path / "s"), "--answers", str(tmp_path / "t")]) == 0
    assert f"{count} new answers, {count} in " in capsys.readouterr().out
    assert main(["answers", "export", "--answers", str(tmp_path / "t"), "--out", "-"]) == 0
    assert len([line for line in capsys.readouterr().out.splitlines() if '"answer":' in line]) == count


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no such file"),
        ("", "no export of answers, no answer store and no cassette"),
        ("[[model]]\n", "no export of answers, no answer store and no cassette"),
        ("{}\n", "no export of answers, no answer store and no cassette"),
        ('{"answers":1}\n{"nonsense":1}\n', "line 2: "),
    ],
)
def test_one_file_that_is_none_leaves_the_store_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, said: str
) -> None:
    bad, path = tmp_path / "bad", tmp_path / "t"
    if text is not None:
        bad.write_text(text)
    filled(tmp_path / "s").close()
    assert main(["answers", "import", str(tmp_path / "s"), str(bad), "--answers", str(path)]) == 1
    assert said in capsys.readouterr().err
    assert not path.exists()


def test_answers_of_a_simulator_are_not_taken_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path / "c.jsonl", simulated=True)
    assert main(["answers", "import", str(tmp_path / "c.jsonl"), "--answers", str(tmp_path / "s")]) == 1
    assert "no answer in it is measured" in capsys.readouterr().err


def test_prune_removes_what_no_model_of_the_server_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pytest_swarm.simulator.server.model_library import digest_of

    there = digest_of(A40.server_spec.models[0])
    with filled(tmp_path / "s") as store:
        kept = ModelIdentity(tag="gemma2:2b", digest=there, server="0.33.0")
        store.see(SeenModel(model=kept, seen_ts_ms=9.0))
    server = SimulatedWorld(profile=A40).server()
    with serve_in_thread(server) as url:
        assert main(["answers", "prune", "--answers", str(tmp_path / "s"), "--host", url]) == 0
    assert "removed 3 answers of 1 model" in capsys.readouterr().out
    with AnswerStore(tmp_path / "s", writable=False) as store:
        assert [seen.model.digest for seen in store.seen()] == [there]
