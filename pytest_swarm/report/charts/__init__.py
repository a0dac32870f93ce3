"""Geometry of the page's drawings: from figures to pixels. Templates only write it out.

Each module makes one kind of drawing as frozen values; none knows HTML.
"""
