"""Origins and host names are accepted and refused as a real server did: 190 requests were sent to both."""

from __future__ import annotations

import asyncio
import hashlib
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from pytest_swarm.simulator.server import access_check
from pytest_swarm.simulator.server.access_check import check_access, is_host_malformed, is_own_address
from pytest_swarm.simulator.transport import Event
from tests.simulator.servers import ServerClient, call, calls, in_virtual_time, model, spec


def _scope(*, method: str = "GET", server: str = "127.0.0.1", **headers: str) -> dict[str, Any]:
    return {
        "method": method,
        "server": (server, 11434),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        ("http://localhost", True),
        ("https://localhost:3000", True),
        ("http://127.0.0.1:8080", True),
        ("http://0.0.0.0", True),
        ("app://obsidian.md", True),
        ("file://x", True),
        ("tauri://x", True),
        ("vscode-webview://x", True),
        ("http://127.0.0.1:11434", True),
        ("http://localhost.example", False),
        ("http://evil.example", False),
        ("http://[::1]:3000", False),
        ("chrome-extension://abc", False),
        ("null", False),
    ],
)
def test_web_pages_of_this_machine_and_apps_are_accepted(origin: str, accepted: bool) -> None:
    check = check_access(_scope(host="127.0.0.1:11434", origin=origin))

    assert (check.status is None) is accepted
    same = origin == "http://127.0.0.1:11434"
    allowed = {} if same or not accepted else {b"access-control-allow-origin": origin.encode(), b"vary": b"Origin"}
    assert dict(check.headers) == allowed


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("localhost:11434", True),
        ("LOCALHOST", True),
        ("", True),
        ("ollama.local", True),
        ("host.docker.internal", True),
        ("192.168.1.5", True),
        ("[::1]:11434", True),
        ("[::1]", False),
        ("8.8.8.8:11434", False),
        ("evil.example", False),
        ("127.0.0.1.nip.io", False),
    ],
)
def test_a_server_on_the_loopback_address_refuses_names_of_others(host: str, accepted: bool) -> None:
    assert check_access(_scope(host=host)).status == (None if accepted else 403)
    known = accepted and host not in ("192.168.1.5", "[::1]:11434")  # addresses go on to the route
    options = check_access(_scope(host=host, method="OPTIONS")).status
    assert options == (204 if known else None if accepted else 403)
    assert check_access(_scope(host=host, server="0.0.0.0")).status is None
    assert check_access(_scope(host=host, server="simulated")).status is None


@pytest.mark.parametrize(
    ("address", "own"),
    [("127.0.0.1", True), ("127.9.8.7", False), ("192.0.2.7", False), ("224.0.0.1", False), ("255.255.255.255", False)],
)
def test_an_address_is_own_if_this_machine_would_send_from_it(address: str, own: bool) -> None:
    assert is_own_address(ip_address(address)) is own


def test_a_public_address_of_this_machine_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ("203.0.113.5",)
    monkeypatch.setattr(access_check, "is_own_address", lambda address: str(address) in own)

    assert check_access(_scope(host="203.0.113.5:11434")).status is None
    assert check_access(_scope(host="203.0.113.6:11434")).status == 403


@pytest.mark.parametrize(
    ("host", "malformed"), [("a b", True), ("user@localhost", True), ("localhost:abc", False), ("", False)]
)
def test_a_host_with_a_character_that_no_host_has_is_refused(host: str, malformed: bool) -> None:
    assert is_host_malformed(_scope(host=host)) is malformed


@pytest.mark.parametrize(
    ("path", "host", "text"),
    [
        ("/nosuch", "a b", "400 Bad Request: malformed Host header"),
        ("/api/tags%zz", "a b", "400 Bad Request"),
        ("/%4", "localhost", "400 Bad Request"),
    ],
)
def test_what_is_malformed_is_told_before_all_else(path: str, host: str, text: str) -> None:
    sent: list[Event] = []

    async def receive() -> Event:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: Event) -> None:
        sent.append(event)

    async def main() -> None:
        scope = {"type": "http", "path": path, "raw_path": path.encode(), **_scope(host=host)}
        await ServerClient(spec(model("a", 2))).server.app(scope, receive, send)

    in_virtual_time(main)
    assert (sent[0]["status"], sent[1]["body"].decode()) == (400, text)


