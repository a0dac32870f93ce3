"""Figures of jobs and comparisons of modes, computed from records alone (DESIGN 5).

Pure functions of `JobRecord`s: `job_metrics` for one job, `measure` for all jobs of a run, `aggregate_modes`,
`compare_modes` and `look_ahead` for what a report shows. Knows no file, server, page or pytest.
"""
