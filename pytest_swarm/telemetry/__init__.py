"""The events of a run: typed JSON lines, written as they happen and read back as equal records. VRAM by NVML."""
