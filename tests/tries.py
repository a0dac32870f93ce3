"""How many random cases a test tries: an eighth of them in every run, and all where SWARM_THOROUGH is set."""

from __future__ import annotations

import os
from typing import Final

THOROUGH: Final = "SWARM_THOROUGH" in os.environ
EXAMPLES: Final = 100  # of a property-based test that names no number, as hypothesis has it


def tries(thorough: int) -> int:
    """Return how many random cases to try, of the number that a thorough run tries."""
    return thorough if THOROUGH else max(10, thorough // 8)
