"""The table of created types in the documentation: ``python -m tests.support.types.created``."""

from __future__ import annotations

from pathlib import Path

from airflow_checkpoint_provider.engine.databases.registry import KNOWN
from tests.support.types.cells import NAMES
from tests.support.types.page import inserted

DIALECTS = {dialect.title: dialect for dialect in KNOWN}
TITLES = {"postgres": "Postgres", "mysql": "MySQL", "sqlite": "SQLite", "oracle": "Oracle"}
DECLARED = {
    "postgres": (
        *("smallint", "integer", "bigint", "numeric(12,2)", "numeric", "real", "double precision", "boolean"),
        *("character varying(20)", "text", "character(5)", "bytea", "date", "time(6) without time zone"),
        *("timestamp(3) without time zone", "timestamp with time zone", "interval", "uuid", "json", "jsonb"),
        *("integer[]", "numrange", "inet", "bit(4)", "time with time zone", "money", "mood"),
    ),
    "mysql": (
        *(
            "tinyint(1)",
            "smallint",
            "int unsigned",
            "bigint",
            "bigint unsigned",
            "decimal(12,2)",
            "decimal(65,30)",
        ),
        *(
            "float",
            "double",
            "bit(12)",
            "year",
            "char(5)",
            "varchar(20)",
            "longtext",
            "binary(3)",
            "longblob",
        ),
        *(
            "date",
            "datetime(6)",
            "timestamp(6)",
            "time(6)",
            "enum('x','y (1)')",
            "set('x')",
            "json",
            "uuid",
            "geometry",
        ),
    ),
    "sqlite": (
        *("integer", "real", "text", "varchar(20)", "blob", "boolean", "numeric(12,2)", "date", "timestamp"),
        *("json", ""),
    ),
    "oracle": (
        *(
            "number(10,0)",
            "number(12,6)",
            "number(5,-2)",
            "number",
            "float(126)",
            "binary_float",
            "binary_double",
        ),
        *("boolean", "varchar2(20 char)", "nvarchar2(20)", "char(5 char)", "clob", "raw(16)", "blob", "date"),
        *("timestamp(6)", "timestamp(9)", "timestamp(6) with time zone", "interval day(2) to second(6)"),
        *("interval year(2) to month", "json", "xmltype", "rowid", "vector"),
    ),
}
PAGE = Path(__file__).parents[3] / "docs" / "schema.md"
START, END = "<!-- types: written by python -m tests.support.types.created -->", "<!-- end of types -->"


def created(source: str, declared: str, destination: str) -> str | None:
    """Return the type created for one of another database."""
    described = DIALECTS[TITLES[source]].describe_type(declared)
    return described and DIALECTS[TITLES[destination]].declare_type(described)


def tables() -> str:
    """Write a table for each source."""
    lines = []
    for source, types in DECLARED.items():
        others = [kind for kind in NAMES if kind != source]
        lines += [f"### From {NAMES[source]}", ""]
        lines += [
            f"| type | {' | '.join(f'in {NAMES[kind]}' for kind in others)} |",
            f"|---{'|---' * len(others)}|",
        ]
        for declared in types:
            made = [created(source, declared, kind) for kind in others]
            cells = [f"`{type_}`" if type_ else "refused" for type_ in made]
            lines.append(f"| {f'`{declared}`' if declared else 'none'} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def page(text: str) -> str:
    """Insert the tables into the page."""
    return inserted(text, START, tables(), END)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
