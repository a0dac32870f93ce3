"""Data sets: each public format, its right scorer, sampling, and every broken row."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_swarm.domain.expectation import CodeCase, Exact, Letter, Number, PythonCode, RougeL, TokenF1, YesNo
from pytest_swarm.domain.placeholders import fill
from pytest_swarm.domain.task import TaskType
from pytest_swarm.errors import GraphError, SwarmError
from pytest_swarm.scoring.scorers import score_text
from pytest_swarm.workloads.datasets.dataset_files import READERS, RowSelection, load_flat, load_tasks

GSM8K = {"question": "Tom has 3 apples and buys 4.", "answer": "3+4=<<3+4=7>>7\n#### 1,007"}
ARC = {
    "id": "x",
    "question": {"stem": "What is hot?", "choices": [{"text": "ice", "label": "1"}, {"text": "fire", "label": "2"}]},
    "answerKey": "2",
}
ARC_FLAT = {"question": "What is hot?", "choices": {"text": ["ice", "fire"], "label": ["A", "B"]}, "answerKey": "B"}
BOOLQ = {"question": "is fire hot", "passage": "Fire is hot.", "answer": True}
HUMANEVAL = {
    "task_id": "X/0",
    "prompt": 'def add(a, b):\n    """Add."""\n',
    "entry_point": "add",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate([(1, 2)], 'x') == [1, 2]\n"
    "    assert abs(candidate(1.0, 2.0) - 3) < 1e-6\n    assert candidate({1}) == {2}\n"
    "    assert candidate(1) == {1: 2}\n",
}
MBPP = {
    "text": "Write a function to add.",
    "test_list": [
        "assert add(1, 2) == 3",
        "assert set(add((1,), (2,))) == set((1, 2))",
        "assert add('a', 'b') == 'ab'",
    ],
}
MMLU_ROW = {"question": "What is hot?", "subject": "s", "choices": ["ice", "fire", "snow", "rain"], "answer": 1}
MMLU_PRO = {
    "question_id": 70,
    "question": "Which?",
    "options": [f"choice {number}" for number in range(10)],
    "answer": "I",
    "answer_index": 8,
    "category": "business",
}
MATH = {"problem": "What is $2+2$?", "level": "Level 4", "type": "Algebra", "solution": "So $2+2=\\boxed{4}$."}
SQUAD = {
    "id": "1",
    "context": "Ada was born in London.",
    "question": "Where was Ada born?",
    "answers": {"text": ["London", "in London"], "answer_start": [16, 13]},
}
DROP = {
    "passage": "They scored 3 and 7.",
    "question": "How many?",
    "answers_spans": {"spans": ["10"], "types": ["number"]},
}
COMMONSENSE = {
    "id": "c",
    "question": "Where?",
    "question_concept": "x",
    "choices": {"label": list("ABCDE"), "text": list("vwxyz")},
    "answerKey": "D",
}
MMLU = 'What is hot?,ice,"fire, flame",snow,rain,B\nWhat is cold?,ice,fire,lava,sun,A\n'


def jsonl(folder: Path, *rows: object, name: str = "set.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_gsm8k(tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, GSM8K), "gsm8k")
    assert (task.id, task.type, task.expected) == ("gsm8k-1", TaskType.MATH, Number(value=1007))
    assert task.prompt.startswith("Tom has 3 apples")
    (task,) = load_tasks(jsonl(tmp_path, GSM8K | {"question": "What is {{answer: x}}?"}), "gsm8k")
    assert fill(task.prompt, {}).startswith("What is {{answer: x}}?")


def test_a_table_of_questions_and_answers_alone(tmp_path):
    path = tmp_path / "school.csv"
    path.write_text('Question,Answer\n"What is 2 + 3?","It is 5. #### 5"\n')
    (task,) = load_tasks(path, "gsm8k")
    assert (task.prompt.partition("\n")[0], task.expected) == ("What is 2 + 3?", Number(value=5))


def test_mmlu(tmp_path):
    path = tmp_path / "mmlu.csv"
    path.write_text(MMLU)
    first, second = load_tasks(path, "mmlu")
    assert "B. fire, flame" in first.prompt
    assert score_text(first.expected, "B").value == 1
    assert score_text(second.expected, "B").value == 0


def test_mmlu_with_a_header(tmp_path):
    path = tmp_path / "mmlu.csv"
    path.write_text("answer,question,A,B,C,D\nB,What is hot?,ice,fire,snow,rain\n")
    assert load_tasks(path, "mmlu")[0].expected == Letter(value="B", choices=4)
    path.write_text("question,A,B,C,D,answer\nWhat is hot?,ice,fire,snow,rain,1\n")
    assert load_tasks(path, "mmlu")[0].expected == Letter(value="B", choices=4)
    path.write_text("question,subject,choices,answer\nWhat is hot?,s,\"['ice' \"\"it's fire\"\" 'snow' 'rain']\",1\n")
    (task,) = load_tasks(path, "mmlu")
    assert task.expected == Letter(value="B", choices=4)
    assert "B. it's fire" in task.prompt


def test_mmlu_as_rows_of_hugging_face(tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, MMLU_ROW), "mmlu")
    assert task.expected == Letter(value="B", choices=4)
    assert "B. fire" in task.prompt


@pytest.mark.parametrize("row", [MMLU_PRO, {key: value for key, value in MMLU_PRO.items() if key != "answer"}])
def test_mmlu_pro_has_ten_letters(row, tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, row), "mmlu_pro")
    assert task.expected == Letter(value="I", choices=10)
    assert score_text(task.expected, "The answer is (I).").value == 1
    assert score_text(task.expected, "I think it is J").value == 0


def test_commonsenseqa(tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, COMMONSENSE), "commonsenseqa")
    assert task.expected == Letter(value="D", choices=5)


def test_files_may_be_packed(tmp_path):
    path = tmp_path / "HumanEval.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(HUMANEVAL).encode()))
    assert load_tasks(path, "humaneval")[0].expected.entry_point == "add"
    assert load_flat(path, "humaneval").name == "HumanEval"
    path.write_bytes(b"no gzip")
    with pytest.raises(GraphError, match="cannot be unpacked as gzip"):
        load_tasks(path, "humaneval")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (MATH, Number(value=4)),
        (MATH | {"solution": r"so \boxed{\frac{\sqrt{3}}{2}}"}, Exact(text=r"\frac{\sqrt{3}}{2}")),
        (MATH | {"solution": r"\boxed{1} no, \boxed{-\dfrac{3}{4}}"}, Number(value=-0.75)),
        (MATH | {"solution": r"so \boxed{10{,}000}"}, Number(value=10_000)),
        (MATH | {"solution": r"so \boxed{11,\! 111,\! 100}"}, Number(value=11_111_100)),
        (MATH | {"solution": r"so \boxed 5."}, Number(value=5)),
        (MATH | {"answer": "x+1", "level": 4}, Exact(text="x+1")),
        (MATH | {"answer": "4,6,14"}, Exact(text="4,6,14")),  # not 4614
        (MATH | {"answer": r"\$1,\!250.50"}, Number(value=1250.5)),
        (MATH | {"answer": r"x = 2\frac12"}, Number(value=2.5)),
        (MATH | {"answer": r"-5/4"}, Number(value=-1.25)),
        (MATH | {"answer": r"13\text{ cm}^2"}, Number(value=13)),
        (MATH | {"answer": r"36^\circ"}, Number(value=36)),
        (MATH | {"answer": r"\frac{1}{29,\!322}"}, Exact(text=r"\frac{1}{29,\!322}")),
        (MATH | {"answer": r"\frac{1}{0}"}, Exact(text=r"\frac{1}{0}")),
    ],
)
def test_math(row, expected, tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, row), "math")
    assert task.expected == expected
    assert task.difficulty == 4
    assert score_text(task.expected, f"So it is \\boxed{{{row.get('answer', row['solution'])}}}").value == 1


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("(B)", Letter(value="B")),
        ("Yes", YesNo(value=True)),
        ("No", YesNo(value=False)),
        ("True", YesNo(value=True)),
        ("False", YesNo(value=False)),
        ("-12", Number(value=-12)),
        ("valid", Exact(text="valid")),
        ("] ) >", Exact(text="] ) >")),
    ],
)
def test_big_bench_hard(target, expected, tmp_path):
    path = tmp_path / "task.json"
    path.write_text(json.dumps({"canary": "x", "examples": [{"input": "Which?", "target": target}]}))
    (task,) = load_tasks(path, "bbh")
    assert task.expected == expected
    assert score_text(task.expected, f"Let me see. So the answer is {target}.").value == 1
    assert score_text(task.expected, target).value == 1


def test_squad_is_scored_by_shared_words(tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, SQUAD), "squad")
    assert task.expected == TokenF1(answers=("London", "in London"))
    assert score_text(task.expected, "London.").value == 1
    assert score_text(task.expected, "London town").value == pytest.approx(2 / 3)


def test_squad_2_offers_unanswerable_in_every_row(tmp_path):
    known, none = load_tasks(jsonl(tmp_path, SQUAD, SQUAD | {"answers": {"text": []}}), "squad_v2")
    assert known.prompt == none.prompt
    assert "unanswerable" in known.prompt
    assert score_text(none.expected, "Unanswerable").value == 1


def test_drop_compares_numbers_by_value(tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, DROP), "drop")
    assert task.expected == TokenF1(answers=("10",), style="drop")
    assert score_text(task.expected, "10.0").value == 1
    assert score_text(task.expected, "11 points").value == 0


@pytest.mark.parametrize(
    ("types", "answers"),
    [
        (["number", "date", "span", "span"], ("3", "May 1", "Tom Ann")),
        ([], ("3 May 1 Tom Ann",)),
    ],
)
def test_drop_takes_the_number_or_date_of_each_annotator(types, answers, tmp_path):
    row = DROP | {"answers_spans": {"spans": ["3", "May 1", "Tom", "Ann"], "types": types}}
    (task,) = load_tasks(jsonl(tmp_path, row), "drop")
    assert task.expected == TokenF1(answers=answers, style="drop")


def test_xsum_needs_the_rouge_package(tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, {"document": "A long text.", "summary": "A text."}), "xsum")
    assert task.expected == RougeL(reference="A text.")
    pytest.importorskip("rouge_score")
    assert score_text(task.expected, "A text.").value == 1
    assert score_text(task.expected, "A long text.").value == pytest.approx(0.8)
    assert score_text(task.expected, "Nothing of it").value == 0


@pytest.mark.parametrize("row", [ARC, ARC_FLAT])
def test_arc_in_both_layouts(row, tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, row), "arc")
    assert "B. fire" in task.prompt
    for answer, value in {
        "B": 1,
        "**B**": 1,
        "The answer is B.": 1,
        "(B) fire": 1,
        "A is ice, so it must be B": 1,
        "Not B but A": 0,
        "fire": 0,
        "Both": 0,
    }.items():
        assert score_text(task.expected, answer).value == value, answer


def test_boolq(tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, BOOLQ), "boolq")
    assert task.expected == YesNo(value=True)
    assert "Question: is fire hot?" in task.prompt


def test_humaneval_reads_literal_assertions_as_cases(tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, HUMANEVAL), "humaneval")
    cases = (
        CodeCase(args=(1, 2), returns=3),
        CodeCase(args=([{"$tuple": [1, 2]}], "x"), returns=[1, 2]),
        CodeCase(args=(1.0, 2.0), returns=3, tolerance=1e-6),
        CodeCase(args=({"$set": [1]},), returns={"$set": [2]}),
        CodeCase(args=(1,), returns={"$dict": [[1, 2]]}),
    )
    assert task.expected == PythonCode(entry_point="add", cases=cases)


def test_mbpp_takes_the_name_from_its_tests(tmp_path):
    (task,) = load_tasks(jsonl(tmp_path, MBPP), "mbpp")
    cases = (
        CodeCase(args=(1, 2), returns=3),
        CodeCase(args=({"$tuple": [1]}, {"$tuple": [2]}), returns={"$set": [1, 2]}, through="set"),
        CodeCase(args=("a", "b"), returns="ab"),
    )
    assert task.expected == PythonCode(entry_point="add", cases=cases)
    assert "must be called add" in task.prompt


def test_a_set_is_the_same_case_in_every_process(tmp_path):
    letters = set("abcdefghij")
    (task,) = load_tasks(jsonl(tmp_path, MBPP | {"test_list": [f"assert add(1) == {letters}"]}), "mbpp")
    assert task.expected.cases == (CodeCase(args=(1,), returns={"$set": sorted(letters)}),)


def test_nothing_of_a_data_set_is_run(tmp_path):
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\nassert add(1) == 1"
    load_tasks(jsonl(tmp_path, MBPP | {"test_list": [trap]}), "mbpp")
    load_tasks(jsonl(tmp_path, HUMANEVAL | {"test": trap}), "humaneval")
    assert not (tmp_path / "ran").exists()


def test_limit_takes_the_first_and_seed_draws(tmp_path):
    rows = [GSM8K | {"question": f"question {n}"} for n in range(30)]
    path = jsonl(tmp_path, *rows)
    assert [task.id for task in load_tasks(path, "gsm8k", RowSelection(limit=2))] == ["gsm8k-1", "gsm8k-2"]
    drawn = load_tasks(path, "gsm8k", RowSelection(limit=5, seed=1))
    assert drawn == load_tasks(path, "gsm8k", RowSelection(limit=5, seed=1))
    assert drawn != load_tasks(path, "gsm8k", RowSelection(limit=5, seed=2))
    assert len({task.id for task in drawn}) == 5
    assert len(load_tasks(path, "gsm8k", RowSelection(limit=99))) == 30
    with pytest.raises(GraphError, match="limit is 0"):
        RowSelection(limit=0)


def test_a_flat_graph_of_a_data_set(tmp_path):
    graph = load_flat(jsonl(tmp_path, GSM8K, "", GSM8K, name="school.jsonl"), "gsm8k")
    assert graph.name == "school"
    assert graph.order == ("gsm8k-1", "gsm8k-2")
    assert graph.edges == ()


@pytest.mark.parametrize(
    ("format_", "row", "sentence"),
    [
        ("gsm8k", GSM8K | {"answer": "seven"}, "line 1: 'answer' must end in '#### ' and a number"),
        ("gsm8k", GSM8K | {"answer": "#### seven"}, "must end in '#### ' and a number"),
        ("gsm8k", GSM8K | {"answer": "#### nan"}, "can never be checked"),
        ("gsm8k", {"answer": "#### 7"}, "line 1: 'question' is missing"),
        ("gsm8k", "{", "line 1: is not valid JSON"),
        ("gsm8k", "[1]", "line 1: must be an object of columns"),
        ("gsm8k", "", "holds no rows"),
        ("arc", ARC | {"answerKey": "9"}, "the right answer '9' is none of the choices A, B"),
        ("arc", ARC_FLAT | {"choices": {"text": ["a"], "label": []}}, "has 0 labels for 1 text"),
        ("boolq", BOOLQ | {"answer": "yes"}, "'answer' must be true or false, not 'yes'"),
        ("humaneval", HUMANEVAL | {"test": "def ("}, "the tests are no Python"),
        ("humaneval", HUMANEVAL | {"entry_point": "a b"}, "entry point 'a b' is not a Python name"),
        ("mbpp", MBPP | {"test_list": []}, "'test_list' is empty"),
        ("mbpp", MBPP | {"test_list": ["assert 1 == 1"]}, "asserts nothing of a function"),
        ("mbpp", {"test_list": ["assert f(1) == 1"]}, "'prompt' is missing"),
        ("poems", GSM8K, "unknown data set format 'poems'; known are gsm8k, mmlu"),
        ("mmlu", MMLU_ROW | {"answer": 7}, "the right answer 'H' is none of the choices A, B, C, D"),
        ("mmlu_pro", MMLU_PRO | {"options": []}, "is none of the choices (none)"),
        ("math", MATH | {"solution": "It is 4."}, "'solution' holds no \\boxed{} with the answer"),
        ("bbh", {"input": "x"}, "'target' is missing"),
        ("squad", SQUAD | {"context": None}, "'context' is missing"),
        ("squad", SQUAD | {"answers": {"text": []}}, "read the file as 'squad_v2'"),
        ("drop", DROP | {"answers_spans": {"spans": []}}, "'answers_spans.spans' is empty"),
        ("drop", DROP | {"answers_spans": {"spans": ["1", "2"], "types": ["number"]}}, "has 1 type for 2 spans"),
        ("xsum", {"document": "x"}, "'summary' is missing"),
    ],
)
def test_a_broken_row_is_named(format_, row, sentence, tmp_path):
    path = jsonl(tmp_path, row)
    with pytest.raises(GraphError) as raised:
        load_tasks(path, format_)
    assert sentence in str(raised.value)
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n", "line 1: has 2 fields, but must have question, A, B, C, D, answer"),
        ("q,a,b,c,d,E\n", "the right answer 'E' is none of the choices A, B, C, D"),
        ('q,"a,b,c,d,A\n', "is not valid CSV"),
        ("", "holds no rows"),
    ],
)
def test_a_broken_csv_is_named(text, sentence, tmp_path):
    path = tmp_path / "mmlu.csv"
    path.write_text(text)
    with pytest.raises(GraphError, match=sentence):
        load_tasks(path, "mmlu")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    format_=st.sampled_from(sorted(READERS)),
    row=st.dictionaries(
        st.sampled_from(["question", "answer", "choices", "answerKey", "passage", "prompt", "test", "entry_point"])
        | st.sampled_from(["test_list", "text", "options", "answer_index", "solution", "problem", "input", "target"])
        | st.sampled_from(["context", "answers", "document", "summary", "A"]),
        st.none() | st.booleans() | st.text(max_size=9) | st.lists(st.text(max_size=9), max_size=2),
    ),
)
def test_any_row_is_a_task_or_refused_in_a_sentence(format_, row, tmp_path):
    try:
        tasks = load_tasks(jsonl(tmp_path, row), format_)
    except SwarmError:
        return
    assert len(tasks) == 1
