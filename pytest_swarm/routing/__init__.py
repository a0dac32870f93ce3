"""Routing: from a PlanningView to a Plan. One router a file; knows estimates and domain, no server and no pytest.

Every plan of every router is judged by the same two functions: `objective.evaluate` and `feasibility.check`.
"""
