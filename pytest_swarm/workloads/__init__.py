"""Workloads: building, loading, importing and generating task graphs, and loading fleets.

Owns every file format of graphs and fleets. Knows the domain only: no server, no router, no pytest.
"""
