"""Rows on their way from the source to the destination."""
