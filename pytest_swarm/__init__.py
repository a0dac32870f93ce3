"""pytest-swarm: which policy should decide which model runs which step of a workflow, within your VRAM?"""
