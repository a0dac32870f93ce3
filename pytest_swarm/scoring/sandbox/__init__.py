"""Running answered code on a task's cases, confined by the kernel.

`run_cases` is the parent's side. `child.py` is started as a script of an isolated interpreter, with `confine.py`
beside it; neither of them may import pytest_swarm, which is not on that interpreter's path.
"""
