"""Columns that appear at the source, vanish there, or become wider, between the attempts and the runs of a load."""
