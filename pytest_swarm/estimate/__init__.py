"""Estimates of quality, token cost and switch cost, learned from what was observed. Knows the domain only."""
