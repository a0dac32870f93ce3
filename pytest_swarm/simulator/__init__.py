"""A simulated Ollama server: what models really do, as opposed to what the fleet file believes of them.

Knows domain and scoring only; nothing of routing, execution or pytest.
"""
