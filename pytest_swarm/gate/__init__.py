"""The gate: whether a run is worse than a stored baseline, beyond what chance explains.

Owns rules, baselines, pairing by the content of cases, verdicts, and the baseline's and the result's JSON. Knows
records and metrics; knows nothing of pytest, options or pages.
"""
