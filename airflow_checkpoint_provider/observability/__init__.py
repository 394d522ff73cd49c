"""Metrics, lineage and asset events of a transfer."""
