"""CREATE TABLE: Oracle's types become Postgres columns that remember what they were."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from tests.support.oracle_standin.errors import ora
from tests.support.oracle_standin.types import IS_JSON, OracleType

_TYPE = re.compile(
    r"""
    (\s*(?:"[^"]+"|\w[\w$\#]*)\s+)          # the column's name
    (TIMESTAMP\s*(?:\(\d\))?\s+WITH\s+(?:LOCAL\s+)?TIME\s+ZONE
     | INTERVAL\s+DAY\s*(?:\(\d\))?\s+TO\s+SECOND\s*(?:\(\d\))?
     | INTERVAL\s+YEAR\s*(?:\(\d\))?\s+TO\s+MONTH
     | DOUBLE\s+PRECISION | LONG\s+RAW
     | \w+\s*(?:\([^)]*\))?)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_IS_JSON = re.compile(r"\bIS\s+JSON\b", re.IGNORECASE)
_CONSTRAINT = re.compile(r"\s*(CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Created:
    """A CREATE TABLE that parses, and what is to be done after it."""

    tree: exp.Expression
    then: tuple[str, ...]


def create_table(sql: str) -> Created:
    """Translate the column types; the rest is the translator's."""
    opening = sql.index("(")
    closing = sql.rindex(")")
    types: dict[int, tuple[OracleType, str]] = {}
    parts = _split(sql[opening + 1 : closing])
    for index, part in enumerate(parts):
        if _CONSTRAINT.match(part):
            continue
        match = _TYPE.match(part)
        declared = OracleType.declared(match[2]) if match else None
        if match is None or declared is None:
            raise ora(902)
        types[index] = (declared, match[2] + (IS_JSON if _IS_JSON.search(part) else ""))
        parts[index] = f"{match[1]}INTEGER {part[match.end() :]}"
    try:
        tree = sqlglot.parse_one(f"{sql[: opening + 1]}{','.join(parts)}{sql[closing:]}", read="oracle")
    except sqlglot.errors.ParseError:
        raise ora(933) from None
    if tree.args.get("exists"):
        raise ora(933)
    return Created(tree, tuple(_use_types(tree, types)))


def _use_types(tree: exp.Expression, types: dict[int, tuple[OracleType, str]]) -> list[str]:
    schema = tree.this
    table = ".".join(f'"{_name(part)}"' for part in schema.this.parts)
    then = []
    for index, (type_, text) in types.items():
        column = schema.expressions[index]
        name = _name(column.this)
        collate = ' COLLATE "C"' if type_.postgres.startswith(("varchar", "text", "char")) else ""
        holds = "bigint" if column.find(exp.GeneratedAsIdentityColumnConstraint) else type_.postgres
        column.set("kind", exp.DataType.build(holds + collate, udt=True, dialect="postgres"))
        then.append(f"""COMMENT ON COLUMN {table}."{name}" IS '{text}'""")
        if type_.byte_limit:
            then.append(
                f'ALTER TABLE {table} ADD CONSTRAINT "{name}$BYTES" CHECK (octet_length("{name}") <= {type_.byte_limit})'
            )
    return then


def _name(identifier: exp.Identifier) -> str:
    return identifier.name if identifier.quoted else identifier.name.upper()


def _split(text: str) -> list[str]:
    """Cut at the commas that stand in no parenthesis."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
