"""What is no path is refused in one sentence, by every function that loads or saves a file of the user's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_swarm import SwarmError, TaskGraph, load_fleet, load_graph, load_policy, save_graph
from pytest_swarm.workloads.datasets.dataset_files import load_flat
from pytest_swarm.workloads.importers.import_files import import_graph
from tests.instances import WB1


@pytest.mark.parametrize("path", [None, 3, b"a.toml"])
@pytest.mark.parametrize(
    "load",
    [
        load_fleet,
        load_graph,
        load_policy,
        import_graph,
        TaskGraph.load,
        lambda path: load_flat(path, "gsm8k"),
        lambda path: save_graph(WB1, path),
    ],
)
def test_what_is_no_path_is_refused_in_one_sentence(load: Callable[[object], object], path: object) -> None:
    with pytest.raises(SwarmError, match="a file is named by its path, a str or a Path, not by "):
        load(path)
