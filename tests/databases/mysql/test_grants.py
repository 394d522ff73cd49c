"""The lines of SHOW GRANTS, as MySQL and MariaDB write them."""

from __future__ import annotations

import pytest

from airflow_checkpoint_provider.engine.databases.mysql.planning.grants import held_rights

WORDS = {"read": "SELECT", "add": "INSERT", "temporary": "CREATE TEMPORARY TABLES"}
ALL = dict.fromkeys(WORDS, True)
NONE = dict.fromkeys(WORDS, False)
TABLE = ("dwh", "sales")
USAGE = "GRANT USAGE ON *.* TO `etl`@`%`"


@pytest.mark.parametrize(
    ("lines", "answers"),
    [
        ((), NONE),
        ((USAGE,), NONE),
        (("GRANT ALL PRIVILEGES ON *.* TO `etl`@`%` WITH GRANT OPTION",), ALL),
        (("GRANT SELECT, INSERT, CREATE TEMPORARY TABLES ON `dwh`.* TO `etl`@`%`",), ALL),
        (('GRANT SELECT ON "dwh"."sales" TO "etl"@"%"',), NONE | {"read": True}),
        (("GRANT SELECT,INSERT ON TABLE `dwh`.`sales` TO `etl`@`%`",), ALL | {"temporary": False}),
        (("GRANT SELECT ON `dwh`.`other` TO `etl`@`%`",), NONE),
        (("GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION",), NONE),
        (("GRANT EXECUTE ON PROCEDURE `dwh`.`sales` TO `etl`@`%`",), NONE),
        # A role may give any right.
        ((USAGE, "GRANT `r1`@`%` TO `etl`@`%`"), {}),
        ((USAGE, "GRANT `r1`@`%`,`r2`@`%` TO `etl`@`%`"), {}),
        ((USAGE, "GRANT `of ON all` TO `etl`@`%`"), {}),
        (("GRANT reader TO 'etl'@'%'", "GRANT SELECT ON `dwh`.* TO `etl`@`%`"), {"read": True}),
        # A right to some columns suffices for some loads.
        (("GRANT SELECT (`a`, `id`), INSERT ON `dwh`.`sales` TO `etl`@`%`",), {"add": True, "temporary": False}),
        (("GRANT INSERT, SELECT (a, `b), INSERT (c`) ON `dwh`.`sales` TO `etl`@`%`",), {"add": True, "temporary": False}),
        # MySQL's partial revokes.
        (("GRANT SELECT, INSERT ON *.* TO `etl`@`%`", "REVOKE INSERT ON `dwh`.* FROM `etl`@`%`"),
         {"read": True, "temporary": False}),
    ],
)  # fmt: skip
def test_rights_to_a_table(lines: tuple[str, ...], answers: dict[str, bool]) -> None:
    assert held_rights(lines, TABLE, WORDS) == answers


@pytest.mark.parametrize(
    ("schema", "table", "named", "holds"),
    [
        ("`a_b`", "*", ("a_b", "t"), True),
        ("`a_b`", "*", ("axb", "t"), True),
        (r"`a\_b`", "*", ("a_b", "t"), True),
        (r"`a\_b`", "*", ("axb", "t"), False),
        ("`a%`", "*", ("a_b", "t"), True),
        (r"`a\%`", "*", ("a_b", "t"), False),
        ("`a.b`", "*", ("a.b", "t"), True),
        ("`a``b`", "`t`", ("a`b", "t"), True),
        ("`a_b`", "`t`", ("axb", "t"), False),
        ("`sales`", "*", ("Sales", "t"), True),
        ("*", "*", ("dwh", ""), True),
        ("`dwh`", "*", ("dwh", ""), True),
        ("`dwh`", "`t`", ("dwh", ""), None),
        ("`other`", "`t`", ("dwh", ""), False),
    ],
)
def test_what_a_right_covers(schema: str, table: str, named: tuple[str, str], holds: bool | None) -> None:
    line = f"GRANT SELECT ON {schema}.{table} TO `etl`@`%`"
    assert held_rights([line], named, {"read": "SELECT"}).get("read") is holds
