"""The metrics of a run, computed from its records alone: of jobs, of modes, and of modes against each other.

`metric_table` holds every metric. `job_metrics` computes them for one job, `measure` for all jobs of a run,
`aggregate_modes` for each mode; `compare_modes` compares the modes by score. Knows no file, server, page or pytest.
"""
