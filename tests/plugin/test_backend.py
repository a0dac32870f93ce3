"""Which server a run talks to, through a real socket, and what a bad one looks like from outside."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_swarm.simulator.server import app
from tests.plugin.conftest import SUITE, WB1, Reports, refuses

pytest.importorskip("uvicorn")
GRAPHS = Path(__file__).parents[2] / "benchmarks" / "graphs"


@contextmanager
def web_server(body: bytes, *, content_type: str = "text/html", hangs: bool = False) -> Iterator[str]:
    """A server that answers everything with one body; one that hangs answers when it is closed, or after a minute."""
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if hangs:
                closing.wait(60)
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  # the name is http.server's

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_run_through_a_socket(
    suite: pytest.Pytester, reports: Reports, fast_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "VERSION", "0.33.0")  # as a real server
    suite.makepyfile(test_wb1=WB1)
    args = ("test_wb1.py", "--swarm-backend=ollama", f"--swarm-host={fast_server}", "--swarm-compare=lp,llm")
    result = suite.runpytest(*args)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([f"swarm: ollama at {fast_server} (asked for by --swarm-backend)"])
    (start,) = reports.of("run_start")
    assert (start["simulated"], start["host"]) == (False, fast_server)
    assert "SIMULATED" not in result.stdout.str()
    assert all(case["measured_peak_vram_gb"] > 0 for case in reports.report["cases"])


def test_auto_takes_a_server_that_has_every_model(suite: pytest.Pytester, fast_server: str) -> None:
    suite.makepyfile(test_wb1=WB1)
    result = suite.runpytest("test_wb1.py", "--swarm-backend=auto", f"--swarm-host={fast_server}")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"swarm: SIMULATED Ollama at {fast_server} (*has every model of the fleet)"])


def test_auto_takes_the_simulator_that_the_command_line_describes(
    suite: pytest.Pytester, fast_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever server answers: it knows nothing of a profile or of faults."""
    monkeypatch.setenv("OLLAMA_HOST", fast_server)
    result = suite.runpytest("--swarm-backend=auto", "--swarm-profile=a40")
    result.assert_outcomes(passed=1)
    said = "swarm: SIMULATED Ollama, profile a40, seed 0 (described by --swarm-profile or --swarm-fault)"
    result.stdout.fnmatch_lines([said])


def test_auto_takes_the_simulator_where_nothing_answers_and_says_why(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{closed_port}")
    result = suite.runpytest("--swarm-backend=auto")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["swarm: SIMULATED Ollama, profile a40, seed 0 (no Ollama server answers at *"])


def test_auto_takes_no_simulator_for_a_server_that_was_named(suite: pytest.Pytester, closed_port: int) -> None:
    host = f"http://127.0.0.1:{closed_port}"
    refuses(
        suite,
        "--swarm-backend=auto",
        f"--swarm-host={host}",
        says=f"no Ollama server answers at {host}; start it with `ollama serve`, or *",
    )


def usage_error(suite: pytest.Pytester, *args: str) -> str:
    result = suite.runpytest("--swarm-backend=ollama", *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line.startswith("ERROR: ")]
    assert "Traceback" not in result.stderr.str()
    return line


def test_server_down(suite: pytest.Pytester, closed_port: int) -> None:
    host = f"http://127.0.0.1:{closed_port}"
    line = usage_error(suite, f"--swarm-host={host}")
    assert host in line
    assert "ollama serve" in line


def test_server_without_the_models(suite: pytest.Pytester) -> None:
    with web_server(b'{"models":[]}', content_type="application/json") as host:
        line = usage_error(suite, f"--swarm-host={host}")
    assert "ollama pull gemma2:2b" in line


def tags_server(*tags: str) -> AbstractContextManager[str]:
    """A server that only lists models, with these names."""
    body = json.dumps({"models": [{"name": tag, "model": tag} for tag in tags]})
    return web_server(body.encode(), content_type="application/json")


