"""The rights of a role, read out of the lines of SHOW GRANTS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_QUOTED = r"`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\""
_NAME = rf"(?:{_QUOTED}|[^\s.`\"]+)"
_LISTED = rf"(?:(?! ON )(?:{_QUOTED}|[^`\"]))+?"
_RIGHTS = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<rights>{_LISTED}) ON (?:TABLE )?(?P<schema>{_NAME})\.(?P<table>{_NAME}) (?:TO|FROM) ",
    re.DOTALL,
)
_ROLES = re.compile(rf"GRANT {_LISTED} TO ", re.DOTALL)
_RIGHT = re.compile(rf"(?P<word>[^,(]+)(?P<columns>\((?:{_QUOTED}|[^)`\"])*\))?")
_ALL = "ALL PRIVILEGES"


def held_rights(lines: Iterable[str], named: tuple[str, str], wanted: Mapping[str, str]) -> dict[str, bool]:
    """
    Return whether a role has rights, as far as the lines of SHOW GRANTS tell.

    An action is left out where that is not known: the right to it may come from a role, is granted for some columns or
    tables only, or is revoked for some schemas.

    :param named: a schema and a table; without a table, any table of the schema
    :param wanted: the server's word for the right to each action
    """
    whole: set[str] = set()
    partly: set[str] = set()
    revoked: set[str] = set()
    has_roles = False
    for line in lines:
        found = _RIGHTS.match(line)
        if not found:
            has_roles |= bool(_ROLES.match(line))
            continue
        covers = _covers(_unquoted(found["schema"]), _unquoted(found["table"]), named)
        if covers is None:
            continue
        for word, of_columns in _listed(found["rights"]):
            in_full = covers and not of_columns
            (revoked if found["verb"] == "REVOKE" else whole if in_full else partly).add(word)
    answers = {}
    for action, word in wanted.items():
        rights = {word, _ALL}
        if rights & whole and not rights & revoked:
            answers[action] = True
        elif not (has_roles or rights & (partly | revoked)):
            answers[action] = False
    return answers


def _listed(rights: str) -> Iterator[tuple[str, bool]]:
    """Return the words of some rights, each with whether it is that to some columns."""
    for found in _RIGHT.finditer(rights):
        if word := found["word"].strip().upper():
            yield word, bool(found["columns"])


def _covers(schema: str, table: str, named: tuple[str, str]) -> bool | None:
    """Return whether a right covers a table as a whole; ``None`` where it is one to something else."""
    its_schema, its_table = (name.casefold() for name in named)
    schema, table = schema.casefold(), table.casefold()
    if schema == "*":
        return True
    if table == "*":
        return True if re.fullmatch(_pattern(schema), its_schema, re.DOTALL) else None
    if schema != its_schema or its_table not in ("", table):
        return None
    return bool(its_table)


def _pattern(schema: str) -> str:
    """Return the regular expression for the name of a schema, in which % and _ are wildcards unless escaped."""
    wildcards = {"%": ".*", "_": "."}
    parts = re.findall(r"\\?.", schema, re.DOTALL)
    return "".join(wildcards.get(part) or re.escape(part[-1]) for part in parts)


def _unquoted(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in '`"' else name
