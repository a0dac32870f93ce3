"""Models made by `/api/create`, what `/api/show` tells of them, and what the server refuses."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from pytest_swarm.simulator.server.go_values import base64_fault, go_number
from pytest_swarm.simulator.server.template_check import template_fault
from tests.simulator.servers import ServerClient, call, calls, in_virtual_time, model, spec

UNKNOWN = f"sha256:{'0' * 64}"


def created(**body: Any) -> httpx.Response:
    return call("POST", "/api/create", {"model": "new", "from": "a", "stream": False, **body})


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"template": "{{ if }}"}, 400, "template error: template: :1: missing value for if"),
        ({"license": 5}, 500, "json: cannot unmarshal number into Go value of type []string"),
        ({"license": ["L", 5]}, 500, "json: cannot unmarshal number into Go value of type string"),
        ({"quantization": "q9"}, 500, "unsupported quantization type Q9 - supported types are "),
        ({"quantize": "q4_K_M"}, 500, "quantization is only supported for F16, BF16 and F32 models"),
        ({"adapters": {"x": "sha256:00"}}, 400, "unknown type"),
        ({"quantize": "q9"}, 500, "unsupported quantization type Q9 - supported types are "),
        ({"from": "", "files": {}}, 400, "unknown type"),
        ({"from": "", "files": {"x": UNKNOWN}}, 400, "unknown type"),
        ({"from": "", "files": {"x.gguf": UNKNOWN}}, 500, f"open /models/blobs/sha256-{UNKNOWN[7:]}: no such file or"),
        ({"from": "", "files": {"x.gguf": "sha256:0"}}, 500, "invalid digest format"),
        ({"remote_host": "http://[x"}, 400, "bad remote"),
        ({"remote_host": "gpu:11434"}, 400, "the simulated server makes no models of another host; leave out"),
        ({"files": {"../x": "sha256:00"}}, 400, "file path must be relative"),
        ({"from": "nobody"}, 500, "pull model manifest: "),
        (
            {"parameters": 5},
            400,
            "json: cannot unmarshal number into Go struct field CreateRequest.parameters of type ",
        ),
    ],
)
def test_what_cannot_be_made_is_refused(body: dict[str, Any], status: int, error: str) -> None:
    response = created(**body)
    assert response.status_code == status
    assert response.json()["error"].startswith(error)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"num_ctx": "x"}, 'option "num_ctx" must be of type integer'),
        ({"stop": "a"}, 'option "stop" must be of type array'),
    ],
)
def test_a_parameter_of_a_wrong_type_is_told_when_the_model_is_used(parameters: dict[str, Any], error: str) -> None:
    made = {"model": "new", "from": "a", "stream": False, "parameters": parameters}
    used: list[tuple[str, dict[str, Any]]] = [("generate", {"prompt": "hi"}), ("embed", {"input": "hi"})]
    answers = calls(
        ("POST", "/api/create", made), *(("POST", f"/api/{path}", {"model": "new", **body}) for path, body in used)
    )
    assert answers[0].status_code == 200
    assert [(each.status_code, each.json()["error"]) for each in answers[1:]] == [(500, error)] * 2


@pytest.mark.parametrize(
    ("template", "capabilities"),
    [
        ("{{ .Tools }}{{ .Prompt }}", ["completion", "tools"]),
        ("{{ $.tools }}{{ if .Suffix }}x{{ end }}", ["completion", "tools", "insert"]),
        ('.Tools {{ ".Suffix" }}{{ .ToolsX }}{{/* .Tools */}}', ["completion"]),
    ],
)
def test_a_model_can_do_what_its_template_has_a_field_for(template: str, capabilities: list[str]) -> None:
    made = {"model": "new", "from": "a", "stream": False, "template": template}
    tools, suffix = {"messages": [], "tools": [{"function": {"name": "f"}}]}, {"prompt": "hi", "suffix": "x"}
    _, shown, *answers = calls(
        ("POST", "/api/create", made),
        ("POST", "/api/show", {"model": "new"}),
        ("POST", "/api/chat", {"model": "new", **tools}),
        ("POST", "/api/generate", {"model": "new", "stream": False, **suffix}),
    )
    assert shown.json()["capabilities"] == capabilities
    assert [each.is_success for each in answers] == [what in capabilities for what in ("tools", "insert")]


def test_null_is_an_empty_message_and_is_shown_as_go_prints_it() -> None:
    made = {"model": "new", "from": "a", "stream": False, "messages": [None], "parameters": {"num_ctx": None}}
    shown = calls(("POST", "/api/create", made), ("POST", "/api/show", {"model": "new"}))[1].json()
    assert shown["messages"] == [{"role": "", "content": ""}]
    assert shown["parameters"].split() == ["num_ctx", "<nil>"]


def test_a_made_model_has_a_digest_of_its_own_and_the_weights_of_its_base() -> None:
    asked = {"from": "a", "stream": False}
    bodies = [{"model": "one", "system": "S"}, {"model": "two", "system": "S"}, {"model": "three", "system": "T"}]
    bodies.append({"model": "hot", "system": "S", "parameters": {"temperature": 2}})
    responses = calls(
        *(("POST", "/api/create", {**asked, **body}) for body in bodies),
        ("POST", "/api/copy", {"source": "one", "destination": "copied"}),
        ("POST", "/api/generate", {"model": "three"}),
        ("GET", "/api/ps", None),
        ("GET", "/api/tags", None),
        *(("POST", "/api/show", {"model": name}) for name in ("a", "one", "hot", "b")),
    )
    shown = [response.json()["modelfile"] for response in responses[-4:]]
    files = [next(line for line in text.splitlines() if line.startswith("FROM")) for text in shown]
    assert files[0] == files[1] == files[2] != files[3]
    digests = {row["name"].removesuffix(":latest"): row["digest"] for row in responses[-5].json()["models"]}
    assert digests["one"] == digests["two"] == digests["copied"]
    assert len({digests[name] for name in ("a", "b", "one", "three", "hot")}) == 5
    (row,) = responses[-6].json()["models"]
    assert (row["name"], row["digest"]) == ("three:latest", digests["three"])


def test_made_models_run_on_one_copy_of_their_weights() -> None:
    """As measured on the real server: no load from one to another, one row under the name that loaded, one unload."""

    async def main() -> None:
        client = ServerClient(spec(model("a", 1), model("b", 1, blob="20")))
        made = {
            "one": {"system": "S"},
            "two": {"parameters": {"temperature": 2}},
            "wide": {"parameters": {"num_ctx": 8}},
        }
        for name, body in (*made.items(), ("threads", {"parameters": {"num_thread": 3}})):
            await client.post("/api/create", **{"model": name, "from": "a", "stream": False, **body})
        assert (await client.use("one")).cold
        for name in ("two", "a", "wide", "one"):  # what a request says of num_ctx counts
            assert not (await client.use(name)).cold
            assert await client.resident() == ["one"]
        await client.use("two", keep_alive=60)
        (row,) = (await client.ps()).values()
        assert (row["name"], row["size"]) == ("one:latest", (await client.ps())["one"]["size"])
        await client.unload("two")
        assert await client.resident() == []
        assert (await client.use("two")).cold
        assert await client.resident() == ["two"]
        assert (await client.use("two", num_ctx=8192)).cold
        assert (await client.use("threads", num_ctx=8192)).cold
        assert await client.resident() == ["threads"]

    in_virtual_time(main)


def test_a_made_model_inherits_and_adds_licenses() -> None:
    first = {
        "model": "one",
        "from": "a",
        "license": "MIT",
        "requires": "0.9.0",
        "messages": [{"role": "user", "content": "hi"}],
        "system": "S",
        "renderer": "qwen3",
        "parser": "x",
        "parameters": {"top_k": 1000000, "stop": ["x"]},
    }
    second = {"model": "two", "from": "one", "license": ["BSD"], "parser": "y", "parameters": {"stop": ["y"]}}
    made, again, shown = calls(
        ("POST", "/api/create", first), ("POST", "/api/create", second), ("POST", "/api/show", {"model": "two"})
    )
    told = shown.json()
    steps = [[json.loads(line)["status"] for line in reply.text.splitlines()] for reply in (made, again)]
    layers = [[step.split()[0] for step in each if " layer " in step] for each in steps]
    assert layers == [["using", "using", *["creating"] * 4], [*["using"] * 4, *["creating"] * 2, "using"]]
    assert told["requires"] == "0.9.0"
    assert (told["renderer"], told["parser"]) == ("qwen3", "y")
    assert "\nSYSTEM S\nRENDERER qwen3\nPARSER y\n" in told["modelfile"]
    assert (told["license"], told["system"], told["details"]["parent_model"]) == ("MIT\nBSD", "S", "one:latest")
    assert sorted(told["parameters"].split("\n")) == [f'{"stop":<30} "y"', f"{'top_k':<30} 1e+06"]
    assert told["tensors"][0]["name"] == "token_embd.weight"


def test_a_copy_onto_itself_changes_nothing() -> None:
    names = [("nope", "nope"), ("a", "A:latest"), ("nope", "Nope")]
    *copied, listed = calls(
        *(("POST", "/api/copy", {"source": source, "destination": name}) for source, name in names),
        ("GET", "/api/tags", None),
    )
    assert [reply.status_code for reply in copied] == [200, 200, 404]
    assert {row["modified_at"][:10] for row in listed.json()["models"]} == {"2025-12-01"}


def test_what_was_installed_last_is_listed_first() -> None:
    *_, listed = calls(("POST", "/api/copy", {"source": "a", "destination": "copy"}), ("GET", "/api/tags", None))
    assert [row["name"] for row in listed.json()["models"]] == ["copy:latest", "a:latest", "b:latest"]


def test_options_of_show_stand_in_the_modelfile_only() -> None:
    (shown,) = calls(("POST", "/api/show", {"model": "a", "options": {"num_ctx": 8}, "system": "Other."}))
    assert "PARAMETER num_ctx 8" in shown.json()["modelfile"]
    assert shown.json()["system"] == "Other."
    assert "parameters" not in shown.json()


@pytest.mark.parametrize(
    ("text", "at"),
    [("", None), ("abcd", None), ("ab==", None), ("abc=", None), ("!!!", 0), ("a", 0), ("abc", 0), ("abcde", 4),
     ("ab=c", 2), ("abcd=", 4), ("ab=", 3), ("ab==x", 4), ("ab\ncd", None)],
)  # fmt: skip
def test_base64_is_rejected_where_go_rejects_it(text: str, at: int | None) -> None:
    assert base64_fault(text) == at


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1024, "1024"), (0.5, "0.5"), (1e6, "1e+06"), (1234567, "1.234567e+06"), (-1e-5, "-1e-05")],
)
def test_numbers_are_printed_as_go_prints_them(value: float, text: str) -> None:
    assert go_number(value) == text


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ .Prompt }}", None),
        ("{{- if .System }}{{ .System }}{{ end }}", None),
        ("\n{{ .X", "template: :2: unclosed action"),
        ("{{ if .X }}", "template: :1: unexpected EOF"),
        ("{{ end }}", "template: :1: unexpected {{end}}"),
        ("{{ }}", "template: :1: missing value for command"),
        ("{{ nope }}", 'template: :1: function "nope" not defined'),
        ("{{ .Prompt | nope }}", 'template: :1: function "nope" not defined'),
        ("{{ if eq .X (nope $y) }}{{ end }}", 'template: :1: function "nope" not defined'),
        ("{{ $c := 1 }}{{ print .A.b $c \"nope\" `nope` 'n' 1e5 | len }}{{/* nope */}}", None),
        ("{{ range $i, $_ := .Messages }}{{ break }}{{ $i }}{{ else }}{{ $.System }}{{ end }}", None),
        ("{{ if .A }}{{ else if .B }}{{ else }}{{ end }}", None),
        ("{{ $y }}", 'template: :1: undefined variable "$y"'),
        ("\n{{ else }}", "template: :2: unexpected {{else}}"),
        ("{{ if .A }}{{ else }}{{ else }}{{ end }}", "template: :1: expected end; found {{else}}"),
        ("{{ if .A }}{{ continue }}{{ end }}", "template: :1: {{continue}} outside {{range}}"),
        ('{{ "x }}', "template: :1: unterminated quoted string"),
        ('{{ template "x" . }}', None),
    ],
)
def test_templates_are_checked(template: str, fault: str | None) -> None:
    assert template_fault(template) == fault
