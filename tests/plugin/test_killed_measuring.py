"""A measuring run over HTTP that is killed by signal 9: the server itself counts what the next run asks again."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.simulator.http_server import serve_in_thread
from pytest_swarm.simulator.transport import AsgiApp, Receive, Scope, Send
from tests.plugin.conftest import Reports, quick_server
from tests.plugin.test_measure import run
from tests.programs import run_program


class AskedServer:
    """An app in front of a server's: it counts each question, and does something before the reply to one of them."""

    def __init__(self, inner: AsgiApp) -> None:
        self._inner = inner
        self.asked: Counter[str] = Counter()
        self.kill_at = 0
        self.kill: Callable[[], object] = lambda: None
        self.last = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/api/chat":
            await self._inner(scope, receive, send)
            return
        message = await receive()
        question = json.loads(bytes(message["body"]))  # type: ignore[call-overload]
        if "Write the numbers from" not in question["messages"][-1]["content"]:
            question.pop("keep_alive")
            self.last = json.dumps(question, sort_keys=True)
            self.asked[self.last] += 1
            if self.asked.total() == self.kill_at:
                self.kill()

        waiting = [message]

        async def received() -> dict[str, object]:
            return dict(waiting.pop() if waiting else await receive())

        await self._inner(scope, received, send)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no signal 9")
def test_a_killed_run_asks_again_only_what_was_not_answered(suite: pytest.Pytester, reports: Reports) -> None:
    server = quick_server()
    front = server.app = AskedServer(server.app)
    with serve_in_thread(server) as url:
        arguments = ("--swarm-backend=measure", f"--swarm-host={url}", "--swarm-compare=greedy,fixed,random,llm")
        number: list[int] = []
        front.kill_at, front.kill = 5, lambda: os.kill(number[0], signal.SIGKILL)
        killed = run_program(f"import pytest; pytest.main(['-q', *{arguments!r}])", started=number.append)
        assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
        interrupted = front.last
        with AnswerStore(Path(".swarm-answers"), writable=False) as store:
            assert store.count() == 4
        run(suite, *arguments).assert_outcomes(passed=4)
    twice = [question for question, times in front.asked.items() if times > 1]
    assert twice == [interrupted]
    assert len(front.asked) > 5
    assert reports.report["run"]["measure"]["answers_known"] == 4
