"""Staged loads: a table that nobody sees, swapped in at the end."""
