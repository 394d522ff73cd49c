"""Bounds for text from tables and other tasks, which may be longer and nested deeper than the package writes it."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

LONGEST_TEXT = 1_000_000
"""The most characters of a text that is read whole, such as a key or a fingerprint."""
LONGEST_PART = 50_000
"""The most characters of a query, or of a partition's bound, that a fingerprint keeps whole."""
LONGEST_NAME = 2_000
"""The most characters of a name; SQLite stores longer ones than the column declares."""
_CUT = re.compile(r"\.\.\. \([0-9]+ characters, SHA-256 [0-9a-f]{64}\)\Z")


def json_of(text: str) -> Any:
    """
    Read JSON.

    :raises ValueError: when the text is not JSON, too long, or nested too deep
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"text of more than {LONGEST_TEXT:,} characters")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is nested too deep") from None


def shown(value: Any) -> str:
    """Cut a value for a message."""
    if isinstance(value, (str, bytes)) and len(value) > 80:
        return f"{value[:40]!r}... of {len(value):,} characters"
    text = written(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def written(value: Any) -> str:
    """Return the ``repr`` of any value; Python refuses that of a number of more than some thousand digits."""
    try:
        return repr(value)
    except ValueError:
        return f"a {type(value).__name__} of too many digits"


def comparable(text: str) -> str:
    """Return a short text that differs where the given one does: a digest stands for the rest of a long one."""
    if len(text) <= LONGEST_PART:
        return text
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"{text[:1000]}... ({len(text)} characters, SHA-256 {digest})"


def is_whole(text: str) -> bool:
    """Return whether :func:`comparable` has returned a text as it was given."""
    return not _CUT.search(text)


def digest_of(parameters: Any) -> str:
    """Return a digest of a query's bind parameters, each of which may be a secret; empty where there are none."""
    if not parameters:
        return ""
    return sha256(repr(parameters).encode(errors="backslashreplace")).hexdigest()[:16]
