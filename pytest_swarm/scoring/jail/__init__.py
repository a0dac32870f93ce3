"""The child side of the sandbox: confines itself, then runs untrusted code. Standalone; imported by nobody.

The parent (`pytest_swarm.scoring.sandbox`) starts `child.py` as a script of an isolated interpreter. Nothing here may
import pytest_swarm: the package is not on that interpreter's path.
"""
