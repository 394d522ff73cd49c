"""The conversions of values from one kind of database to another, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

NAMES = {"postgres": "Postgres", "mysql": "MySQL, MariaDB", "sqlite": "SQLite", "oracle": "Oracle"}
HOW_TO_READ = {  # as text, in which every difference is visible
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
    :param arrives: the stored value, as text; ``None`` where the value is refused
    :param how: the conversion, or a pattern of the error; empty where the value is exact
    :param read: an expression to read the value, where its text depends on a server's settings
    """

    column: str
    arrives: str | None
    how: str = ""
    read: str = ""

    @property
    def says(self) -> str:
        """Return the text for the documentation."""
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

    :param name: its description in the documentation
    :param column: the type of the source's column
    :param sql: the source's literal
    :param to: the cell of each kind of destination
    :param read: an expression to read the value in the destination, where its text is not compared
    :param bound: the value to bind instead of ``sql``, where the source has no literal
    """

    name: str
    column: str
    sql: str
    to: dict[str, Cell] = field(default_factory=dict)
    read: str = ""
    bound: str | bytes = ""


def everywhere(postgres: Cell, mysql: Cell, sqlite: Cell, oracle: Cell) -> dict[str, Cell]:
    return {"postgres": postgres, "mysql": mysql, "sqlite": sqlite, "oracle": oracle}
