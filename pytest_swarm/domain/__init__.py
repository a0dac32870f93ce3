"""The nouns of pytest-swarm as frozen values: tasks, graphs, models, plans, records.

Owns what a word means and what makes a value valid. Standard library only; knows no solver, server, file or pytest.
"""
