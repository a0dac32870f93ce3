"""Tables of each format, as small files in exactly its columns: what is read, and what is refused in which sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_swarm.cli.import_matrix_command import configure
from pytest_swarm.errors import MatrixError
from pytest_swarm.workloads.matrices.import_matrix import READERS, MatrixImport, read_matrix
from pytest_swarm.workloads.matrices.matrix import Matrix


def read(path: Path, format_name: str, models: tuple[str, ...] = ()) -> Matrix:
    return read_matrix(path, MatrixImport(format=format_name, models=models))


def scores(matrix: Matrix) -> dict[str, dict[str, float | None]]:
    return {each.id: {model: cell.score for model, cell in each.cells.items()} for each in matrix.prompts}


def lines(path: Path, rows: list[Mapping[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_long_rows_keep_every_quantity_and_null_is_not_0(tmp_path: Path) -> None:
    rows: list[Mapping[str, object]] = [
        {
            "prompt_id": "a",
            "prompt": "A?",
            "task": "gsm8k",
            "model": "m",
            "score": 1 / 3,
            "cost": 0.5,
            "latency_ms": 250,
        },
        {
            "prompt_id": "a",
            "prompt": "A?",
            "task": "gsm8k",
            "model": "n",
            "score": True,
            "prompt_tokens": 7,
            "cost": None,
        },
    ]
    (prompt,) = read(lines(tmp_path / "t.jsonl", rows), "long").prompts
    first, second = prompt.cells["m"], prompt.cells["n"]
    assert (first.score, first.cost, first.latency_s, first.prompt_tokens) == (1 / 3, 0.5, 0.25, None)
    assert (second.score, second.cost, second.latency_s, second.prompt_tokens) == (1.0, None, None, 7)
    assert prompt.dataset == "gsm8k"


def test_long_csv_takes_the_names_of_routerbenchs_evaluation(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("sample_id,model_name,is_correct,total_cost,eval_name\nx,m,0.25,0.001,mmlu\nx,n,1,,mmlu\n")
    for format_name in ("long", "routerbench"):
        matrix = read(path, format_name)
        assert scores(matrix) == {"x": {"m": 0.25, "n": 1.0}}
        assert [each.cells["n"].cost for each in matrix.prompts] == [None]


def test_routerbench_models_are_the_prefixes_of_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "routerbench.csv"
    path.write_text(
        ",sample_id,prompt,eval_name,oracle_model_to_route_to,gpt-4,gpt-4|model_response,gpt-4|total_cost,"
        "WizardLM/WizardLM-13B-V1.2,WizardLM/WizardLM-13B-V1.2|model_response,WizardLM/WizardLM-13B-V1.2|total_cost\n"
        "0,mbpp.dev.3,\"['Write a\nfunction']\",mbpp,gpt-4,1.0,'def',0.0031,0.0,'no',1e-05\n"
        "1,mmlu-x.val.1,['Which?'],mmlu-x,no_model_correct,0.0,'A',0.001,0.5,'B',2e-05\n"
    )
    matrix = read(path, "routerbench")
    assert matrix.models == ("gpt-4", "WizardLM/WizardLM-13B-V1.2")
    assert list(scores(matrix)["mmlu-x.val.1"].values()) == [0.0, 0.5]
    assert matrix.prompts[0].cells["gpt-4"].cost == 0.0031
    assert matrix.prompts[0].text == "['Write a\nfunction']"


def test_routellm_columns_are_models_and_responses_are_not(tmp_path: Path) -> None:
    path = tmp_path / "gsm8k_responses.csv"
    path.write_text("prompt,mix,gpt,mix_response,gpt_response\nOne?,True,False,a,b\nTwo?,False,True,a,b\n")
    matrix = read(path, "routellm")
    assert scores(matrix) == {
        "gsm8k_responses-0": {"mix": 1.0, "gpt": 0.0},
        "gsm8k_responses-1": {"mix": 0.0, "gpt": 1.0},
    }
    assert {each.dataset for each in matrix.prompts} == {"gsm8k"}


def test_llmrouterbench_takes_models_from_the_path_and_the_newest_run(tmp_path: Path) -> None:
    def result(model: str, stamp: str, *found: float) -> None:
        records = [
            {
                "index": n,
                "origin_query": f"Q{n}",
                "prompt": f"asked Q{n}",
                "score": score,
                "cost": 0.1,
                "raw_output": "x",
            }
            for n, score in enumerate(found, start=1)
        ]
        path = tmp_path / "bench" / "aime" / "hybrid" / model / f"{stamp}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"performance": 0.5, "time_taken": 9.0, "records": records}))

    result("small", "20250101_000000", 0, 0)
    result("small", "20250202_000000", 1, 0)
    result("large", "20250101_000000", 1, 0.5)
    matrix = read(tmp_path / "bench", "llmrouterbench")
    assert scores(matrix) == {
        "aime-hybrid-1": {"large": 1.0, "small": 1.0},
        "aime-hybrid-2": {"large": 0.5, "small": 0.0},
    }
    assert matrix.prompts[0].text == "Q1"
    assert matrix.prompts[0].cells["small"].latency_s is None  # time_taken is a sum over the records


def test_routerarena_reads_nested_objects_that_may_be_null(tmp_path: Path) -> None:
    def answer(index: str, score: float | None, **also: object) -> dict[str, object]:
        found = None if score is None else {"score": score, "inference_cost": 0.002, "metric": "m"}
        usage = {"input_tokens": 5, "output_tokens": 9, "total_tokens": 14}
        return {"global_index": index, "question": index, "evaluation_result": found, "token_usage": usage, **also}

    lines(tmp_path / "r" / "a.jsonl", [answer("AIME_1", 1), answer("AIME_2", 0.5), answer("AIME_3", None)])
    lines(tmp_path / "r" / "b.jsonl", [answer("AIME_1", 0), answer("AIME_2", 1, success=False), answer("AIME_3", 1)])
    matrix = read(tmp_path / "r", "routerarena")
    assert scores(matrix) == {"AIME_1": {"a": 1.0, "b": 0.0}}
    assert "left out, without a score of each model: 2 of 3 prompts" in matrix.notes
    assert scores(read(tmp_path / "r", "routerarena", models=("a",))) == {"AIME_1": {"a": 1.0}, "AIME_2": {"a": 0.5}}
    cell = matrix.prompts[0].cells["a"]
    assert (cell.prompt_tokens, cell.completion_tokens, cell.cost) == (5, 9, 0.002)


GOOD = {"prompt_id": "a", "model": "m", "score": 1}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([GOOD, {"prompt_id": "b", "score": 1}], "line 2: names no model: it needs a column 'model' or 'model_name'"),
        ([{"prompt_id": "a", "model": "m", "grade": 1}], "line 1: names no score: it needs a column 'score'"),
        ([{"model": "m", "score": 1}], "line 1: names no prompt"),
        (
            [GOOD, {**GOOD, "score": 0}],
            "line 2: prompt 'a' and model 'm' have a second, different row (score 0.0 here, 1.0",
        ),
        ([{**GOOD, "prompt": "x"}, {**GOOD, "model": "n", "prompt": "y"}], "line 2: prompt 'a' has another text"),
        ([{**GOOD, "score": "nan"}], "line 1: column 'score' holds nan, which is no measurement"),
        ([{**GOOD, "score": float("nan")}], "line 1: is not valid JSON: NaN is not a JSON number"),
        ([{**GOOD, "score": "good"}], "line 1: column 'score' holds 'good', which is no number"),
        (
            [{**GOOD, "score": 85}],
            "line 1: column 'score' holds 85, but a score is from 0 to 1; divide percentages by 100",
        ),
        ([{**GOOD, "score": -1}], "line 1: column 'score' holds -1, but must be at least 0"),
        ([{**GOOD, "cost": "free"}], "line 1: column 'cost' holds 'free', which is no number"),
        ([{**GOOD, "cost": True}], "line 1: column 'cost' holds True, which is no number"),
        ([{**GOOD, "prompt_tokens": 1.5}], "line 1: column 'prompt_tokens' holds 1.5, but tokens are counted in whole"),
        ([GOOD, {"prompt_id": "b", "model": "n", "score": 1}], "no prompt has a score of every model (m, n)"),
        ([GOOD, {**GOOD, "model": "M "}], "model 'm' appears in two spellings; use one"),
        ([{**GOOD, "model": "m,n"}], "model 'm,n' has a comma in its name"),
        ([{**GOOD, "score": None}], "no prompt has a score of every model (m)"),
        ([], "has no rows"),
    ],
)
def test_a_bad_table_is_refused_in_a_sentence(tmp_path: Path, rows: list[Mapping[str, object]], sentence: str) -> None:
    with pytest.raises(MatrixError) as caught:
        read(lines(tmp_path / "t.jsonl", rows), "long")
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "t.jsonl"))


@pytest.mark.parametrize(
    ("format_name", "name", "text", "sentence"),
    [
        ("long", "t.csv", "prompt_id,model,score\na,m\n", "line 2: has 2 fields, but the heading has 3"),
        ("long", "t.csv", "prompt_id,model,score,score\na,m,1,1\n", "column 'score' appears twice"),
        ("long", "t.csv", 'prompt_id,model,score\n"a,m,1\n', "is not valid CSV"),
        ("long", "t.csv", "prompt_id;model;score\na;m;1\n", "its columns are separated by ';'; save it with commas"),
        ("long", "t.txt", "", "the file name must end in .csv"),
        ("routerbench", "t.pkl", "", "reading a pickle can run any code"),
        (
            "routerbench",
            "t.csv",
            "sample_id,prompt\na,b\n",
            "has no column that ends in |model_response or |total_cost",
        ),
        ("routerbench", "t.csv", "sample_id,m|total_cost\na,1\n", "has no score of 'm': it needs the column 'm'"),
        ("routellm", "t.csv", "question,m\na,True\n", "names no prompt: it needs a column 'prompt'"),
        ("routellm", "t.csv", "prompt,m\na,maybe\n", "column 'm' holds 'maybe', but each column beside 'prompt'"),
        ("llmrouterbench", "d/s/m/t.json", "{}", "has no list 'records'"),
        ("llmrouterbench", "d/s/m/t.json", '{"records": [{"score": 1}]}', "record 1: has no 'index'"),
        ("llmrouterbench", "d/s/m/t.json", '{"records": [{"index": 1}]}', "record 1: has no 'score'"),
        ("routerarena", "m.jsonl", '{"question": "q"}', "line 1: has no 'global_index'"),
        ("routerarena", "m.jsonl", '{"global_index": "A_1", "evaluation_result": 1}', "'evaluation_result' holds 1"),
    ],
)
def test_each_format_refuses_what_is_not_its_own(
    tmp_path: Path, format_name: str, name: str, text: str, sentence: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with pytest.raises(MatrixError) as caught:
        read(path, format_name)
    assert sentence in str(caught.value)


def test_a_row_that_says_the_same_again_counts_once(tmp_path: Path) -> None:
    matrix = read(lines(tmp_path / "t.jsonl", [GOOD, GOOD]), "long")
    assert scores(matrix) == {"a": {"m": 1.0}}
    assert "rows that say the same again, which count once: 1" in matrix.notes


def test_what_the_table_lacks_is_said(tmp_path: Path) -> None:
    rows: list[Mapping[str, object]] = [{**GOOD, "cost": 1}, {**GOOD, "prompt_id": "b"}]
    assert read(lines(tmp_path / "t.jsonl", rows), "long").notes == (
        "prompt_tokens is not in the table",
        "completion_tokens is not in the table",
        "cost is missing in 1 of 2 cells; sums leave these out",
        "latency_s is not in the table",
    )


def test_the_help_names_every_format() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    configure(parser)
    assert all(name in parser.format_help() for name in READERS)


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("prompt_id,model,score,cost_cents,latency\na,m,1,3,250\na,n,0,4,250\n")
    matrix = read(path, "long")
    assert matrix.notes[0] == "columns that are not used: cost_cents, latency"
    assert [(cell.cost, cell.latency_s) for cell in matrix.prompts[0].cells.values()] == [(None, None)] * 2


@pytest.mark.parametrize("value", ["0.5", "17", "$2", "mmlu"])
def test_a_column_of_routellm_that_is_no_models_is_refused(value: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Unnamed: 0,prompt,m,n\n7,a,True,False\n8,b,1.0,\n")
    assert read(path, "routellm").models == ("m", "n")
    path.write_text(f"prompt,m,n,m_cost\na,True,False,{value}\n")
    with pytest.raises(MatrixError, match=r"column 'm_cost' holds .*, but each column beside 'prompt' is a model's"):
        read(path, "routellm")


def test_ids_that_begin_anew_in_each_data_set_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,dataset,model,score\n0,gsm8k,m,1\n0,gsm8k,n,0\n0,mmlu,m,1\n0,mmlu,n,0\n")
    with pytest.raises(MatrixError, match="line 4: prompt '0' is of data set 'mmlu' here, and of 'gsm8k' before"):
        read(path, "long")
