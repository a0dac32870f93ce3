"""A device is refused where a file is read: /dev/zero has no end, and /dev/null would seem to be an empty file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_swarm.documents import read_text
from pytest_swarm.errors import GraphError, SwarmError
from pytest_swarm.gate.baseline_codec import read_baseline
from pytest_swarm.ollama.answers.answer_store import AnswerStore
from pytest_swarm.ollama.answers.answers_export import import_text
from pytest_swarm.ollama.cassette.cassette_file import read_cassette
from pytest_swarm.routing.policy_file import read_policy
from pytest_swarm.telemetry.reader import read_run
from pytest_swarm.workloads.datasets.dataset_files import load_tasks


def imported(path: Path) -> object:
    with AnswerStore(None) as store:
        return import_text(store, path)


READERS: dict[str, Callable[[Path], object]] = {
    "document": lambda path: read_text(path, GraphError),
    "baseline": read_baseline,
    "answers": imported,
    "cassette": read_cassette,
    "policy": read_policy,
    "run": read_run,
    "data set": lambda path: load_tasks(path, "gsm8k"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="os.devnull is no device there")
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_device_is_no_file_to_read(read: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "device.jsonl.gz"
    path.symlink_to(os.devnull)
    with pytest.raises(
        SwarmError, match=r"device\.jsonl\.gz: cannot be .*: (\[Errno 22\] )?it is a device, which may have no end"
    ):
        read(path)
