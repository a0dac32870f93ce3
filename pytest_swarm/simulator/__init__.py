"""A simulated Ollama server: `server/` behaves like the real one, `models/` decides what its models reply.

Owns the virtual clock, the in-process transport and the HTTP server. Knows domain and scoring only; must not know
routing, execution or pytest. The profile says how models really perform; the fleet file says what a router assumes.
"""
