"""What the version of a server says of it: a simulated one names itself there, behind any address."""

from __future__ import annotations

import re
from typing import Final

SIMULATED: Final = "-simulated"
"""The end of a simulated server's version."""


_WITHOUT_GRAPHS: Final = re.compile(rf".*{SIMULATED}\+.*\.seed\d+")
"""Where a simulated server was given task graphs, their digest follows the seed."""


def is_simulated_version(version: str) -> bool:
    """Return whether a server with that version runs no model.

    Args:
        version: The version as the server gives it, or with what else identifies its answers after it.
    """
    return SIMULATED in version


def was_given_no_graph(version: str) -> bool:
    """Return whether the version is that of a simulated server that recognizes the prompt of no task.

    Args:
        version: The version as the server gives it.
    """
    return _WITHOUT_GRAPHS.fullmatch(version) is not None
