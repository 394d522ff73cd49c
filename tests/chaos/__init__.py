"""Hurts loads at random moments, by the hundred, and counts what is lost or doubled: ``python -m tests.chaos``."""
