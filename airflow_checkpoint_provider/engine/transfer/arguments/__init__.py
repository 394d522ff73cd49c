"""The arguments of a transfer, checked before any connection is opened."""
