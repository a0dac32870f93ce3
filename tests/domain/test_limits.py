"""The rules that several rooms share."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.limits import base_node_id, full_tag


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
        ("registry.ollama.ai/team/model", "team/model:latest"),
        ("hf.co/library/model", "hf.co/library/model:latest"),
        (" gemma2:2b ", "gemma2:2b"),
    ],
)
def test_equal_models_have_equal_full_tags(tag: str, full: str) -> None:
    assert full_tag(tag) == full
    assert full_tag(full) == full


@pytest.mark.parametrize("node_id", ["test_a.py::test_b", "test_a.py::test_b[lp-h0-8GB]", "test_a.py::test_b[x[y]]"])
def test_a_node_id_loses_its_parameters(node_id: str) -> None:
    assert base_node_id(node_id) == "test_a.py::test_b"
