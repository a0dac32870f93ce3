"""Python code: found in the answer and checked without running it."""

from __future__ import annotations

import asyncio

import pytest

from pytest_swarm.domain.expectation import CodeCase, PythonCode
from pytest_swarm.domain.task import Task, TaskType
from pytest_swarm.scoring.code import find_code
from pytest_swarm.scoring.equality import same_result
from pytest_swarm.scoring.scorers import Scorers, score_text

SQUARE = PythonCode(entry_point="sq", cases=(CodeCase(args=(3,), returns=9), CodeCase(args=(-2,), returns=4)))
RIGHT = "def sq(x):\n    return x * x"


def run(answer: str, *, threads: bool = False, expected: PythonCode = SQUARE):
    task = Task(id="t", type=TaskType.CODE, prompt="write sq", estimated_tokens=9, expected=expected)
    return asyncio.run(Scorers(run_code=True, threads=threads).score(task, answer))


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT,
        f"```python\n{RIGHT}\n```",
        f"Sure!\n```py\n{RIGHT}\n```\nCall it:\n```python\nprint(sq(3))\n```",
        f"```python\n{RIGHT}",
        "```\nsq = lambda x: x * x\n```",
        "```python\ntwo = 2\n```\nand\n```python\ndef sq(x):\n    return x ** two\n```",
        "```python\nclass sq:\n    pass\n```",
        'def sq(x):\n    "\\d"\n    return x * x',
        "So:\n\n    two = 2\n\nand:\n\n    def sq(x):\n        y = x\n\n        return y ** two\n\nThat is all.",
        "1. So:\n\n\tdef sq(x):\n\t\treturn x * x",
    ],
)
def test_code_that_defines_the_entry_point_scores_1(answer):
    assert score_text(SQUARE, answer).value == 1


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ("It is x times x.", "does not parse"),
        ("```python\ndef square(x):\n    return x * x\n```", "does not define sq"),
        ("```python\ndef sq(x) return x\n```", "does not parse"),
        ("```python\nclass A:\n    def sq(self): pass\n```", "does not define sq"),
        ("def a():\n    b = 2\n\n    def sq(x):\n        return x * x", "does not define sq"),
        ("So:\n\n    class A:\n        def sq(self): pass", "does not parse"),
        ("```python\n" + "(" * 5000 + "\n```", "does not parse"),
        ("```python\nsq = 1 + \x00\n```", "does not parse"),
        ("```python\n" + "a = 1\n" * 20_000 + "```", "longer than"),
    ],
)
def test_what_is_no_such_code_scores_0_and_says_why(answer, detail):
    score = score_text(SQUARE, answer)
    assert score.value == 0
    assert detail in score.detail


def test_nothing_is_run_without_being_asked(tmp_path):
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n{RIGHT}"
    assert score_text(SQUARE, trap).value == 1
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("threads", [False, True])
def test_running_gives_the_share_of_cases_passed(threads):
    assert run(RIGHT, threads=threads).value == 1
    half = run("def sq(x):\n    return x * 3", threads=threads)
    assert half.value == 0.5
    assert half.detail == "case 2: it returned -6, not 4"


def test_code_that_only_looks_right_fails_when_run():
    assert score_text(SQUARE, "def sq(x): return y").value == 1
    assert run("def sq(x): return y").value == 0
    assert "NameError" in run("def sq(x): return y").detail


def test_without_cases_code_is_unscored_never_right():
    no_cases = PythonCode(entry_point="sq")
    for score in (run(RIGHT, expected=no_cases), score_text(no_cases, RIGHT)):
        assert score.value is None
        assert "no case to run" in score.detail
    assert run("nothing", expected=no_cases).value == score_text(no_cases, "nothing").value == 0


