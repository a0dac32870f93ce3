"""workflowgen: generated workflows whose every answer can be checked, and whose later tasks depend on earlier answers.

A job is a shape (`shapes`) whose positions are filled with steps. `source_steps` and `code_steps` need no input;
`follow_up_steps` compute with the parents' answers. Everything is a function of the seed, through `random_stream`
alone, so that the same seed gives the same job on any machine and any Python.
"""
