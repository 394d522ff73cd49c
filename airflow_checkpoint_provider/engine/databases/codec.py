"""The character set of a connection's database."""

from __future__ import annotations

import json
import re

import sqlalchemy as sa

_KEPT_AS = "airflow_checkpoint_codec"
_NOT_ASCII = re.compile("[^\x00-\x7f]")


def keep_codec(codec: str | None, on: sa.Dialect) -> None:
    """Keep the codec of a connection's database for :func:`storable`."""
    setattr(on, _KEPT_AS, codec)


def codec_of(at: sa.Dialect) -> str | None:
    """Return the Python codec of a connection's database; ``None`` where it stores every character."""
    codec: str | None = getattr(at, _KEPT_AS, None)
    return codec


def storable(text: str, at: sa.Dialect) -> str:
    """Write text of the engine in ASCII, as JSON escapes it, where the database lacks one of its characters."""
    codec = codec_of(at)
    if codec is None or text.isascii():
        return text
    try:
        text.encode(codec)
    except UnicodeError:
        return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)
    return text
