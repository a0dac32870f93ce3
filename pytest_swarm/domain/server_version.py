"""What the version of a server says of it: a simulated one names itself there, behind any address."""

from __future__ import annotations

from typing import Final

SIMULATED: Final = "-simulated"
"""The end of a simulated server's version."""


def is_simulated_version(version: str) -> bool:
    """Return whether a server with that version runs no model.

    Args:
        version: The version as the server gives it, or with what else identifies its answers after it.
    """
    return SIMULATED in version
