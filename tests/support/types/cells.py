"""What becomes of a value on its way from one kind of database to another, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

NAMES = {"postgres": "Postgres", "mysql": "MySQL, MariaDB", "sqlite": "SQLite", "oracle": "Oracle"}
HOW_TO_READ = {  # as text that shows every difference
    "postgres": "CAST(v AS text)",
    "mysql": "CAST(v AS CHAR)",
    "sqlite": "v",
    "oracle": "v",
}


@dataclass(frozen=True)
class Cell:
    """
    One destination.

    :param column: the type of its column
    :param arrives: what is in it in the end, as text; ``None`` where it is refused
    :param how: how it was converted, or what the error says (a pattern); nothing where the value is exact
    :param read: how to read it, where its text depends on settings of a server
    """

    column: str
    arrives: str | None
    how: str = ""
    read: str = ""

    @property
    def says(self) -> str:
        """Return what the documentation says."""
        if self.arrives is None:
            return f"refused: {self.how}"
        return f"converted: {self.how} (`{self.column}`)" if self.how else f"exact (`{self.column}`)"


def exact(column: str, arrives: str) -> Cell:
    return Cell(column, arrives)


def converted(column: str, arrives: str, how: str, read: str = "") -> Cell:
    return Cell(column, arrives, how, read)


def refused(column: str, how: str) -> Cell:
    return Cell(column, None, how)


@dataclass(frozen=True)
class Value:
    """
    One value of a source.

    :param name: what it is, for the documentation
    :param column: the type of the source's column
    :param sql: how the source writes it
    :param to: what becomes of it, by kind of destination
    :param read: how to read it in the destination, where its text is not to be looked at
    :param bound: what is bound instead of ``sql``, where the source has no way to write it
    """

    name: str
    column: str
    sql: str
    to: dict[str, Cell] = field(default_factory=dict)
    read: str = ""
    bound: str | bytes = ""


def everywhere(postgres: Cell, mysql: Cell, sqlite: Cell, oracle: Cell) -> dict[str, Cell]:
    return {"postgres": postgres, "mysql": mysql, "sqlite": sqlite, "oracle": oracle}
