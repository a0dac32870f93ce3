"""Intervals, paired tests and sequential tests: numbers in, numbers out. Knows no job and no file.

Distribution functions, exact tests and false-discovery control come from scipy, imported when they are called.
"""
