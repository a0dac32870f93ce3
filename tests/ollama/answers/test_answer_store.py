"""The answer store: keys, two writers, processes that are killed, and the text form."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from pytest_swarm.errors import AnswersError
from pytest_swarm.ollama.answers.answer_codec import sample_key
from pytest_swarm.ollama.answers.answer_store import AnswerStore, SeenModel
from pytest_swarm.ollama.answers.answers_export import exported_lines, import_text, open_answers
from pytest_swarm.ollama.answers.questions import ModelIdentity, Question, question_of
from pytest_swarm.ollama.answers.stored_values import LoadSample, SpeedSample, StoredAnswer

MODEL = ModelIdentity(tag="gemma2:2b", digest="74" * 32, server="0.33.0")
BODY = {
    "model": "gemma2:2b",
    "messages": [{"role": "user", "content": "2 + 2?"}],
    "options": {"num_ctx": 4096, "seed": 7},
    "stream": False,
    "tools": [],
    "keep_alive": 900,
}
ANSWER = StoredAnswer(
    text="4", kind="math", task="sum", measured_ts_ms=1.0, site="http://a", prompt_tokens=9, decode_s=0.5
)
LOAD = LoadSample(
    digest=MODEL.digest,
    server="0.33.0",
    site="http://a",
    measured_ts_ms=2.0,
    load_s=1.5,
    num_ctx=4096,
    size_bytes=10,
    size_vram_bytes=9,
)
SPEED = SpeedSample(
    digest=MODEL.digest,
    server="0.33.0",
    site="http://a",
    measured_ts_ms=3.0,
    at_once=4,
    running=2,
    decode_tokens_per_s=40.0,
    alone_tokens_per_s=50.0,
)


def question(text: str = "2 + 2?", model: ModelIdentity = MODEL, **options: object) -> Question:
    body = {**BODY, "messages": [{"role": "user", "content": text}], "options": {**BODY["options"], **options}}  # type: ignore[dict-item]
    return question_of("/api/chat", body, model)  # type: ignore[arg-type]


def test_the_prompt_of_a_question_holds_all_its_texts_in_order() -> None:
    rows = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]
    bodies: list[dict[str, object]] = [
        {"messages": rows},
        {"prompt": "2 + 2?", "stream": True},
        {"prompt": None},
        {"messages": [], "prompt": "x"},
        {},
    ]
    found = [question_of("/api/chat", {"model": "m", **each}, MODEL) for each in bodies]  # type: ignore[dict-item]
    assert [each.prompt for each in found] == ["Be brief.\n2 + 2?", "2 + 2?", "", "x", ""]
    assert [each.last_message for each in found] == ["2 + 2?", "2 + 2?", "", "x", ""]


def test_the_key_leaves_out_what_changes_no_answer() -> None:
    same = [BODY, {**BODY, "keep_alive": -1, "stream": True}, {k: v for k, v in BODY.items() if k != "tools"}]
    keys = {question_of("/api/chat", body, MODEL).key for body in same}  # type: ignore[arg-type]
    assert len(keys) == 1


@pytest.mark.parametrize(
    "other",
    [
        question("2 + 3?"),
        question(seed=8),
        question(num_ctx=8192),
        question(temperature=0.0),
        question(model=replace(MODEL, digest="75" * 32)),
        question(model=replace(MODEL, server="0.34.0")),
        question_of("/api/generate", BODY, MODEL),  # type: ignore[arg-type]
        question_of("/api/chat", {**BODY, "format": "json"}, MODEL),  # type: ignore[arg-type, dict-item]
        question_of("/api/chat", {**BODY, "think": False}, MODEL),  # type: ignore[arg-type, dict-item]
    ],
)
def test_the_key_holds_everything_else(other: Question) -> None:
    assert other.key != question().key


def test_a_tag_is_no_part_of_the_key() -> None:
    assert question(model=replace(MODEL, tag="copy:latest")).key == question().key


def test_an_answer_stays_and_one_that_was_given_up_is_replaced_by_more() -> None:
    with AnswerStore(None) as store:
        assert store.add(question(), changed(ANSWER, text="", unanswered_s=10.0))
        assert not store.add(question(), changed(ANSWER, text="", unanswered_s=5.0))
        assert store.add(question(), changed(ANSWER, text="", unanswered_s=20.0))
        assert [len(store.known_keys(limit_s)) for limit_s in (10.0, 20.0, 21.0)] == [1, 1, 0]
        assert store.add(question(), ANSWER)
        assert not store.add(question(), changed(ANSWER, text="5"))
        assert store.known_keys(21.0) == {question().key}
        assert store.answer(question()) == ANSWER


texts = st.text(alphabet=st.characters(codec=None, categories=("L", "Cs", "Cc", "So")), max_size=30)


@given(text=texts, prompt=texts)
def test_any_text_comes_back_as_it_was(text: str, prompt: str) -> None:
    with AnswerStore(None) as store:
        store.add(question(prompt), changed(ANSWER, text=text, thinking=text))
        [(asked, answer)] = store.entries()
    assert (asked.key, answer.text, answer.thinking) == (question(prompt).key, text, text)


def filled(path: Path | None) -> AnswerStore:
    store = AnswerStore(path)
    for number in (3, 1, 2):
        store.add(question(f"{number} + 1?"), changed(ANSWER, text=str(number + 1)))
    store.add_sample(LOAD)
    store.add_sample(SPEED)
    store.see(SeenModel(model=MODEL, seen_ts_ms=5.0))
    return store


def test_an_export_is_sorted_and_comes_back_equal(tmp_path: Path) -> None:
    with filled(None) as store, AnswerStore(None) as copy:
        lines = list(exported_lines(store))
        export = tmp_path / "answers.jsonl"
        export.write_text("\n".join(lines) + "\n", encoding="ascii")
        assert import_text(copy, export) == 3
        assert list(exported_lines(copy)) == lines
        assert import_text(copy, export) == 0
        assert (copy.loads(), copy.speeds(), copy.seen()) == ((LOAD,), (SPEED,), store.seen())


def test_a_sample_has_the_key_that_every_version_gave_it() -> None:
    tiny = changed(LOAD, load_s=1.5e-05, list_s=2e-16)  # numbers that encoders write in different ways
    assert sample_key(tiny) == "d0748ecca2ea4627c02b1b47af06e0ff56ff7ef5ba7739408108eb48302e5d42"


def test_one_more_answer_is_one_more_line() -> None:
    with filled(None) as store:
        before = list(exported_lines(store))
        store.add(question("9 + 1?"), ANSWER)
        after = list(exported_lines(store))
    assert [line for line in after if line in before] == before
    assert len(after) == len(before) + 1


def test_an_export_can_be_read_in_place_but_not_written(tmp_path: Path) -> None:
    export = tmp_path / "answers.jsonl"
    with filled(None) as store:
        export.write_text("\n".join(exported_lines(store)), encoding="ascii")
    with open_answers(export, writable=False) as found:
        assert found.count() == 3
    with pytest.raises(AnswersError, match=r"answers import FILE"):
        open_answers(export, writable=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello\n", r"answers .*: (is no answer store|cannot be used)"),
        (b"SQLite format 3\x00" + b"\xff" * 5000, r"cannot be used \(.*\); restore the file, or name another one$"),
        (b"", "cannot be used"),
    ],
)
def test_a_file_that_is_no_store_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(AnswersError, match=said):
        open_answers(path, writable=False)


def test_a_missing_file_is_an_error_for_a_reader_only(tmp_path: Path) -> None:
    with pytest.raises(AnswersError, match="there is no such file"):
        open_answers(tmp_path / "none", writable=False)
    open_answers(tmp_path / "new", writable=True).close()
    assert (tmp_path / "new").exists()


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    with AnswerStore(tmp_path / "s") as store:
        store._database.execute("PRAGMA user_version = 99")
    for writable in (False, True):
        with pytest.raises(AnswersError, match="newer than 1; update"):
            AnswerStore(tmp_path / "s", writable=writable)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["{}"], "line 1: is not the first line"),
        (['{"answers": 99}'], "version 99 is newer"),
        (['{"answers": 1}', "{}"], "line 2: is no answer"),
        (['{"answers": 1}', '{"answer": {"text": 3}}'], "line 2: .*field.*; write it again with "),
        (['{"answers": 1}', "[1, 2"], "line 2: is not valid JSON"),
    ],
)
def test_a_bad_line_of_an_export_is_named(tmp_path: Path, lines: list[str], said: str) -> None:
    export = tmp_path / "answers.jsonl"
    export.write_text("\n".join(lines), encoding="ascii")
    with AnswerStore(None) as store, pytest.raises(AnswersError, match=said):
        import_text(store, export)


def test_removing_a_digest_leaves_the_others() -> None:
    with filled(None) as store:
        store.add(question(model=replace(MODEL, digest="75" * 32)), ANSWER)
        assert store.remove(frozenset((MODEL.digest,))) == 3
        assert (store.count(), store.loads(), store.seen()) == (1, (), ())


WRITER = """
import sys
from pathlib import Path
from typing import Any
from tests.ollama.answers.test_answer_store import ANSWER, question
from pytest_swarm.ollama.answers.answer_store import AnswerStore
name, first, last = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with AnswerStore(Path(sys.argv[1])) as store:
    for number in range(first, last):
        store.add(question(f"{number}"), ANSWER)
        print(number, flush=True)
        if name == "killed" and number == last - 1:
            sys.stdin.read()
