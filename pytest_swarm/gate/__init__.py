"""The gate: whether a run is worse than a stored baseline, beyond what chance explains.

Baseline files, gate expressions, pairing by case content, verdicts, and when to stop repeating. Knows records and
metrics; knows nothing of pytest, options or pages.
"""
