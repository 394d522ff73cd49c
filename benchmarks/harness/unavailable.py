"""What a peer that is not installed raises."""

from __future__ import annotations


class UnavailableError(Exception):
    """A peer is not installed; the message names what to install."""
