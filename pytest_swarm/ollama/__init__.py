"""The Ollama client: one client on the official package, over any httpx transport.

Owns calls, timeouts, error messages, and the transports that record and replay. Must not know what is asked and why.
"""
