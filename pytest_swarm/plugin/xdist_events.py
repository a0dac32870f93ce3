"""What workers of xdist send to their controller, encoded by pickle.

xdist sends six messages a test, three of them reports, by execnet, which encodes and decodes them in Python. Pickle
does it in C, in a quarter of the time, and execnet carries the bytes. Each message still goes at once. Both sides do so
only where they know of each other; otherwise all is as without this plugin.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NoReturn

import pytest

PICKLED: Final = "swarm_pickled"  # what a controller tells its workers: that it reads such messages


class PickledChannel:
    """A worker's channel to its controller, which sends plain data pickled.

    Args:
        channel: The channel of execnet, which does all else.
    """

    def __init__(self, channel: Any) -> None:  # execnet's has types of its own, which this package does not depend on
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def send(self, item: object) -> None:
        """Send an item; what is not plain data goes to execnet as it is, which says so as ever."""
        with suppress(pickle.PicklingError):
            item = encode(item)
        self._channel.send(item)


def send_pickled(config: pytest.Config) -> None:
    """Let a worker send its messages pickled, where its controller reads them."""
    if not config.__dict__["workerinput"].get(PICKLED):  # its controller has another version of this plugin
        return
    for plugin in config.pluginmanager.get_plugins():
        if hasattr(plugin, "sendevent") and hasattr(plugin, "channel"):  # xdist's `WorkerInteractor`
            plugin.channel = PickledChannel(plugin.channel)


def receive_pickled(node: Any) -> None:
    """Let a controller read pickled messages of a worker, too, and tell the worker so.

    Args:
        node: The `WorkerController` of xdist, before the worker starts.
    """
    receive: Callable[[object], None] | None = getattr(node, "process_from_remote", None)
    if receive is not None:
        node.process_from_remote = lambda item: receive(decode(item) if isinstance(item, bytes) else item)
        node.workerinput[PICKLED] = True


def encode(item: object) -> bytes:
    """Return plain data as bytes; PicklingError for anything but Python's own plain types."""
    file = io.BytesIO()
    _PlainPickler(file).dump(item)
    return file.getvalue()


def decode(data: bytes) -> object:
    """Return the data of `encode`; UnpicklingError where it is not plain."""
    return _PlainUnpickler(io.BytesIO(data)).load()


class _PlainPickler(pickle.Pickler):
    def reducer_override(self, value: object) -> NoReturn:
        """Refuse whatever is not of a plain type itself, such as a subclass of float: execnet refuses the same."""
        raise pickle.PicklingError(f"{type(value).__name__} is not plain data")


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        """Refuse to import anything."""
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")
