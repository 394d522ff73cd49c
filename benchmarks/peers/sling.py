"""The path of sling, if it is installed."""

from __future__ import annotations

import os
import shutil


def find_sling() -> str | None:
    """Return the path of sling, where it is installed."""
    return os.environ.get("SLING_BINARY") or shutil.which("sling")
