"""Waves that are cut off by kill -9, and two runs at once on one store: nothing that was answered is asked again."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pytest_swarm.execution.asked_server import AskSettings
from pytest_swarm.execution.backends import Backend
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.questions import Question
from pytest_swarm.ollama.answers.stored_values import StoredAnswer
from pytest_swarm.plugin.server_lock import ServerLock
from pytest_swarm.workloads.graph_files import load_graph
from tests.execution.lab import backend, wired
from tests.execution.measuring import Lab, cases_of
from tests.programs import run_program

ROOT = Path(__file__).parents[2]
MODES = ("milp", "random", "llm")  # `lp` would import CVXPY in each process
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are forked")


class LoggingTransport(httpx.AsyncBaseTransport):
    """Writes each question to a file when it is asked, and kills the process at one of them."""

    def __init__(self, inner: httpx.AsyncBaseTransport, log: Path, kill_at: int) -> None:
        self._inner = inner
        self._log = log
        self._left = kill_at

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/chat":
            body = json.loads(await request.aread())
            if not str(body["messages"][-1]["content"]).startswith("Write the numbers"):
                self._left -= 1
                if self._left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                body.pop("keep_alive")
                with self._log.open("a") as file:
                    file.write(json.dumps(body, sort_keys=True) + "\n")
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def logging_backend(log: Path, kill_at: int) -> Backend:
    return wired(backend(), lambda own: LoggingTransport(own, log, kill_at))


def measure(folder: Path, log: str, kill_at: int, *, tell: Callable[[str], None] = lambda _: None) -> None:
    """Measure wb1 into the store of a folder, one process at a time."""

    def alone() -> AbstractContextManager[None]:
        return ServerLock("http://stand-in", tell=tell, folder=folder).held()

    def guarded(settings: AskSettings) -> AskSettings:
        return replace(settings, guard=alone)

    graph = load_graph(ROOT / "benchmarks" / "graphs" / "wb1.toml")
    with AnswerStore(folder / "answers") as store:
        lab = Lab(logging_backend(folder / log, kill_at), store=store, wrap=guarded)
        with closing(lab.broker):
            lab.records(cases_of(graph, MODES, (1,), (8.0,), repeats=2))


def run_forked(folder: Path, log: str, kill_at: int) -> int:
    """Return the number of a forked process that measures; it ends without what the caller has to do at its end."""
    number = os.fork()
    if number == 0:
        status = 1
        try:
            measure(folder, log, kill_at)
            status = 0
        finally:
            if status:
                traceback.print_exc()
                sys.stderr.flush()
            os._exit(status)
    return number


def run_each(folder: Path, runs: Sequence[tuple[str, int]], *, at_once: bool) -> list[int]:
    """Measure in a process for each run, and return how they ended."""
    if at_once:
        numbers = [run_forked(folder, log, kill_at) for log, kill_at in runs]
        return [ended(number) for number in numbers]
    return [ended(run_forked(folder, log, kill_at)) for log, kill_at in runs]


def ended(number: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def in_processes(folder: Path, *runs: tuple[str, int], at_once: bool = False) -> list[int]:
    """Return the exit status of a process for each run; all are forks of one interpreter, which imports once."""
    code = (
        "from pathlib import Path; "
        "from tests.execution.test_interrupted_waves import run_each; "
        f"print(run_each(Path({str(folder)!r}), {runs!r}, at_once={at_once}))"
    )
    done = run_program(code)
    assert done.returncode == 0, done.stderr
    statuses: list[int] = json.loads(done.stdout)
    print(done.stderr)  # why a process failed
    return statuses


def asked(folder: Path, log: str) -> list[str]:
    path = folder / log
    return path.read_text().splitlines() if path.exists() else []


def test_kill_9_in_every_wave_loses_no_answer(tmp_path: Path) -> None:
    measure(tmp_path, "whole", 0)
    whole = asked(tmp_path, "whole")
    (tmp_path / "answers").unlink()
    kills = [("parts", kill_at) for kill_at in (1, 3, 5, 8)]  # in the first, second, third and fourth wave
    assert in_processes(tmp_path, *kills) == [-signal.SIGKILL] * 4
    measure(tmp_path, "parts", 0)
    parts = asked(tmp_path, "parts")
    assert len(parts) == len(set(parts))
    assert sorted(parts) == sorted(whole)


def test_two_runs_at_once_ask_each_question_once(tmp_path: Path) -> None:
    assert in_processes(tmp_path, ("one", 0), ("other", 0), at_once=True) == [0, 0]
    parts = [*asked(tmp_path, "one"), *asked(tmp_path, "other")]
    assert len(parts) == len(set(parts))
    measure(tmp_path, "again", 0)
    assert asked(tmp_path, "again") == []


class LateStore(AnswerStore):
    """A store into which another process writes each answer just after it was looked for in vain."""

    def __init__(self, entries: Iterable[tuple[Question, StoredAnswer]]) -> None:
        super().__init__(None)
        for question, answer in entries:
            self.add(question, answer)
        self._looked_for: set[str] = set()

    def answer(self, question: Question) -> StoredAnswer | None:
        if question.key not in self._looked_for:
            self._looked_for.add(question.key)
            return None
        return super().answer(question)


def test_an_answer_that_another_run_stores_while_a_case_is_looked_at_lets_it_go_on() -> None:
    cases = cases_of(load_graph(ROOT / "benchmarks" / "graphs" / "wb1.toml"), MODES)
    before = Lab()
    with closing(before.broker):
        records = before.records(cases)
    store = LateStore(before.store.entries())
    for sample in before.store.samples():
        store.add_sample(sample)
    late = Lab(store=store)
    with closing(late.broker):
        again = late.records(cases)
    assert not late.counts.calls
    assert [each.outcomes for each in again] == [each.outcomes for each in records]
