"""Scoring: what a model's answer is worth against what a task expects.

Owns how answers are read: fences, JSON, numbers, yes and no, words, code. Knows the domain only; no server, no run.
Answers are hostile data: nothing here hangs on one, and only `sandbox` runs any, when the user asked for it.
Everything is a pure function but for `judge` (asks a model) and `sandbox` (runs code), whose names say so.
"""
