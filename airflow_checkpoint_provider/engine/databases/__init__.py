"""Databases: what the engine asks of every one, and a folder for each."""
