"""The answer store: answers of a server, each measured once, by the digest of what determines it.

Owns questions and their keys, stored answers and samples, and their file. Must not know cases, plans or waves.
"""
