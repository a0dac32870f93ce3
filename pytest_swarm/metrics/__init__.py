"""Figures of jobs and comparisons of modes, computed from records alone (DESIGN 5)."""
