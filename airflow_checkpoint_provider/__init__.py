"""Transfers between SQL databases that resume after the last committed batch."""

from __future__ import annotations

__version__ = "0.1.0.dev0"
