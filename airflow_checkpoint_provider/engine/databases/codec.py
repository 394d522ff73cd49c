"""Which characters the database of a connection has."""

from __future__ import annotations

import json
import re

import sqlalchemy as sa

_KEPT_AS = "airflow_checkpoint_codec"
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def keep_codec(codec: str | None, on: sa.Dialect) -> None:
    """Let :func:`storable` know which characters the database of a connection has."""
    setattr(on, _KEPT_AS, codec)


def codec_of(at: sa.Dialect) -> str | None:
    """Name, in Python's words, what the database of a connection stores text in; ``None`` for all characters."""
    codec: str | None = getattr(at, _KEPT_AS, None)
    return codec


def storable(text: str, at: sa.Dialect) -> str:
    """Write text of our own in ASCII, as JSON escapes it, where the database lacks a character of it."""
    codec = codec_of(at)
    if codec is None or text.isascii():
        return text
    try:
        text.encode(codec)
    except UnicodeError:
        return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)
    return text
