"""What holds for every test: property-based tests have no time limit, because a busy machine is not a fault."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.tries import EXAMPLES, tries

settings.register_profile(
    "suite", deadline=None, max_examples=tries(EXAMPLES), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")
