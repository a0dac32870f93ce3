"""The rules that several rooms share."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.limits import base_node_id, short_digests


def test_digests_are_shown_in_as_many_characters_as_tell_them_apart() -> None:
    assert short_digests("sha256:" + "a" * 64, "b" * 64) == ("a" * 12, "b" * 12)
    assert short_digests("0" * 63 + "1", "0" * 63 + "2") == ("0" * 63 + "1", "0" * 63 + "2")
    assert short_digests("old", "older") == ("old", "older")


@pytest.mark.parametrize("node_id", ["test_a.py::test_b", "test_a.py::test_b[lp-h0-8GB]", "test_a.py::test_b[x[y]]"])
def test_a_node_id_loses_its_parameters(node_id: str) -> None:
    assert base_node_id(node_id) == "test_a.py::test_b"
