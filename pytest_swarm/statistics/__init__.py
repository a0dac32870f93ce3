"""Paired tests, intervals and sequential tests. Numbers in, numbers out; knows no job and no file."""
