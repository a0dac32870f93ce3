"""workflowgen: generated workflows whose every answer can be checked, and whose later tasks depend on earlier answers.

A job is a shape (`shapes`) whose places are filled with steps: `sources` and `coding` need no input, `followups` work
on what their parents found. Everything is a function of the seed, through `draw` alone, so that the same seed gives
the same job on any machine and any Python.
"""
