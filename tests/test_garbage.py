"""When garbage is collected: not in a block, and not while a process ends."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from pytest_swarm.garbage import no_collection

ENDING = """
import gc
from pytest_swarm.plugin.hooks import SwarmHooks
from pytest_swarm.garbage import no_collection_at_exit

no_collection_at_exit()
no_collection_at_exit()
gc.callbacks.append(lambda phase, _: print(phase, len(gc.get_objects()) > 100))
"""


def test_block_without_collection_leaves_the_collector_as_it_was() -> None:
    with no_collection():
        assert not gc.isenabled()
        with no_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_collector_is_on_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="here"), no_collection():
        raise ValueError("here")
    assert gc.isenabled()


def test_collection_at_exit_finds_next_to_nothing_to_visit() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, check=True)
    assert "start" in ended.stdout  # Python looks for garbage when it ends ...
    assert "True" not in ended.stdout  # ... among what was made since
