"""Deliberate faults in critical lines, and the script that checks that the tests notice each of them."""
