"""The fault matrix: one row for each fault, from which the tests and docs/reliability.md are made."""
