"""When garbage is collected: not in a block, and not while a process ends."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from pytest_swarm.plugin.garbage import leave_out_of_collections, no_collection, visit_all_again
from pytest_swarm.plugin.hooks import SwarmHooks

ENDING = """
import gc
from pytest_swarm.plugin.hooks import SwarmHooks
from pytest_swarm.plugin.garbage import no_collection_at_exit

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


def test_what_is_left_out_of_collections_is_not_visited_and_garbage_made_later_is_collected() -> None:
    class Node:
        pass

    before = gc.get_freeze_count()
    leave_out_of_collections()
    try:
        assert gc.get_freeze_count() > before
        kept = gc.get_freeze_count()
        node = Node()
        node.__dict__["self"] = node
        dead = weakref.ref(node)
        del node
        gc.collect()
        assert dead() is None
        assert gc.get_freeze_count() == kept
    finally:
        visit_all_again()
    assert gc.get_freeze_count() == 0


def test_session_that_has_ended_leaves_nothing_out(pytestconfig: pytest.Config) -> None:
    hooks = SwarmHooks(pytestconfig)
    leave_out_of_collections()
    hooks.pytest_unconfigure()
    assert gc.get_freeze_count() == 0
