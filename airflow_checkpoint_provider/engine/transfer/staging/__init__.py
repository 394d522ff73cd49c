"""Staged loads: rows are written to a table of their own, and swapped in at the end."""
