"""`serve`: a simulated server as a process of its own, for clients that know nothing of this project."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import httpx
import ollama
import pytest

from pytest_swarm.cli import main

PATIENCE_S = 120  # of whatever a process does in a moment, however busy the machine


@dataclass
class Served:
    """A running server: its base URL, and what it said at its start."""

    url: str
    lines: list[str]


@pytest.fixture
def client(served: Served) -> Iterator[ollama.Client]:
    with ollama.Client(host=served.url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The shipped profile with loads that take no time, because this server runs in real time."""
    shipped = (files("pytest_swarm.simulator") / "profiles" / "a40.toml").read_text(encoding="utf-8")
    profile = tmp_path_factory.mktemp("profile") / "a40.toml"
    profile.write_text(re.sub(r"(?m)^((?:first_)?load_s = )[\d.]+", r"\g<1>0.01", shipped), encoding="utf-8")
    command = [sys.executable, "-m", "pytest_swarm", "serve", "--port", "0", "--seed", "3", "--profile", str(profile)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(4)]
    try:
        yield Served(url=lines[2].partition("=")[2], lines=lines)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, "")


def test_the_output_says_how_clients_reach_the_server(served: Served) -> None:
    assert served.lines[0] == (f"simulated Ollama server, profile 'a40', seed 3, at {served.url} (stop it with Ctrl-C)")
    assert "gemma2:2b" in served.lines[1]
    assert served.lines[3] == f"OpenAI clients: base URL {served.url}/v1, any API key"


def test_the_official_client_lists_shows_and_chats(client: ollama.Client) -> None:
    assert "gemma2:2b" in [row.model for row in client.list().models]
    shown = client.show("gemma2:2b")
    assert shown.modelinfo is not None
    assert shown.modelinfo["general.architecture"] == "llama"
    message = ollama.Message(role="user", content="hello")
    reply = client.chat("gemma2:2b", messages=[message], options={"num_predict": 3})
    assert (reply.done_reason, reply.eval_count) == ("length", 3)
    pieces = list(client.chat("gemma2:2b", messages=[message], options={"num_predict": 3}, stream=True))
    assert "".join(piece.message.content or "" for piece in pieces) == reply.message.content


def test_the_official_client_makes_a_model_and_gets_the_errors(client: ollama.Client) -> None:
    assert (
        client.create("brief", from_="gemma2:2b", system="Be brief.", parameters={"num_predict": 2}).status == "success"
    )
    assert client.generate("brief", "hello").eval_count == 2
    client.delete("brief")
    with pytest.raises(ollama.ResponseError, match="model 'brief' not found"):
        client.generate("brief", "hello")
    with pytest.raises(ollama.ResponseError, match="pull model manifest"):
        client.pull("nobody-has-this")
    with pytest.raises(ollama.ResponseError, match="does not support embeddings"):
        client.embed("gemma2:2b", "hello")


def test_an_openai_client_chats(served: Served) -> None:
    body = {"model": "gemma2:2b", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 3, "stream": True}
    with httpx.stream(
        "POST", f"{served.url}/v1/chat/completions", json=body, trust_env=False, timeout=PATIENCE_S
    ) as response:
        events = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    assert events[-1] == "[DONE]"
    assert json.loads(events[-2])["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--profile", "none"], 1, "profile none: there is no such file"),
        (["--fault", "explode"], 4, "--fault"),
        (["--fault", "busy:model=no"], 4, "--fault: the profile has no model 'no'; it has gemma2:2b"),
        (["--port", "70000"], 4, "choose another --port"),
        (["--graph", "no.toml"], 1, "no.toml"),
    ],
)
def test_a_bad_option_is_one_sentence(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *arguments]) == status
    assert message in capsys.readouterr().err


def test_a_server_that_cannot_start_leaves_the_signals_as_they_were(capsys: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main(["serve", "--port", "70000"]) == 4
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert "choose another --port" in capsys.readouterr().err


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(
            "threading.Thread(target=lambda: time.sleep(0.1) or send(threading.get_ident(), signal.SIGTERM)).start()",
            id="to another thread",
        ),
        pytest.param("send(main, signal.SIGINT)", id="before it is waited for"),
        pytest.param("send(main, signal.SIGHUP)", id="as its terminal is closed"),
        pytest.param("[send(main, number) for number in (signal.SIGTERM, signal.SIGINT) * 300]", id="often"),
    ],
)
def test_a_signal_that_any_thread_takes_stops_the_server(sent: str) -> None:
    """The system may give a signal to any thread; a lock that the main thread waits for would not be given up."""
    assert _waited(f"    {sent}\n    wait()") == ("stopped\n", "")


def test_the_signal_of_another_handler_does_not_stop_the_server() -> None:
    body = """
    seen = []
    signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    send(main, signal.SIGUSR1)
    later = threading.Timer(0.2, lambda: seen.append(2) or send(main, signal.SIGTERM))
    later.start()
    wait()
    assert seen == [1, 2]"""
    assert _waited(body) == ("stopped\n", "")


def test_a_server_behind_nohup_goes_on_as_its_terminal_is_closed() -> None:
    later = "threading.Timer(0.2, lambda: print('on', flush=True) or send(main, signal.SIGTERM)).start()"
    body = f"    send(main, signal.SIGHUP)\n    {later}\n    wait()"
    assert _waited(body, before="signal.signal(signal.SIGHUP, signal.SIG_IGN)") == ("on\nstopped\n", "")


def test_a_signal_that_comes_as_the_handlers_are_set_is_not_lost() -> None:
    before = "real = signal.signal\nsignal.signal = lambda *args: (real(*args), send(main, args[0]))"
    assert _waited("    signal.signal = real\n    wait()", before=before) == ("stopped\n", "")


def test_a_server_in_another_thread_leaves_no_socket_open() -> None:
    code = """
import threading
from pytest_swarm.simulator.serving import _stopping_signals
def serve():
    try:
        with _stopping_signals():
            pass
    except ValueError as error:
        print("main thread" in str(error))
threading.Thread(target=serve).start()
"""
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (ended.stdout, ended.stderr) == ("True\n", "")


def _waited(body: str, *, before: str = "") -> tuple[str, str]:
    """What a process prints that waits for the end of the server in `body`."""
    code = f"""
import signal, threading, time
from pytest_swarm.simulator.serving import _stopping_signals
send, main = signal.pthread_kill, threading.get_ident()
{before}
with _stopping_signals() as wait:
{body}
print("stopped")
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    return ended.stdout, ended.stderr
