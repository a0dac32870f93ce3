"""The runner of deliberate faults: what it calls a fault that is noticed, and that the tree is whole again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations.__main__ import try_fault, try_without
from tests.mutations.faults import Fault
from tests.mutations.forked_pytest import run_pytest

TREE = {
    "pytest_swarm/__init__.py": "",
    "pytest_swarm/plugin.py": "",
    "pytest_swarm/sums.py": "def total(a, b):\n    return a + b\n",
    "tests/__init__.py": "",
    "tests/test_sums.py": "from pytest_swarm.sums import total\n\ndef test_total():\n    assert total(2, 3) == 5\n",
    "tests/test_blind.py": "from pytest_swarm.sums import total\n\ndef test_total():\n    assert total(2, 2) == 4\n",
    "tests/test_thorough.py": (
        "import os\nfrom pytest_swarm.sums import total\n\ndef test_total():\n"
        "    assert total(2, 2) == 4\n    assert 'SWARM_THOROUGH' not in os.environ or total(2, 3) == 5\n"
    ),
    "tests/test_dying.py": "import os\n\nos._exit(1)\n",
    "tests/test_leaving.py": (
        "from pytest_swarm.sums import total\n\ndef test_total(request):\n"
        "    request.config.add_cleanup(lambda: 1 / 0)\n    assert total(2, 3) == 5\n"
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree as the runner copies it, of one module and its tests."""
    for name, text in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("where", "old", "new", "test", "word"),
    [
        ("sums.py", "a + b", "a - b", "test_sums.py", "killed"),
        ("", "a + b", "a - b", "test_sums.py", "killed"),
        ("sums.py", "a + b", "a * b", "test_blind.py", "SURVIVED"),
        ("sums.py", "a + b", "a * b", "test_thorough.py", "killed"),
        ("sums.py", "a + c", "a - b", "test_sums.py", "NOT FOUND"),
        ("sums.py", "a", "b", "test_sums.py", "NOT FOUND"),
        ("products.py", "a + b", "a - b", "test_sums.py", "NOT FOUND"),
        ("sums.py", "a + b", "a - b", "test_products.py", "NO TESTS"),
        ("sums.py", "a + b", "a - b", "test_dying.py", "NO TESTS"),
        ("sums.py", "a + b", "a - b", "test_leaving.py", "killed"),
        ("sums.py", "a + b", "b + a", "test_leaving.py", "NO TESTS"),
    ],
)
def test_what_the_tests_make_of_a_fault(root: Path, where: str, old: str, new: str, test: str, word: str) -> None:
    fault = Fault(name="a fault", where=where, old=old, new=new, tests=(test,))
    assert try_fault(fault, root).word == word
    assert (root / "pytest_swarm/sums.py").read_text() == TREE["pytest_swarm/sums.py"]


def test_tests_that_fail_without_a_fault_are_told(root: Path) -> None:
    assert try_without(["tests/test_sums.py"], root).good
    (root / "pytest_swarm/sums.py").write_text("def total(a, b):\n    return 7\n")
    outcome = try_without(["tests/test_sums.py"], root)
    assert (outcome.word, outcome.good) == ("FAILED", False)
    assert "assert 7 == 5" in outcome.detail


def test_a_run_has_the_variables_that_are_set_now(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert try_without(["tests/test_sums.py"], root).good  # the server of forks runs
    test = "import os\n\ndef test_it():\n    assert os.environ['SWARM_SET_LATER'] == 'yes'\n"
    (root / "tests/test_variable.py").write_text(test)
    monkeypatch.setenv("SWARM_SET_LATER", "yes")
    assert try_without(["tests/test_variable.py"], root).good


def test_a_run_that_does_not_end_is_stopped(root: Path) -> None:
    (root / "tests/test_endless.py").write_text("import time\n\ndef test_it():\n    time.sleep(600)\n")
    assert run_pytest(["-q", "tests/test_endless.py"], root, limit_s=1.0, environment={})[0] is None