"""


def writer(path: Path, name: str, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(first), str(last)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s"
    writers = [writer(path, "whole", first, first + 60) for first in (0, 30)]
    assert [each.wait() for each in writers if each.communicate()] == [0, 0]
    with AnswerStore(path, writable=False) as store:
        assert store.count() == 90


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_a_killed_process_has_told_is_there(tmp_path: Path) -> None:
    path = tmp_path / "s"
    process = writer(path, "killed", 0, 20)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with AnswerStore(path) as store:
        assert all(store.answer(question(number.strip())) == ANSWER for number in told)
        assert store.add(question("more"), ANSWER)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "UPDATE answers SET answer = 7",
            "entry .*: expected object, found int; restore the file, or name another one$",
        ),
        ("PRAGMA user_version = -1", "version -1 is unknown; restore the file, or name another one$"),
        (
            "UPDATE answers SET answer = x'00ff'",
            "entry .*: is damaged: a value is no text; restore the file, or name another one$",
        ),
        (
            "UPDATE answers SET path = x'01'",
            "entry .*: is damaged: a value is no text; restore the file, or name another one$",
        ),
        (
            "UPDATE models SET seen_ts_ms = 'x'",
            "entry gemma2:2b: is damaged: its time is no number; restore the file, or name another one$",
        ),
    ],
)
def test_a_store_whose_values_are_of_other_types_is_refused_in_a_sentence(
    tmp_path: Path, change: str, sentence: str
) -> None:
    path = tmp_path / "store"
    with AnswerStore(path) as store:
        store.add(question(), ANSWER)
        store.see(SeenModel(model=MODEL, seen_ts_ms=1.0))
    with closing(sqlite3.connect(path)) as database:
        database.execute(change)
        database.commit()
    with pytest.raises(AnswersError, match=sentence), AnswerStore(path, writable=False) as store:
        list(exported_lines(store))


@pytest.mark.parametrize(
    "lines", ["", "{}\n", '{"answers": -1}\n', '{"answers": 1}\n{}\n', '{"answers": 1}\n{"model": 1}\n']
)
def test_an_export_with_a_fault_says_how_to_get_another_one(tmp_path: Path, lines: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(lines)
    with AnswerStore(None) as store, pytest.raises(AnswersError, match="; write it again with `python -m pytest_swarm"):
        import_text(store, path)


class BusyTwice(sqlite3.Connection):
    """A connection whose mode cannot be set twice, as while another process sets it: SQLite does not wait then."""

    refusals = 2

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if "journal_mode" in sql and BusyTwice.refusals:
            BusyTwice.refusals -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return super().execute(sql, *parameters)


def test_a_store_that_another_process_is_opening_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, factory=BusyTwice, **more))
    with AnswerStore(tmp_path / "s") as store:
        assert store.add(question("one"), ANSWER)
    assert BusyTwice.refusals == 0


def test_a_file_that_cannot_be_used_is_not_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, made = sqlite3.connect, list[sqlite3.Connection]()

    def kept(*args: Any, **more: Any) -> sqlite3.Connection:
        made.append(connect(*args, **more))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", kept)
    path = tmp_path / "store"
    path.write_bytes(b"SQLite format 3\x00 and then nothing of it")
    for writable in (True, False):
        with pytest.raises(AnswersError, match="cannot be used"):
            AnswerStore(path, writable=writable)
    assert len(made) >= 2
    for database in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            database.execute("SELECT 1")


def test_a_store_that_is_left_half_read_locks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_swarm.ollama.answers.database._WAIT_S", 0.2)
    path = tmp_path / "store"
    with filled(path) as store:
        store._database.execute("UPDATE answers SET answer = '{' WHERE key = (SELECT min(key) FROM answers)")
        store._database.execute("PRAGMA journal_mode = DELETE")
    with AnswerStore(path, writable=False) as store, pytest.raises(AnswersError) as error:
        list(store.entries())
    with AnswerStore(path) as store:  # WAL needs the file alone
        assert store.count() == 3
    assert error.tb is not None  # what Python keeps of the fault is alive until here
