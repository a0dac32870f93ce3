"""Tables that others measured, prompt x model -> score: read, checked, and written as jobs with known answers.

`matrix_formats` knows the formats; each reader yields the cells of its format, and `Matrix` checks them together.
"""
