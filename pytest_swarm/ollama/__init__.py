"""Talking to an Ollama server: one client on the official package, over any httpx transport (DESIGN 7)."""
