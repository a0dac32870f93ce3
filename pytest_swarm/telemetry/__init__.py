"""Events: a run as lines of JSON, written as it happens and read back as equal records; and VRAM measurement."""
