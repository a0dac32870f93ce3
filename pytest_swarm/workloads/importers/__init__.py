"""Importers: task graphs in other people's formats, one module each, and the rules that turn them into LLM tasks.

A foreign graph gives the structure. What it lacks (prompt, type, tokens, difficulty) comes from `task_rules`, the same
for all formats. Imported tasks have no expected answer, so they are unscored.
"""
