"""Importers: task graphs of other people's formats, one module each, and the rules that turn them into LLM tasks.

A foreign graph gives the structure. What it does not know (prompt, type, tokens, difficulty) is set by the rules of
`rules`, the same for all formats and documented there. Imported tasks expect nothing, so they are unscored.
"""
