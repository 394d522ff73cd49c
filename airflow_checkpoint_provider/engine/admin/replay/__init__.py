"""Rejected rows that are written again."""
