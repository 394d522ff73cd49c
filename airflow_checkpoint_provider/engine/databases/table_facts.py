"""What a server knows about a table before the first row is written to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

INSERT, UPDATE, DELETE, READ, TEMPORARY = "INSERT", "UPDATE", "DELETE", "SELECT", "TEMPORARY"
"""Actions on a table, or beside it: the keys of :attr:`TableFacts.refused`."""
UPSERT, COPY = "UPSERT", "COPY"
"""INSERT that updates rows with an equal key; INSERT in the form in which batches are written."""


@dataclass(frozen=True, slots=True)
class TableColumns:
    """
    The facts about the columns of a table read whole that ``SELECT *`` does not show.

    :param names: all of them in their order, where ``*`` leaves some out; otherwise empty
    :param invisible: those that ``*`` leaves out
    :param generated: those whose values the server computes
    """

    names: tuple[str, ...] = ()
    invisible: tuple[str, ...] = ()
    generated: frozenset[str] = frozenset()

    @classmethod
    def of(cls, columns: Iterable[tuple[str, bool, bool]]) -> TableColumns:
        """
        Take the facts from rows of a catalog.

        :param columns: the name, whether it is invisible, and whether it is generated
        """
        listed = list(columns)
        invisible = tuple(name for name, hidden, _ in listed if hidden)
        return cls(
            tuple(name for name, _, _ in listed) if invisible else (),
            invisible,
            frozenset(name for name, _, generated in listed if generated),
        )


@dataclass(frozen=True, slots=True)
class Hazard:
    """
    Why a table and the checkpoint do not stay in step.

    :param reason: the table and the reason, as the beginning of a sentence
    :param loses_rows: rows may be lost while the checkpoint stays; otherwise a batch may arrive twice
    """

    reason: str
    loses_rows: bool = False


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """
    One column.

    :param generated: the server computes it, and takes no value for it
    :param always: an identity whose values cannot be changed by UPDATE
    :param always_inserts: an identity that takes no value from INSERT either
    :param required: takes no NULL, and has no default
    :param lacks: the actions on it to which the role has no right
    """

    generated: bool = False
    always: bool = False
    always_inserts: bool = False
    required: bool = False
    lacks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """
    A unique index.

    :param why_not: why an upsert cannot go by it, as ``it is deferrable``; ``None`` where it can
    :param nulls_equal: two rows with NULL in it are equal
    """

    name: str
    columns: frozenset[str]
    why_not: str | None = None
    nulls_equal: bool = False


@dataclass(frozen=True, slots=True)
class TableIdentity:
    """
    What tells a table from another one of its name, or from itself before it was emptied.

    :param table: the same as long as the table exists; empty where the server does not tell
    :param storage: another one after TRUNCATE, and after some changes that keep the rows
    """

    table: str = ""
    storage: str = ""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """
    A table as the server knows it. The defaults are those of an unknown server.

    :param identity: of the table or view itself
    :param hazard: why rows and checkpoint do not stay in step, for the table or the tables that store its rows
    :param unusable: why no load can write to it, whatever the arguments
    :param refused: the actions that the server refuses, or does to a part of the rows alone, each with the reason as
        the end of a sentence
    :param lacks: the actions to which the role has no right, each with that right as the object of GRANT
    :param referrers: tables whose rows go, or lose their reference, when rows of this one are deleted
    :param self_references: the same for the table itself, by a foreign key to itself
    :param hidden_referrers: why there may be referrers that cannot be seen, if so
    :param columns: by name; empty where nothing is known of them
    :param unique_keys: ``None`` where they are not known, or where an upsert needs none
    :param misses: tables whose rows an upsert by an index of this table does not find
    :param triggers: the names of those that run at INSERT and at UPDATE of it, by that action
    :param fills_columns: a trigger may give a column a value before the row is checked
    :param keeps_deleted: what may leave rows behind a DELETE without an error, such as a trigger
    :param checks_at_commit: constraints or triggers wait for the commit
    """

    identity: TableIdentity = TableIdentity()
    hazard: Hazard | None = None
    unusable: str | None = None
    refused: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    lacks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    referrers: tuple[str, ...] = ()
    self_references: bool = False
    hidden_referrers: str | None = None
    columns: Mapping[str, ColumnFacts] = field(default_factory=lambda: MappingProxyType({}))
    unique_keys: tuple[UniqueKey, ...] | None = None
    misses: tuple[str, ...] = ()
    triggers: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    fills_columns: bool = False
    keeps_deleted: str | None = None
    checks_at_commit: bool = False


SHOWS_OTHERS = "it is a view, which may not show the rows that it takes"
"""Why reading a view does not answer whether it has taken rows."""


def hides_rows(view: str) -> str:
    """Return why rows of a view cannot be replaced, as the end of a sentence: its condition has no CHECK OPTION."""
    return (
        f"the view {view} takes rows that it does not show, and the DELETE of the next load would not find them. Name "
        "the table behind it, or create the view WITH CHECK OPTION"
    )
