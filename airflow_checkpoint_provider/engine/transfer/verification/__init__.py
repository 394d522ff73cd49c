"""Comparing the destination with the source, once every row is committed."""
