"""Splitting one table for many workers."""
