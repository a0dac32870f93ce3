"""The simulated server: HTTP routes, scheduler, memory, eviction and faults, as measured on the real server.

Owns everything that a client can observe except the texts, which `models/` generates.
"""
