"""
Policies that hide rows or mask values from a user, without an error.

No setting of a session turns them into errors, so the dictionary is asked: for those of DBMS_RLS and of Label Security,
which hide rows, and of Data Redaction, which replaces values on their way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from airflow_checkpoint_provider.engine.databases.oracle.dependencies import (
    Behind,
    Words,
    behind_query,
    behind_table,
    unseen,
)
from airflow_checkpoint_provider.engine.databases.oracle.errors import NOT_GRANTED, error_code
from airflow_checkpoint_provider.engine.databases.table_facts import DELETE, READ, UPDATE, UPSERT
from airflow_checkpoint_provider.engine.model.errors import SourceMismatchError

ROWS, VALUES, DICTIONARY = "EXEMPT ACCESS POLICY", "EXEMPT REDACTION POLICY", "SELECT ANY DICTIONARY"
PRIVILEGES = f"SELECT privilege FROM session_privs WHERE privilege IN ('{ROWS}', '{VALUES}', '{DICTIONARY}')"
POLICIES = (
    "SELECT object_owner, object_name, policy_name, sel, upd, del FROM {views}_policies WHERE enable = 'YES'"
)
# Where Label Security is not installed, there is no such view.
LABELS = (
    "SELECT schema_name, table_name, policy_name, 'YES', 'YES', 'YES' FROM all_sa_table_policies"
    " WHERE status = 'ENABLED'"
)
REDACTED = (
    "SELECT c.object_owner, c.object_name, c.column_name FROM redaction_columns c JOIN redaction_policies p"
    " ON p.object_owner = c.object_owner AND p.object_name = c.object_name WHERE TRIM(p.enable) = 'YES'"
)
ACCEPTED = ("row_security", "on")
"""The entry of a connection's extra that asks for what the policies show."""

_OR_ACCEPT = 'or let the connection ask for what the policy shows, by {"row_security": "on"} in its extra'


@dataclass(frozen=True, slots=True)
class Policy:
    """
    A policy that is enabled.

    :param name: its name, or the column whose values it replaces
    :param deeds: the actions for which it hides rows
    """

    owner: str
    table: str
    name: str
    deeds: frozenset[str] = frozenset()


class Policies:
    """The policies that concern a user, as far as the user sees them."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._privileges = {str(row[0]) for row in self.ask(PRIVILEGES)}
        self.sees_all = DICTIONARY in self._privileges
        self.views = "dba" if self.sees_all else "all"

    def ask(self, statement: str, values: Sequence[str] = ()) -> list[Sequence[Any]]:
        with closing(self._raw.cursor()) as cursor:
            cursor.execute(statement, list(values))
            found: list[Sequence[Any]] = cursor.fetchall()
            return found

    @property
    def hide(self) -> bool:
        """Whether policies hide rows from the user."""
        return ROWS not in self._privileges

    def hiding(self) -> list[Policy]:
        """Return the policies that hide rows."""
        found = [*self.ask(POLICIES.format(views=self.views)), *(self._if_granted(LABELS) or ())]
        return [
            Policy(str(owner), str(table), str(name), frozenset(_deeds(*map(str, applies))))
            for owner, table, name, *applies in found
        ]

    def masking(self) -> list[Policy] | None:
        """Return a policy for each column whose values are replaced; ``None`` where the user may not ask for them."""
        if VALUES in self._privileges:
            return []
        found = self._if_granted(REDACTED)
        return None if found is None else [Policy(str(row[0]), str(row[1]), str(row[2])) for row in found]

    def _if_granted(self, statement: str) -> list[Sequence[Any]] | None:
        try:
            return self.ask(statement)
        except Exception as error:
            if error_code(error) not in NOT_GRANTED:
                raise
            return None


def check_source(raw: Any, conn_id: str, query: str, extra: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Refuse a query from which a policy may hide rows, or values.

    :param extra: of the Airflow connection
    :return: warnings about what cannot be known
    :raises SourceMismatchError: names the policy, and the way out
    """
    if extra.get(ACCEPTED[0]) == ACCEPTED[1]:
        return ()
    policies, words = Policies(raw), Words.of(query)
    hiding = policies.hiding() if policies.hide else []
    masking = policies.masking()
    doubts = [] if masking is not None else [_UNKNOWN_MASKS]
    if policies.hide or masking:
        found = behind_query(policies.ask, words, policies.views)
        for policy in hiding:
            if READ in policy.deeds and (policy.owner, policy.table) in found:
                raise _hides(conn_id, policy)
        for policy in masking or ():
            if _is_read(policy, found, words):
                raise _masks(conn_id, policy)
        if policies.hide:
            doubts += _unknown_rows(policies, found, words)
    return tuple(f"Source {conn_id!r}: {doubt}." for doubt in doubts)


