"""
Stands in for an Oracle server where none can be run.

Behaves like ``oracledb`` in front of Oracle at the DB-API boundary: it accepts only Oracle's SQL, and raises the
driver's own errors with Oracle's codes. Behind it, the translated statements run on a Postgres database. For
behaviour of a real server only, see the tests that run with ``CHECKPOINT_TEST_ORACLE_DSN``.
"""

from tests.support.oracle_standin.connection import Connection
from tests.support.oracle_standin.faults import Fault, Faults
from tests.support.oracle_standin.server import Server

__all__ = ["Connection", "Fault", "Faults", "Server"]
