"""A template for a new benchmark: a working test and its task graph."""

from __future__ import annotations

import keyword
import os
import re
from pathlib import Path
from typing import Final

from pytest_swarm.documents import make_folder, write_texts
from pytest_swarm.errors import GraphError

_TEST: Final = '''"""{name}: what this workflow measures, in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_swarm import TaskGraph, load_graph


@pytest.fixture
def {name}() -> TaskGraph:
    return load_graph(Path(__file__).parent / "{name}.toml")


@pytest.mark.swarm(modes="milp,greedy,llm", horizon=1, vram="8GB")
def test_{name}(swarm_run, {name}):
    result = swarm_run({name})
    assert result.status == "completed"
'''

_GRAPH: Final = '''# {name}: reads an order, computes its total, and writes to the customer.
# Increase `version` when the meaning of a task changes: results of another version are not compared.
name = "{name}"
version = 1

[[tasks]]
id = "order"
type = "extraction"
prompt = """
Workflow {name}: read the order, and answer with one JSON object with the keys "pieces" and "price", numbers only.

Order: Please send us 12 desk lamps at 35 euros each to our office in Antwerp."""
estimated_tokens = 160
difficulty = 1.5
expected = {{ kind = "json", fields = {{ pieces = 12, price = 35 }} }}

[[tasks]]
id = "total"
type = "math"
prompt = "Workflow {name}: multiply pieces and price of the step order. End your answer with that number alone."
estimated_tokens = 200
difficulty = 2.0
after = ["order"]
expected = {{ kind = "number", value = 420 }}
derive = "order.pieces * order.price"  # the right answer for what the step order really returned

[[tasks]]
id = "letter"
type = "summarize"
prompt = "Workflow {name}: tell the customer in one sentence what the total is. Digits only, without separators."
estimated_tokens = 180
difficulty = 1.5
after = ["total"]
expected = {{ kind = "keywords", words = ["420"] }}
derive = "[text(total)]"
'''

_TAKEN: Final = ("pytest", "load_graph", "request")  # what the test imports, and pytest's own fixture


def new_benchmark(name: str, folder: str | os.PathLike[str] = ".") -> tuple[Path, Path]:
    """Write `test_NAME.py` and `NAME.toml`, and return their paths. Nothing is overwritten.

    Args:
        name: Name of the benchmark, a Python name in lower case.
        folder: Directory to write to; it is created where it does not exist.

    Raises:
        GraphError: For an invalid name, for files that exist, or where the files cannot be written.
    """
    return write_benchmark(name, folder, test=_TEST.format(name=name), graph=_GRAPH.format(name=name))


def write_benchmark(name: str, folder: str | os.PathLike[str], *, test: str, graph: str) -> tuple[Path, Path]:
    """Write the test and the graph of a benchmark, and return their paths. Nothing is overwritten.

    Args:
        name: Name of the benchmark, a Python name in lower case.
        folder: Directory to write to; it is created where it does not exist.
        test: Text of `test_NAME.py`.
        graph: Text of `NAME.toml`.

    Raises:
        GraphError: For an invalid name, for files that exist, or where the files cannot be written.
    """
    _check_name(name)
    test_path, graph_path = Path(folder) / f"test_{name}.py", Path(folder) / f"{name}.toml"
    for path in (test_path, graph_path):
        if path.exists():
            raise GraphError(f"{path}: exists already; choose another name or another folder")
    make_folder(folder, GraphError)
    write_texts([(str(graph_path), graph), (str(test_path), test)], GraphError)
    return test_path, graph_path


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise GraphError(
            f"benchmark {name!r}: the name must consist of lower-case letters, digits and underscores, "
            "and begin with a letter"
        )
    if keyword.iskeyword(name):
        raise GraphError(f"benchmark {name!r}: is a keyword of Python, which names no function; choose another")
    if name in _TAKEN or name.startswith("swarm_"):
        raise GraphError(f"benchmark {name!r}: is a name that the test itself uses; choose another")
