"""The tables behind the names in a query, as far as the dictionary shows views and synonyms to a user."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.dictionary import SCHEMA
from airflow_checkpoint_provider.engine.databases.statements.query import tokenize

Ask = Callable[..., list[Sequence[Any]]]
"""Runs a statement with a list of values, and returns all of its rows."""

BEHIND = (
    "SELECT d.owner, d.name, d.referenced_owner, d.referenced_name, d.referenced_link_name"
    " FROM {views}_dependencies d WHERE d.type IN ('VIEW', 'SYNONYM')"
    " AND d.referenced_type IN ('TABLE', 'VIEW', 'SYNONYM') AND d.name IN ({names})"
)
SHOWN = "SELECT o.owner, o.object_name FROM all_objects o WHERE o.object_name IN ({names})"
_SIZES = (10, 100, 500)  # few, so that the server has few statements to parse; a list takes 1,000
_WORD = re.compile(r"[\w$#]+")


@dataclass(frozen=True, slots=True)
class Words:
    """
    The words of a query, any of which may be the name of a table.

    :param names: as the catalog has them
    :param all_columns: there is an asterisk, so that columns are read without being named
    :param linked: there is the sign of a database link
    """

    names: frozenset[str]
    all_columns: bool = False
    linked: bool = False

    @classmethod
    def of(cls, text: str) -> Words:
        names, word, signs = set(), "", set()
        for kind, piece, _ in (*tokenize(text), ("blank", "", 0)):
            if kind != "quoted" and _WORD.fullmatch(piece):
                word += piece
                continue
            names.add(word.upper())
            word = ""
            if piece.startswith('"'):
                names.add(piece[1:-1])
            signs.add(piece)
        return cls(frozenset(names - {""}), "*" in signs, "@" in signs)


@dataclass(slots=True)
class Behind:
    """
    The objects that a query reads.

    :param names: words that are objects of one of the owners
    :param reached: the objects behind views and synonyms
    :param linked: one of these is in another database
    """

    names: frozenset[str]
    owners: frozenset[str]
    reached: set[tuple[str, str]] = field(default_factory=set)
    linked: bool = False

    def __contains__(self, named: tuple[str, str]) -> bool:
        return named in self.reached or self.is_named(*named)

    def is_named(self, owner: str, name: str) -> bool:
        return name in self.names and owner in self.owners


def behind_query(ask: Ask, words: Words, views: str) -> Behind:
    """
    Find the objects that a query may read; a word that only looks like a table counts as one.

    :param views: ``all`` or ``dba``, the family of views to ask
    """
    here = str(ask(SCHEMA)[0][0])
    return _follow(ask, Behind(words.names, words.names | {here, "PUBLIC"}), views)


def behind_table(ask: Ask, owner: str, table: str, views: str) -> Behind:
    """Find the objects behind a table or a view; the parameters are those of :func:`behind_query`."""
    return _follow(ask, Behind(frozenset((table,)), frozenset((owner,))), views)


def unseen(ask: Ask, found: Behind) -> list[str]:
    """Return the objects behind a query that the user may not see by themselves."""
    names = {name for _, name in found.reached}
    shown = {(str(owner), str(name)) for owner, name in _of_names(ask, SHOWN, names)}
    return sorted(".".join(named) for named in found.reached - shown)


def _follow(ask: Ask, found: Behind, views: str) -> Behind:
    names: Collection[str] = found.names
    while names:
        new = set()
        for owner, name, its_owner, its_name, link in _of_names(ask, BEHIND.replace("{views}", views), names):
            if (str(owner), str(name)) in found:
                new.add((str(its_owner), str(its_name)))
                found.linked = found.linked or bool(link)
        new -= found.reached
        found.reached |= new
        names = {name for _, name in new}
    return found


def _of_names(ask: Ask, statement: str, names: Collection[str]) -> Iterator[Sequence[Any]]:
    listed = sorted(names)
    for start in range(0, len(listed), _SIZES[-1]):
        some = listed[start : start + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(some))
        marks = ", ".join(f":{number}" for number in range(1, size + 1))
        yield from ask(statement.replace("{names}", marks), [*some, *some[-1:] * (size - len(some))])
