"""The error for a peer that is not installed."""

from __future__ import annotations


class UnavailableError(Exception):
    """A peer is not installed; the message names what to install."""
