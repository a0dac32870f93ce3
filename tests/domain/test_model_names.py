"""Names of models, by the rule of Ollama's `types/model/name.go`; the tables are those of its own tests, and more."""

from __future__ import annotations

from itertools import product

import pytest

from pytest_swarm.domain.model_names import checked_name, full_tag, parse_name
from pytest_swarm.errors import FleetError

_80, _350 = "8" * 80, "3" * 350


@pytest.mark.parametrize(
    ("tag", "full"),
    [
        ("gemma2", "gemma2:latest"),
        ("Gemma2:2B", "gemma2:2b"),
        ("host:5000/team/model", "host:5000/team/model:latest"),
        ("hf.co/team/model:Q4_K_M", "hf.co/team/model:q4_k_m"),
        ("https://hf.co/team/Model-GGUF", "hf.co/team/model-gguf:latest"),
        ("registry.ollama.ai/library/gemma2:2b", "gemma2:2b"),
        ("library/gemma2", "gemma2:latest"),
        ("Library/gemma2", "gemma2:latest"),
        ("Registry.Ollama.AI/team/model", "team/model:latest"),
        ("registry.ollama.ai:443/library/model", "registry.ollama.ai:443/library/model:latest"),
        ("https:///team/model", "team/model:latest"),
        ("hf.co/library/model", "hf.co/library/model:latest"),
        ("library/registry.ollama.ai", "registry.ollama.ai:latest"),
        (" gemma2:2b ", "gemma2:2b"),
    ],
)
def test_equal_models_have_equal_full_tags(tag: str, full: str) -> None:
    assert full_tag(tag) == full
    assert full_tag(full) == full


def test_two_names_are_equal_where_all_parts_are() -> None:
    hosts, spaces = ("", "registry.ollama.ai/", "hf.co/", "host:5000/"), ("library/", "team/")
    parts = set(product(hosts[1:], spaces, ("a", "b.c"), (":latest", ":q4")))
    keys = {full_tag("".join(each)) for each in parts}
    assert len(keys) == len(parts)
    assert {full_tag(name) for name in ("a", "A", "library/a", "a:LATEST", "https://registry.ollama.ai/library/a")} == {
        "a:latest"
    }


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("scheme://host:port/namespace/model:tag", ("host:port", "namespace", "model", "tag")),
        ("host/namespace/model", ("host", "namespace", "model", "latest")),
        ("namespace/model", ("registry.ollama.ai", "namespace", "model", "latest")),
        ("_why/_the/_lucky:_stiff", ("_why", "_the", "_lucky", "_stiff")),
        ("host:https/namespace/model:tag", ("host:https", "namespace", "model", "tag")),
        (f"{_350}/{_80}/{_80}:{_80}", (_350, _80, _80, _80)),
        ("qwen2.5-coder:7b", ("registry.ollama.ai", "library", "qwen2.5-coder", "7b")),
    ],
)
def test_valid_names_have_four_parts(name: str, parts: tuple[str, ...]) -> None:
    found = parse_name(name)
    assert found.valid
    assert (found.host, found.namespace, found.model, found.tag) == parts


@pytest.mark.parametrize(
    "name",
    [
        *("", "^", "mm:", "/nn/mm", "//", "//mm", "hh//", "//mm:@", "00@", "@", "@t", "m@d", "n/m:"),
        *("-hh/nn/mm:tt", "hh/-nn/mm:tt", "hh/nn/-mm:tt", "hh/nn/mm:-tt", "host/name:space/model:tag"),
        *("a b", "x/y/z/w", "../x", "a:b:c", ".a", "http://x/y", ":a", "a.b/c", "\u212a", f"{_80}8", f"a:{_80}8"),
        *(f"{_350}3/n/m", f"{_80}8/m"),
    ],
)
def test_a_name_that_no_server_takes_is_refused_in_a_sentence(name: str) -> None:
    assert not parse_name(name).valid
    with pytest.raises(FleetError, match=r"^f: no server takes '.* as the name of a model; write it"):
        checked_name(name, what="f", error=FleetError)


def test_a_part_that_is_written_but_empty_is_missing() -> None:
    assert parse_name("a:").full == "registry.ollama.ai/library/a:!MISSING!"
    assert parse_name("/a").full == "registry.ollama.ai/!MISSING!/a:latest"
