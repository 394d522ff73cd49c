"""Types of Postgres that differ, and whose values may all the same travel in binary form."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

_SMALLINT, _INTEGER, _BIGINT, _NUMERIC = 21, 23, 20, 1700
_WIDER = {
    _SMALLINT: {_INTEGER: "integer", _BIGINT: "bigint", _NUMERIC: "numeric"},
    _INTEGER: {_BIGINT: "bigint", _NUMERIC: "numeric"},
    _BIGINT: {_NUMERIC: "numeric"},
}
# text, varchar and char: bytes that the receiver checks as it checks text
_TEXT = frozenset((25, 1043, 1042))


def widened(
    columns: Iterable[tuple[str, str]],
    read: Mapping[str, int],
    written: Mapping[str, int],
    seen: Collection[str],
) -> dict[str, str] | None:
    """
    Say which columns the source is to cast, so that both sides have one binary form.

    Only casts that cannot fail and change no value: everything else is the destination's to judge, from text.

    :param columns: names of columns in the source and in the destination
    :param read: oids of the source's types
    :param written: oids of the destination's types
    :param seen: source columns whose Python values are looked at, and so must stay what they are
    :return: the type to cast to, by the source's column; ``None`` where a type differs in another way
    """
    casts = {}
    for source, destination in columns:
        one, other = read[source], written[destination]
        if one == other or _TEXT.issuperset((one, other)):
            continue
        wider = _WIDER.get(one, {}).get(other)
        if wider is None or (wider == "numeric" and source in seen):
            return None
        casts[source] = wider
    return casts
