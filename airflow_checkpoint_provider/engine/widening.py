"""Types of Postgres that differ, and whose values may all the same travel in binary form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# smallint, integer and bigint
_WIDER = {21: {23: "integer", 20: "bigint"}, 23: {20: "bigint"}}
# text, varchar and char: bytes that the receiver checks as it checks text
_TEXT = frozenset((25, 1043, 1042))


def widened(
    columns: Iterable[tuple[str, str]], read: Mapping[str, int], written: Mapping[str, int]
) -> dict[str, str] | None:
    """
    Say which columns the source is to cast, so that both sides have one binary form.

    Only casts that cannot fail and change no value: everything else is the destination's to judge, from text.

    :param columns: names of columns in the source and in the destination
    :param read: oids of the source's types
    :param written: oids of the destination's types
    :return: the type to cast to, by the source's column; ``None`` where a type differs in another way
    """
    casts = {}
    for source, destination in columns:
        one, other = read[source], written[destination]
        if one == other or _TEXT.issuperset((one, other)):
            continue
        wider = _WIDER.get(one, {}).get(other)
        if wider is None:
            return None
        casts[source] = wider
    return casts
