"""Transports that record and replay the exchanges of a case, and mark probe requests.

Owns how exchanges are captured and matched; `cassette/` owns their values and files. Must not know plans or budgets.
"""
