"""Cassettes as values, lines and files."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_swarm import files
from pytest_swarm.codec import JsonDecoder, encode_line
from pytest_swarm.domain.record import Case, CaseKey
from pytest_swarm.errors import CassetteError
from pytest_swarm.fields import Json
from pytest_swarm.ollama.cassette import cassette_file
from pytest_swarm.ollama.cassette.cassette_codec import ExchangeLine, decode_exchange, encode_exchange, encode_take_line
from pytest_swarm.ollama.cassette.cassette_file import append_take, read_cassette, set_aside_cut_off
from pytest_swarm.ollama.cassette.takes import Cassette, Chunk, Exchange, ExchangeEnd, Take, TakeOrigin, request_digest
from pytest_swarm.ollama.transports.replay import CassetteIndex
from pytest_swarm.ollama.transports.replay_errors import UnmatchedRequest, nearest
from tests.execution.lab import graph

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SECONDS = st.floats(min_value=0, max_value=1e6)
NAMES = st.text(min_size=1, max_size=20)
EXCHANGES = st.builds(
    Exchange,
    method=st.sampled_from(["GET", "POST"]),
    path=NAMES,
    body=JSON,
    sent_s=SECONDS,
    end_s=SECONDS,
    ending=st.sampled_from(ExchangeEnd),
    status=st.none() | st.integers(100, 599),
    headers=st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple),
    head_s=st.none() | SECONDS,
    chunks=st.lists(st.builds(Chunk, offset_s=SECONDS, data=st.binary()), max_size=3).map(tuple),
    task=st.none() | NAMES,
    watched=st.booleans(),
    error=st.none() | st.tuples(NAMES, st.text()),
    server_time=st.none() | NAMES,
    model_digest=st.none() | NAMES,
)


@given(EXCHANGES)
def test_an_exchange_survives_its_line(exchange: Exchange) -> None:
    line = encode_line(encode_exchange(exchange, number=1, case="c"))
    assert line.isascii()
    assert "\n" not in line
    decoder = JsonDecoder[ExchangeLine](ExchangeLine, error=CassetteError)
    assert decode_exchange(decoder.decode(line, where="line")) == exchange


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_the_order_of_keys_is_no_part_of_a_request(body: dict[str, Json]) -> None:
    turned = dict(reversed(body.items()))
    assert request_digest("POST", "/api/chat", body) == request_digest("POST", "/api/chat", turned)
    assert request_digest("POST", "/api/chat", {**body, "seed": 1}) != request_digest(
        "POST", "/api/chat", {**body, "seed": 2}
    )


def test_the_spelling_of_a_name_is_no_part_of_a_request() -> None:
    spelled = ("hf.co/Team/M:Q4", "HF.CO/team/m:q4", "https://hf.co/team/m:Q4", " hf.co/team/m:q4")
    assert len({request_digest("POST", "/api/chat", {"model": name, "seed": 1}) for name in spelled}) == 1
    others = ("hf.co/team/m:q5", "hf.co/team/m", "team/m:q4", "localhost:5000/team/m:q4", "")
    assert len({request_digest("POST", "/api/chat", {"model": name, "seed": 1}) for name in (*spelled, *others)}) == 6


def test_a_recording_fits_with_and_without_the_demand_to_refuse_what_is_too_long() -> None:
    body: dict[str, Json] = {"model": "m", "seed": 1}
    assert request_digest("POST", "/api/chat", {**body, "truncate": False}) == request_digest("POST", "/api/chat", body)


def take(mode: str = "lp", *, run: str = "first", test: str = "t", answer: bytes = b"{}") -> Take:
    case = Case(graph=graph(("a", "b")), key=CaseKey(mode=mode, horizon=0, vram_budget_gb=8.0), test=test)
    origin = TakeOrigin(run=run, recorded_ts_ms=0.0, backend="ollama", detail="d", host="http://h:1", simulated=False)
    row = Exchange(
        method="GET",
        path="/api/ps",
        body=None,
        sent_s=0.0,
        end_s=0.1,
        status=200,
        chunks=(Chunk(offset_s=0.1, data=answer),),
    )
    return Take(case=case, origin=origin, exchanges=(row, replace(row, sent_s=1.0)), realised={("a", "m"): 0.5})


def test_takes_survive_their_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.jsonl"
    takes = (take("lp"), take("llm"), replace(take("milp"), realised=None, exchanges=()))
    for number, each in enumerate(takes):
        append_take(path, each, with_graph=number == 0)
    found = read_cassette(path)
    assert found.takes == takes
    assert found.notes == ()
    assert [each.name for each in path.parent.iterdir()] == ["c.jsonl"]


@pytest.mark.parametrize("broken", ["copyfile", "fsync"])
def test_an_append_that_breaks_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "c.jsonl"
    append_take(path, take())
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cassette_file.shutil if broken == "copyfile" else files.os, broken, full)
    with pytest.raises(CassetteError, match="cannot be written: No space left on device"):
        append_take(path, take("llm"))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["c.jsonl"]


@given(st.data())
def test_whatever_is_cut_off_the_takes_before_it_stay(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / "c.jsonl"
    append_take(path, take("lp"))
    first = len(path.read_bytes())
    append_take(path, take("llm"))
    whole = path.read_bytes()
    length = data.draw(st.integers(first, len(whole) - 2))
    path.write_bytes(whole[:length])
    found = read_cassette(path)
    assert found.takes == (take("lp"),)
    lines_end_whole = whole[length - 1 : length] == b"\n" or whole[length : length + 1] == b"\n"
    assert found.notes or lines_end_whole
    set_aside_cut_off(path)
    append_take(path, take("milp"))
    again = read_cassette(path)
    assert again.takes == (take("lp"), take("milp"))
    assert again.notes == ()


def test_a_missing_last_newline_is_no_loss(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    append_take(path, take("lp"))
    path.write_bytes(path.read_bytes()[:-1])
    assert read_cassette(path).takes == (take("lp"),)
    append_take(path, take("llm"))
    assert read_cassette(path).takes == (take("lp"), take("llm"))


def lines(path: Path) -> list[dict[str, Json]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_lines(path: Path, rows: list[dict[str, Json]]) -> None:
    path.write_text("".join(f"{encode_line(row)}\n" for row in rows))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sent_s": "soon"}, "field 'sent_s': expected float, found str; restore the file, or record it again"),
        ({"ending": "sudden"}, "field 'ending': invalid enum value 'sudden'"),
        ({"chunks": [[0.1]]}, r"field 'chunks\[0\]': expected array of length 2"),
        ({"chunks": [[-1, "x"]]}, r"field 'chunks\[0\]\[0\]': expected float >= 0"),
        ({"chunks": [[0, {"base64": "?"}]]}, r"field 'chunks\[0\]\[1\]\.base64': invalid base64"),
        ({"chunks": [[0, 7]]}, r"field 'chunks\[0\]\[1\]': expected str \| object, found int"),
        ({"case": "another"}, "belongs to no case; restore the file, or record it again$"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, change: dict[str, Json], sentence: str) -> None:
    path = tmp_path / "c.jsonl"
    append_take(path, take())
    rows = lines(path)
    rows[3] |= change
    write_lines(path, rows)
    with pytest.raises(CassetteError, match=f"line 4.*{sentence}"):
        read_cassette(path)


def test_a_packed_cassette_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"cassette":1}\n'))
    with pytest.raises(CassetteError, match=r"c.jsonl.gz: is packed by gzip; unpack it first$"):
        read_cassette(path)


def test_a_mode_with_half_a_surrogate_pair_is_another_mode_than_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    append_take(path, take())
    path.write_text(path.read_text().replace('"mode":"lp"', '"mode":"\\ud800"'))
    with pytest.raises(CassetteError, match=r"line 4.*belongs to no case"):
        read_cassette(path)


def test_a_lost_exchange_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    append_take(path, take())
    append_take(path, take("llm"))
    rows = lines(path)
    write_lines(path, rows[:4] + rows[5:])
    with pytest.raises(
        CassetteError, match=r"line 5.*an exchange of job \[lp-h0-8GB\] is missing before it; restore .* it again$"
    ):
        read_cassette(path)


def test_a_graph_that_no_line_holds_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    append_take(path, take(), with_graph=False)
    with pytest.raises(CassetteError, match=r"line 2: names the graph \w+, which no line before it holds; restore"):
        read_cassette(path)


def test_a_case_that_is_not_there_is_refused_with_the_nearest() -> None:
    case = replace(take().case, key=CaseKey(mode="lp", horizon=3, vram_budget_gb=8.0, repeat=2))
    sentence = r"does not hold job \[lp-h3-8GB\] repeat 2, .* tasks \(a, b\); the nearest .* is job \[lp-h0-8GB\]"
    with pytest.raises(CassetteError, match=sentence):
        CassetteIndex(Cassette(path="c.jsonl", takes=(take("llm"), take("lp")))).take(case)


OLD = Path(__file__).parents[1] / "data" / "version_1" / "cassette.jsonl"


def test_a_request_that_no_take_holds_is_compared_with_one_of_the_same_job() -> None:
    def asking(prompt: str, *, job: str) -> Take:
        made, body = take("milp"), {"model": "m", "prompt": prompt}
        case = replace(made.case, graph=replace(made.case.graph, name=job))
        (row, *_) = made.exchanges
        return replace(made, case=case, exchanges=(replace(row, method="POST", path="/api/chat", body=body),))

    own, same, other = take(), asking("one plus one", job=take().case.job), asking("two plus two", job="other")
    body = {"model": "m", "prompt": "two plus two"}
    unmatched = UnmatchedRequest(case=own.case, method="POST", path="/api/chat", body=body, task=None)
    found = nearest(unmatched, own, Cassette(path="c.jsonl", takes=(own, other, same)))
    assert found == (same, same.exchanges[0])


def test_a_cassette_of_version_0_1_0_is_read_in_full(tmp_path: Path) -> None:
    found = read_cassette(OLD)
    assert [each.label for each in found.takes] == ["old [lp-h0-8GB]", "old [llm-h0-8GB]"]
    assert [len(each.exchanges) for each in found.takes] == [18, 20]
    assert {each.task for each in found.takes[1].exchanges} == {None, "a", "b"}
    assert found.notes == ()
    for each in found.takes:
        append_take(tmp_path / "c.jsonl", each)
    assert (tmp_path / "c.jsonl").read_bytes() == OLD.read_bytes()


def test_a_take_keeps_which_tags_were_one_file(tmp_path: Path) -> None:
    path, one = tmp_path / "c.jsonl", take()
    grouped = replace(one, origin=replace(one.origin, one_file=(("a:1", "b:1"),)))
    append_take(path, grouped)
    assert read_cassette(path).takes[0].origin.one_file == (("a:1", "b:1"),)
    assert "one_file" not in encode_take_line(one)


def test_a_take_says_by_how_much_its_clock_is_behind(tmp_path: Path) -> None:
    path, one = tmp_path / "c.jsonl", take()
    append_take(path, replace(one, left_out_s=0.25))
    (found,) = read_cassette(path).takes
    assert found.clock_notes == (f"{one.label}: its times leave out 0.25 s of this process's own computing",)
    assert replace(one, left_out_s=0.02).clock_notes == one.clock_notes == ()
    assert "left_out_s" not in encode_take_line(one)
