"""Passwords, kept out of messages and of stored text."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 5
"""As in Airflow's logs: a shorter secret is part of too many words."""

_HEX = re.compile("%[0-9A-Fa-f]{2}")  # in URLs, either case
_lock = threading.Lock()
_hidden: set[str] = set()
_pattern: re.Pattern[str] | None = None


def hide(secrets: Iterable[str]) -> None:
    """Make :func:`masked` replace these secrets from now on, in all their spellings."""
    global _pattern
    with _lock:
        new = {way for secret in secrets for way in spellings(secret)} - _hidden
        if new:
            _hidden.update(new)
            # The longest first: of two that begin alike, the end of the longer one must not remain.
            ways = sorted(_hidden, key=lambda way: (-len(way), way))
            _pattern = re.compile("|".join(_HEX.sub(r"(?i:\g<0>)", re.escape(way)) for way in ways))


def masked(text: str) -> str:
    """Return a text without the known secrets."""
    return _pattern.sub(MASK, text) if _pattern else text


def spellings(secret: str) -> set[str]:
    """Return the ways in which a driver or a query may write a password: plain, in a URL, in quotes of some kind."""
    if len(secret) < SHORTEST:
        return set()
    in_urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    escaped = secret.replace("\\", "\\\\")
    in_sql = secret.replace("'", "''")
    return {
        secret,
        *in_urls,
        *(_HEX.sub(lambda found: found[0].lower(), way) for way in in_urls),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        escaped,
        escaped.replace("'", "\\'"),
        in_sql,
        in_sql.replace("%", "%%"),  # beside placeholders
    }
