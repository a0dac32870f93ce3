"""Data sets of single tasks, read from local files in their public formats; nothing is ever downloaded.

One reader per format turns a row into a task with the right expectation; `load` opens the file, samples and limits.
"""