HEAVY = ("Gemma2:2B", "phi4:14b", "llama3.1:8b", "registry.ollama.ai/library/qwen2.5-coder:7b")


def test_auto_says_which_models_are_missing_before_it_falls_back(suite: pytest.Pytester) -> None:
    with tags_server(*HEAVY[1:], "gemma2:9b") as host:
        result = suite.runpytest("--swarm-backend=auto", f"--swarm-host={host}")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [f"swarm: SIMULATED *(the server at {host} does not have gemma2:2b (installed is gemma2:9b); run: ollama pull*"]
    )


def test_where_neither_server_nor_simulator_has_the_models_both_are_named(suite: pytest.Pytester) -> None:
    """As with an ini file that names a planner, which a server with the user's own fleet lacks."""
    figures = "vram_gb = 1\nload_time_ms = 1\ncost_per_token = 1\nmax_ctx = 8192\n"
    (suite.path / "f.toml").write_text(f'[[model]]\nname = "own:1b"\n{figures}')
    with tags_server("own:1b") as host:
        args = ("--swarm-fleet=f.toml", "--swarm-compare=llm", "--swarm-planner=phi4:14b", f"--swarm-host={host}")
        result = suite.runpytest("--swarm-backend=auto", *args)
    (line,) = [each for each in result.errlines if each.startswith("ERROR")]
    named = "name an installed planner with --swarm-planner=TAG or the ini key swarm_planner, or with llm:TAG, or run"
    assert f"does not have the planner phi4:14b; {named}: ollama pull phi4:14b. The simulator " in line
    assert "profile 'a40' does not have own:1b (it has gemma2:2b, " in line
    assert line.endswith("give it with --swarm-profile=FILE")


@pytest.mark.parametrize(
    ("option", "asked_for"),
    [("--swarm-compare=greedy", False), ("--swarm-compare=greedy,llm", True), ("--swarm-shard=1/2", True)],
)
def test_a_planner_is_demanded_only_where_it_plans(suite: pytest.Pytester, option: str, asked_for: bool) -> None:
    """In another shard too: all of them must take one server."""
    if "shard" in option:
        suite.makepyfile(test_planned=SUITE.replace("def test_", "@pytest.mark.swarm(modes='llm')\ndef test_"))
    with tags_server(*HEAVY) as host:
        args = ("--swarm-backend=ollama", "--swarm-planner=qwen3:4b", f"--swarm-host={host}")
        result = suite.runpytest(*args, option)
    missing = any("does not have the planner qwen3:4b; name an installed" in line for line in result.errlines)
    assert missing is asked_for
    assert (result.ret == pytest.ExitCode.USAGE_ERROR) is asked_for  # where it is not, the first chat fails


def test_single_takes_a_model_by_any_of_its_names(suite: pytest.Pytester, reports: Reports) -> None:
    suite.runpytest("--swarm-compare=single:Gemma2:2B").assert_outcomes(passed=1)
    (step, *_) = reports.of("plan_step")
    assert {each["model"] for each in step["assignments"]} == {"gemma2:2b"}


def test_server_that_answers_html(suite: pytest.Pytester) -> None:
    with web_server(b"<html>Welcome to nginx!</html>") as host:
        line = usage_error(suite, f"--swarm-host={host}")
    assert host in line


def test_server_that_hangs(suite: pytest.Pytester) -> None:
    with web_server(b"{}", hangs=True) as host:
        line = usage_error(suite, f"--swarm-host={host}", "--swarm-timeout=200ms")
    assert host in line
    assert "0.2 s" in line


def test_swarm_server_fixture_speaks_ollama(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_server="""
        import httpx

        def test_server(swarm_server):
            assert httpx.get(swarm_server, trust_env=False).text == "Ollama is running"
            names = {row["name"] for row in httpx.get(swarm_server + "/api/tags", trust_env=False).json()["models"]}
            assert "gemma2:2b" in names
        """
    )
    suite.runpytest("test_server.py").assert_outcomes(passed=1)
