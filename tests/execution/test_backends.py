"""Which models a server must have, by what name, and what is said of those that it lacks."""

from __future__ import annotations

import pytest

from pytest_swarm.errors import ModelMissingError
from pytest_swarm.execution.server_models import one_file_models, require_models
from pytest_swarm.ollama.messages import ListedModel

HOST = "http://box:1"


def installed(*tags: str) -> tuple[ListedModel, ...]:
    return tuple(ListedModel(tag=tag) for tag in tags)


@pytest.mark.parametrize(
    ("needed", "listed"),
    [
        ("gemma2", "gemma2:latest"),
        ("gemma2:latest", "gemma2"),
        ("Gemma2:2B", "gemma2:2b"),
        ("hf.co/Team/Model:Q4_K_M", "hf.co/team/model:q4_k_m"),
        ("registry.ollama.ai/library/gemma2:2b", "gemma2:2b"),
        ("box:5000/team/model", "box:5000/team/model:latest"),
    ],
)
def test_a_model_is_there_under_any_of_its_names(needed: str, listed: str) -> None:
    require_models(HOST, (needed,), installed(listed), roles={})


@pytest.mark.parametrize(
    ("needed", "listed"),
    [("gemma2", "gemma2:2b"), ("box:5000/team/model", "team/model"), ("model:q4", "hf.co/t/model:q4")],
)
def test_another_model_is_not_taken_for_it(needed: str, listed: str) -> None:
    with pytest.raises(ModelMissingError, match="does not have"):
        require_models(HOST, (needed,), installed(listed), roles={})


def test_one_sentence_names_all_that_are_missing_the_nearest_and_the_command() -> None:
    has = installed("gemma2:9b", "llama3.1:8b-instruct-q8_0", "gemma2-uncensored:2b", "nomic-embed-text:latest")
    with pytest.raises(ModelMissingError) as error:
        require_models(HOST, ("gemma2:2b", "llama3.1:8b", "zephyr:7b", "gemma2:9b"), has, roles={})
    assert str(error.value) == (
        "the server at http://box:1 does not have gemma2:2b (installed is gemma2:9b), "
        "llama3.1:8b (installed is llama3.1:8b-instruct-q8_0), zephyr:7b; "
        "run: ollama pull gemma2:2b && ollama pull llama3.1:8b && ollama pull zephyr:7b"
    )


def test_a_cloud_model_is_refused_with_the_reason() -> None:
    cloud = ListedModel(tag="gpt-oss:120b-cloud", remote_host="https://ollama.com:443")
    with pytest.raises(ModelMissingError, match="does not run gpt-oss:120b-cloud itself"):
        require_models(HOST, ("gpt-oss:120b-cloud",), (cloud,), roles={})


def test_tags_of_one_file_are_found_by_its_digest() -> None:
    files = (("a:1b", "x"), ("b:latest", "x"), ("c:1", "y"))
    has = tuple(ListedModel(tag=tag, digest=digest) for tag, digest in files)
    assert one_file_models(("A:1b", "c:1", "b"), (*has, ListedModel(tag="d:1"))) == (("A:1b", "b"),)
    assert one_file_models(("a:1b", "c:1", "d:1"), has) == ()
