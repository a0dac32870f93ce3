"""Execution of cases: the receding-horizon loop, residency, VRAM sampling, backends and `Bench`.

Owns how a case runs: observe, plan, load, run, score, learn, repeat. Must not know pytest, metrics or reports.
"""
