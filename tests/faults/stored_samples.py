"""Files of what was measured and decided: the answer store and its export, estimates, a policy; and what reads them."""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_swarm.domain.estimates_info import EstimatesKind
from pytest_swarm.estimate.estimates_file import write_estimates
from pytest_swarm.estimate.starting_estimates import estimates_info
from pytest_swarm.ollama.answers.answer_store import AnswerStore, SeenModel
from pytest_swarm.ollama.answers.answers_export import exported_lines, import_text, open_answers
from pytest_swarm.routing.policy import weights_of
from pytest_swarm.routing.policy_changes import fleet_fault
from pytest_swarm.routing.policy_file import policy_text, read_policy
from tests.estimate.test_starting_estimates import CALLS, table_of
from tests.execution.lab import HEAVY
from tests.ollama.answers.test_answer_store import ANSWER, LOAD, MODEL, SPEED, question

QUESTIONS = 20


def filled(path: Path | None) -> AnswerStore:
    """A store with some answers, a load, a speed and a model."""
    store = AnswerStore(path)
    for number in range(QUESTIONS):
        store.add(question(f"{number} + {number}?"), ANSWER)
    store.add_sample(LOAD)
    store.add_sample(SPEED)
    store.see(SeenModel(model=MODEL, seen_ts_ms=3.0))
    return store


@cache
def store_bytes() -> bytes:
    """An answer store in small pages, so that most of its bytes mean something."""
    with TemporaryDirectory() as folder:
        path, small = Path(folder) / "store", Path(folder) / "small"
        filled(path).close()
        database = sqlite3.connect(path, isolation_level=None)
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA page_size = 512")
        database.execute("VACUUM INTO ?", (str(small),))
        database.close()
        return small.read_bytes()


@cache
def export_bytes() -> bytes:
    """The text form of an answer store."""
    with filled(None) as store:
        return "\n".join(exported_lines(store)).encode("ascii")


@cache
def estimates_bytes() -> bytes:
    """A file of estimates."""
    table = table_of(CALLS)
    info = estimates_info(CALLS, table, kind=EstimatesKind.FILE, source="run r", learning=True)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "e.json"
        write_estimates(table, info, path)
        return path.read_bytes()


def read_store(path: Path) -> object:
    """Everything that is asked of a store: it is read whole, then an answer is asked for and one is added."""
    for beside in ("-wal", "-shm", "-journal"):  # of the mutant before
        path.with_name(path.name + beside).unlink(missing_ok=True)
    with open_answers(path, writable=False) as store:
        read = [*exported_lines(store), *store.answers(), store.loads(), store.speeds()]
    with AnswerStore(path) as store:
        store.answer(question("1 + 1?"))
        store.add(question("new"), ANSWER)
        store.see(SeenModel(model=MODEL, seen_ts_ms=4.0))
        store.add_sample(LOAD)
        return read, store.count()


def read_export(path: Path) -> object:
    """An export, taken into a store."""
    with AnswerStore(None) as store:
        return import_text(store, path), [*exported_lines(store)]


def read_whole_policy(path: Path) -> object:
    """A policy, with all that is made of it."""
    policy = read_policy(path)
    return policy_text(policy), weights_of(policy), fleet_fault(policy, HEAVY, where="it")
