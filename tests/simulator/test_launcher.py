from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from typing import Any

import httpx
import pytest

from pytest_swarm.errors import ProfileError
from pytest_swarm.simulator.launcher import launch, read_spec
from pytest_swarm.simulator.server.hardware import GIB

MODEL = {
    "name": "a",
    "size_gib": 4,
    "layers": 32,
    "kv_heads": 8,
    "head_dim": 128,
    "context_length": 8192,
    "blob": "10",
}
SERVER: dict[str, Any] = {"case": "x/y", "gpu_gib": 16, "models": [MODEL], "env": {}, "load_gib_per_s": 16.0}


def line(**changes: Any) -> str:
    return json.dumps(SERVER | changes) + "\n"


def test_the_line_becomes_a_server() -> None:
    read = read_spec(line(compute_gib=0.25, fit_margin_gib=1.0, tokens_per_s=20))
    assert (read.gpu_bytes, read.compute_bytes, read.fit_margin_bytes) == (16 * GIB, GIB // 4, GIB)
    assert (read.models[0].load_s, read.models[0].decode_tokens_per_s) == (0.25, 20)
    assert (read.max_loaded_models, read.num_parallel, read.max_queue, read.keep_alive_s) == (3, 1, 512, 300.0)
    assert read.stale_free_memory


@pytest.mark.parametrize(
    ("env", "name", "value"),
    [
        ({"OLLAMA_MAX_LOADED_MODELS": "1"}, "max_loaded_models", 1),
        ({"OLLAMA_MAX_LOADED_MODELS": "0"}, "max_loaded_models", 3),
        ({"OLLAMA_NUM_PARALLEL": "0"}, "num_parallel", 1),
        ({"OLLAMA_MAX_QUEUE": "2"}, "max_queue", 2),
        ({"OLLAMA_MAX_QUEUE": "0"}, "max_queue", 0),
        ({"OLLAMA_KEEP_ALIVE": "70s"}, "keep_alive_s", 70.0),
        ({"OLLAMA_KEEP_ALIVE": "70"}, "keep_alive_s", 70.0),
        ({"OLLAMA_KEEP_ALIVE": "-1"}, "keep_alive_s", math.inf),
        ({"OLLAMA_KEEP_ALIVE": " '1.5s' "}, "keep_alive_s", 1.5),
        ({"OLLAMA_KEEP_ALIVE": "0.5"}, "keep_alive_s", 300.0),
        ({"OLLAMA_KEEP_ALIVE": "soon"}, "keep_alive_s", 300.0),
        ({"OLLAMA_KEEP_ALIVE": ""}, "keep_alive_s", 300.0),
        ({"OLLAMA_MAX_QUEUE": "many"}, "max_queue", 512),
        ({"OLLAMA_NUM_PARALLEL": "-1"}, "num_parallel", 1),
        ({"OLLAMA_MAX_LOADED_MODELS": '"2"'}, "max_loaded_models", 2),
        ({"OLLAMA_CONTEXT_LENGTH": "4096"}, "default_context", 4096),
        ({"OLLAMA_CONTEXT_LENGTH": "0"}, "context_length", None),
        ({"OLLAMA_GPU_OVERHEAD": "9663676416"}, "gpu_bytes", 16 * GIB),
    ],
)
def test_the_environment_sets_the_server(env: dict[str, str], name: str, value: Any) -> None:
    assert getattr(read_spec(line(env=env)), name) == value


def test_no_gpu_is_no_gpu() -> None:
    assert read_spec(line(gpu_gib=None)).gpu_bytes is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        line(models=[]),
        line(models=[MODEL, MODEL]),
        line(models=[MODEL | {"layers": 0}]),
        line(models=[MODEL | {"size_gib": -1}]),
        line(models=[MODEL | {"parameters": 3}]),
        line(gpu_gib="big"),
        line(env={"OLLAMA_MAX_QUEUE": 3}),
    ],
)
def test_a_line_that_describes_no_server_is_one_sentence(text: str) -> None:
    with pytest.raises(ProfileError, match=r"^[^\n]+$"):
        read_spec(text)


class Waiting(io.StringIO):
    """A stdin whose end comes only after the server behind the printed URL has answered."""

    def __init__(self, text: str, sink: io.StringIO) -> None:
        super().__init__(text)
        self.sink = sink
        self.banner = ""

    def __iter__(self) -> Waiting:
        self.banner = httpx.get(self.sink.getvalue().strip(), trust_env=False).text
        return self


def test_the_launcher_prints_its_url_serves_until_the_end_of_its_input_and_stops() -> None:
    pytest.importorskip("uvicorn")
    sink = io.StringIO()
    source = Waiting(line(), sink)
    launch(source, sink)
    assert source.banner == "Ollama is running"
    with pytest.raises(httpx.ConnectError):
        httpx.get(sink.getvalue().strip(), trust_env=False)


def test_the_command_line_says_in_one_sentence_what_is_wrong() -> None:
    command = [sys.executable, "-m", "pytest_swarm.simulator", "launcher"]
    ended = subprocess.run(command, input="nonsense\n", capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr.startswith("error: the launcher's line is not JSON")
    assert ended.stderr.count("\n") == 1
