"""Disturbs hundreds of loads at random moments, and counts lost and doubled rows: ``python -m tests.chaos``."""
