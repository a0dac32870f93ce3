"""A run as a terminal table, JSON, CSV, Markdown and one HTML page; a pure function of the records."""
