"""The events of a run: typed JSON lines, written as they happen and read back as equal records. VRAM by NVML."""

from __future__ import annotations

from typing import Final

EVENTS_FILE: Final = "events.jsonl"
"""The file of a run's events, in its folder."""
