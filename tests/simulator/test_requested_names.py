"""Names of models in requests are read as a real server read them: 1,317 requests with 66 names were sent to both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.servers import call, calls

_NO_CLOUD = "ollama cloud is disabled: remote model is unavailable"
_BOTH = "use either :local or :cloud, not both: "


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("a", 200),
        ("A:Latest", 200),
        (" a\n", 200),
        ("a:local", 200),
        ("https://registry.ollama.ai/library/a", 200),
        ("file:///library/a", 200),
        ("a:", 400),
        ("/library/a", 400),
        ("://library/a", 400),
        ("x://a", 400),
        ("a:cloud", 403),
        ("hf.co/u/m:Q4-cloud", 403),
        ("a-cloud", 404),
        ("a:local:cloud", 400),
        (" ", 404),
    ],
)
def test_the_name_that_a_request_means(name: str, status: int) -> None:
    body = {"model": name, "input": ""}
    told = calls(("POST", "/api/generate", body), ("POST", "/api/embed", body))
    assert [each.status_code for each in told] == [status, status]


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/api/generate", {"model": "a:cloud"}, 403, _NO_CLOUD),
        ("/api/show", {"model": "a:cloud"}, 403, "ollama cloud is disabled: remote model details are unavailable"),
        ("/v1/chat/completions", {"model": "a:1b-cloud", "messages": []}, 403, _NO_CLOUD),
        ("/v1/embeddings", {"model": "a:cloud", "input": "x"}, 403, _NO_CLOUD),
        ("/api/chat", {"model": "a:local:cloud"}, 400, f'{_BOTH}"a:local:cloud"'),
        ("/api/chat", {"model": "  "}, 400, "model is required"),
        ("/api/generate", {"model": " q "}, 404, "model ' q ' not found"),
        ("/api/show", {"model": " q:LATEST "}, 404, "model 'q:latest' not found"),
        ("/api/show", {"model": "http://x.y/n/q"}, 404, "model 'x.y/n/q:latest' not found"),
        ("/api/copy", {"source": "a", "destination": "ü"}, 400, 'destination "ü" is invalid'),
        ("/api/copy", {"source": "a", "destination": "q "}, 400, 'destination "q " is invalid'),
        (
            "/api/push",
            {"model": "q:", "stream": False},
            500,
            "unqualified name: registry.ollama.ai/library/q:!MISSING!",
        ),
    ],
)
def test_refusals_name_the_model_as_the_server_does(path: str, body: Any, status: int, message: str) -> None:
    reply = call("POST", path, body)
    error = reply.json()["error"]
    assert (reply.status_code, error["message"] if isinstance(error, dict) else error) == (status, message)


def test_models_of_other_registries_are_copied_listed_and_deleted() -> None:
    copies = ("hf.co/Team/M-GGUF:Q4", "localhost:5000/ns/m", "https://x.y:8/n/m:T", "q:cloud", "HF.CO/team/other")
    deleted = ("HF.CO/team/m-gguf:q4", "http://localhost:5000/NS/m", "x.y:8/n/m:t", "q:cloud", "q:cloud")

    told = calls(
        *(("POST", "/api/copy", {"source": "a", "destination": name}) for name in copies),
        ("GET", "/api/tags", None),
        *(("DELETE", "/api/delete", {"model": name}) for name in deleted),
    )
    assert [each.status_code for each in told] == [*[200] * 10, 404]
    listed = ["hf.co/Team/M-GGUF:Q4", "localhost:5000/ns/m:latest", "x.y:8/n/m:T", "q:cloud", "hf.co/Team/other:latest"]
    assert [row["name"] for row in told[5].json()["models"]] == [*listed, "a:latest", "b:latest"]


def test_an_escaped_slash_does_not_part_a_path() -> None:
    paths = ("/v1/models/library%2Fa", "/v1/models/%2Fa", "/v1/models/a%2520", "/v1//models")
    assert [call("GET", path).status_code for path in paths] == [404, 404, 400, 307]


def test_create_compares_the_source_with_regard_to_case() -> None:
    bodies = [{"model": "z", "stream": False, "from": name} for name in ("a", "A", "a:local", "q:cloud")]
    assert [call("POST", "/api/create", body).status_code for body in bodies] == [200, 500, 200, 500]
