"""Tests that other plugins keep from the disk or the network: what a run needs of both, it gets all the same.

With pyfakefs a test has a file system of its own, with pytest-socket it may open no socket.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def real_files() -> Iterator[None]:
    """Pause the file system that a test fakes with pyfakefs while the block runs.

    In a faked one no module can be imported, and what a run writes would be lost with the test: events, recordings,
    measured answers.
    """
    pyfakefs = sys.modules.get("pyfakefs.fake_filesystem_unittest")
    patcher = None if pyfakefs is None else pyfakefs.Patcher.PATCHER
    if pyfakefs is None or patcher is None or not patcher.is_patching:
        yield
        return
    with pyfakefs.Pause(patcher):
        yield


@contextmanager
def loop_sockets(calls_server: Callable[[], bool]) -> Iterator[None]:
    """Allow the sockets of an event loop, which lead nowhere, while the block runs in a test that may open none.

    Args:
        calls_server: Whether the block calls a server; then it fails the test in a sentence.
    """
    if not _are_sockets_disabled():
        yield
        return
    if calls_server():
        refuse_disabled_sockets("swarm_run calls a server")
    guard = sys.modules["pytest_socket"]
    names = ("socket", "getaddrinfo", "gethostbyname")
    before = {name: getattr(socket, name) for name in names}
    guard.enable_socket()
    guard.disable_socket(allow_unix_socket=True)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(socket, name, value)


def refuse_disabled_sockets(what: str) -> None:
    """Fail the test where pytest-socket lets it open no socket; `what` begins the sentence."""
    if _are_sockets_disabled():
        pytest.fail(
            f"{what}, and pytest-socket lets this test open no socket: mark it with @pytest.mark.enable_socket, or "
            "give --allow-hosts in place of --disable-socket",
            pytrace=False,
        )


def _are_sockets_disabled() -> bool:
    return "pytest_socket" in sys.modules and socket.socket.__name__ == "GuardedSocket"
