"""Simulated models: profiles of how well models perform, and text generators that follow them.

Owns profiles, the composed replies and the simulated planner. Must not know HTTP or the scheduler.
"""
