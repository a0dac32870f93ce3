"""From runs to a policy: which of the policies that were run to use, its file, and what other tools make of it.

It knows runs and their metrics. It must not know pytest, reports or pages; the statistics are in `statistics/`.
"""