def refused_deeds(raw: Any, owner: str, table: str) -> dict[str, str]:
    """Return the actions on a table, or a view, that policies keep from its hidden rows, each with the reason."""
    policies = Policies(raw)
    hiding = policies.hiding() if policies.hide else []
    if not hiding:
        return {}
    found = behind_table(policies.ask, owner, table, policies.views)
    concerned = [policy for policy in hiding if (policy.owner, policy.table) in found]
    return {
        **_refused(READ, (READ,), concerned, "so that a row it does not find may be there"),
        **_refused(UPSERT, (READ, UPDATE), concerned, "which an upsert would insert once more"),
        **_refused(DELETE, (DELETE,), concerned, "which would stay beside the new ones"),
    }


_UNKNOWN_MASKS = (
    "whether a policy of Data Redaction masks values is not known (GRANT SELECT ON SYS.REDACTION_POLICIES and ON "
    "SYS.REDACTION_COLUMNS would show it, and GRANT EXEMPT REDACTION POLICY rule it out)"
)


def _unknown_rows(policies: Policies, found: Behind, words: Words) -> list[str]:
    doubts = []
    if words.linked or found.linked:
        doubts.append(
            "policies of the database behind a link, which may hide rows or mask values, are not known"
        )
    if not policies.sees_all and (names := unseen(policies.ask, found)):
        doubts.append(
            f"whether a policy hides rows of {', '.join(names)} is not known (GRANT SELECT ANY DICTIONARY would show "
            f"it, and GRANT {ROWS} rule it out)"
        )
    return doubts


def _deeds(sel: str, upd: str, del_: str) -> Iterable[str]:
    return (deed for deed, said in ((READ, sel), (UPDATE, upd), (DELETE, del_)) if said == "YES")


def _is_read(policy: Policy, found: Behind, words: Words) -> bool:
    named = (policy.owner, policy.table)
    if named in found.reached or (found.is_named(*named) and words.all_columns):
        return True
    return named in found and policy.name in words.names


def _refused(deed: str, through: Sequence[str], policies: Sequence[Policy], so: str) -> dict[str, str]:
    names = [policy.name for policy in policies if not policy.deeds.isdisjoint(through)]
    if not names:
        return {}
    return {
        deed: f"row level security ({', '.join(names)}) hides rows of it from this user, {so}. Load as a user that "
        f"sees all of them (GRANT {ROWS})"
    }


def _hides(conn_id: str, policy: Policy) -> SourceMismatchError:
    return SourceMismatchError(
        f"Source {conn_id!r}: row level security ({policy.name}) may hide rows of {policy.owner}.{policy.table}, and "
        f"the load would look complete without them. Read as a user that sees all of them (GRANT {ROWS}), {_OR_ACCEPT}."
    )


def _masks(conn_id: str, policy: Policy) -> SourceMismatchError:
    return SourceMismatchError(
        f"Source {conn_id!r}: a policy of Data Redaction may mask {policy.name} of {policy.owner}.{policy.table}, and "
        f"other values than those of the table would be loaded. Read as a user that sees them (GRANT {VALUES}), leave "
        f"the column out, {_OR_ACCEPT}."
    )