def test_the_filters_answer_before_the_route() -> None:
    async def main() -> list[httpx.Response]:
        async with ServerClient(spec(model("a", 2))).http as http:
            page, other = {"origin": "http://localhost:3"}, {"origin": "http://evil.example"}
            ask = http.options("/api/chat", headers=page)
            known, unknown = http.get("/v1/models", headers=page), http.get("/nope", headers=page)
            refused, method = http.get("/api/tags", headers=other), http.put("/api/chat", headers=other)
            return list(await asyncio.gather(ask, known, unknown, refused, method))

    ask, known, unknown, refused, method = in_virtual_time(main)

    assert (ask.status_code, ask.text, ask.headers["allow"]) == (204, "", "POST")
    assert "content-length" not in ask.headers
    assert ask.headers["access-control-max-age"] == "43200"
    assert "X-Stainless-Runtime-Version" in ask.headers["access-control-allow-headers"]
    assert ask.headers.get_list("vary") == [
        "Origin",
        "Access-Control-Request-Method",
        "Access-Control-Request-Headers",
    ]
    assert (known.status_code, known.headers["access-control-allow-origin"]) == (200, "http://localhost:3")
    assert (unknown.status_code, unknown.headers["vary"]) == (404, "Origin")
    assert (refused.status_code, refused.text, refused.headers["content-length"]) == (403, "", "0")
    assert (method.status_code, method.headers["allow"]) == (403, "POST")


def test_replies_are_framed_as_go_frames_them() -> None:
    read = [("GET", path, None) for path in ("/v1/models", "/v1/models/nope", "/api/version", "/api/tags")]
    heads = [("HEAD", path, None) for path in ("/api/chat", "http://simulated//", "/api/tags")]
    models, missing, version, tags, head, moved, tags_head = calls(*read, *heads, models=9)

    assert [reply.text[-1] for reply in (models, missing)] == ["\n", "\n"]
    assert version.text.endswith("}")
    assert version.headers["content-length"] == str(len(version.content))
    assert "content-length" not in {*tags.headers, *tags_head.headers}  # more than 2048 bytes are sent in chunks
    assert (head.status_code, head.content, head.headers["content-length"]) == (405, b"", "22")
    assert (moved.status_code, moved.content, "content-length" in moved.headers) == (307, b"", False)


def test_a_redirect_keeps_the_query() -> None:
    clean, shorter = call("GET", "http://simulated//api/tags?x=1&y=2"), call("POST", "/api/show/?x=1")
    assert (clean.status_code, clean.headers["location"]) == (307, "/api/tags?x=1&y=2")
    assert clean.text == '<a href="/api/tags?x=1&amp;y=2">Temporary Redirect</a>.\n\n'
    assert (shorter.status_code, shorter.headers["location"], shorter.text) == (307, "/api/show?x=1", "")


def test_a_refusal_in_place_of_a_stream_states_no_length() -> None:
    chat = {"model": "a", "messages": [{"role": "user", "content": "hi"}], "format": "xml"}
    asked: list[tuple[str, dict[str, Any]]] = [("/api/chat", chat), ("/api/create", {"model": "m"})]
    replies = calls(*(("POST", path, {**body, "stream": on}) for path, body in asked for on in (True, False)))

    assert [reply.status_code for reply in replies] == [500, 500, 400, 400]
    assert ["content-length" in reply.headers for reply in replies] == [False, True, False, True]
    assert [reply.headers["content-type"].partition(";")[0] for reply in replies] == ["application/json"] * 4


def test_a_blob_is_kept_under_its_own_digest_where_the_request_names_another() -> None:
    own = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    replies = calls(*(("POST", f"/api/blobs/{digest}", b"abc") for digest in (f"sha256:{'0' * 64}", own)))
    assert [reply.status_code for reply in replies] == [400, 200]


def test_the_case_of_a_digest_matters() -> None:
    digest = hashlib.sha256(b"abc").hexdigest()
    paths = [f"/api/blobs/sha256:{each}" for each in (digest.upper(), digest)]
    replies = calls(*(("POST", path, b"abc") for path in paths), *(("HEAD", path, None) for path in paths))
    assert [reply.status_code for reply in replies] == [400, 200, 404, 200]


def test_a_push_names_the_model_as_it_is_installed() -> None:
    error = call("POST", "/api/push", {"model": "A", "stream": False}).json()["error"]
    assert error.startswith('Head "https://registry.ollama.ai/v2/library/a/blobs/')


@pytest.mark.parametrize(("path", "verb"), [("/api/push", "Head"), ("/api/pull", "pull model manifest: Get")])
def test_an_insecure_request_asks_without_encryption(path: str, verb: str) -> None:
    bodies = [{"model": "a", "stream": False, "insecure": insecure} for insecure in (False, True)]
    errors = [call("POST", path, body).json()["error"] for body in bodies]
    assert [text.partition("://")[0] for text in errors] == [f'{verb} "https', f'{verb} "http']
