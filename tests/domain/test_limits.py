"""The rules that several rooms share."""

from __future__ import annotations

import pytest

from pytest_swarm.domain.limits import base_node_id


@pytest.mark.parametrize("node_id", ["test_a.py::test_b", "test_a.py::test_b[lp-h0-8GB]", "test_a.py::test_b[x[y]]"])
def test_a_node_id_loses_its_parameters(node_id: str) -> None:
    assert base_node_id(node_id) == "test_a.py::test_b"