@pytest.mark.parametrize(
    "body", ["pass", "...", '"""Square."""', "return", "return None", "raise NotImplementedError", '"""S."""\n    pass']
)
def test_a_function_that_does_nothing_is_never_right(body):
    answer = f"def sq(x):\n    {body}"
    assert score_text(SQUARE, "sq = lambda x: None").value == 0
    assert score_text(SQUARE, answer).value == 0
    assert score_text(SQUARE, answer).detail == "sq does nothing"
    assert run(answer).value == 0


def test_arguments_and_results_keep_their_types():
    case = CodeCase(args=({"$tuple": [1, 2]}, {"$set": [3]}), returns={"$tuple": [3, {"$dict": [[1, "a"]]}]})
    typed = PythonCode(entry_point="f", cases=(case,))
    right = "def f(a, b):\n    assert isinstance(a, tuple) and b == {3}\n    return (sum(a), {1: 'a'})"
    assert run(right, expected=typed).value == 1
    assert run(right.replace("(sum(a), {1: 'a'})", "[sum(a), {1: 'a'}]"), expected=typed).value == 0


def test_a_result_may_go_through_a_function_and_be_near():
    case = CodeCase(args=(), returns={"$set": [1, 2]}, through="set")
    assert run("def f(): return [2, 1, 2]", expected=PythonCode(entry_point="f", cases=(case,))).value == 1
    assert same_result({1, 2}, frozenset({2, 1}))
    assert not same_result({1, 2}, [1, 2])
    near = CodeCase(args=(), returns=3.14, tolerance=0.01)
    assert run("def f(): return 3.1416", expected=PythonCode(entry_point="f", cases=(near,))).value == 1
    assert run("def f(): return 3.2", expected=PythonCode(entry_point="f", cases=(near,))).value == 0


def test_the_layers_in_force_come_with_the_score():
    score = run(RIGHT)
    assert score.layers[0] == "rlimits"
    assert score.layers[-1] == "audit"
    assert score_text(SQUARE, RIGHT).layers == ()


def test_a_helper_in_a_block_of_its_own_is_taken_along():
    answer = "```python\ndef helper(x):\n    return x * x\n```\n```python\ndef sq(x):\n    return helper(x)\n```"
    assert find_code(answer, "sq").code.count("def") == 2
    assert run(answer).value == 1


def test_an_earlier_block_that_does_something_is_left_out():
    answer = f"```python\nprint(sq(3))\n```\n```python\n{RIGHT}\n```"
    assert "print" not in find_code(answer, "sq").code
    assert run(answer).value == 1


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{RIGHT}\n```\nTests:\n```python\nimport pytest\n\ndef test_sq():\n    assert sq(3) == 9\n```",
        f"```python\nimport pytest\n{RIGHT}\n\n@pytest.mark.slow\ndef test_sq():\n    assert sq(3) == 9\n```",
        f"```python\n{RIGHT}\n\nimport matplotlib.pyplot as plt, math\nplt.plot([sq(1)])\nplt.show()\n```",
        f"```python\n{RIGHT}\n```\n```python\nimport pandas as pd\ndf = pd.DataFrame()\ndf['x'] = sq(df)\n```",
        "```python\nimport numpy as np, math\nTWO = math.floor(2.5)\n```\n```py\ndef sq(x):\n    return x ** TWO\n```",
    ],
)
def test_a_package_that_the_function_does_not_need_is_not_imported(answer):
    assert run(answer).value == 1


def test_a_package_that_the_function_needs_is_named():
    answer = "import numpy as np\n\ndef both(x):\n    return np.array(x)\n\ndef sq(x):\n    return both(x) ** 2"
    found = run(answer)
    assert (found.value, "No module named 'numpy'" in (found.detail or "")) == (0, True)


def test_the_code_of_a_further_question_is_none_of_the_answer():
    answer = (
        f"```python\n{RIGHT}\n```\n\nQuestion: Now with a fault.\nAnswer:\n```python\ndef sq(x):\n    return x\n```"
    )
    assert find_code(answer, "sq").code == RIGHT
    assert find_code(f"To solve:\n\nQuestion: {answer[:40]}", "sq").code == RIGHT
