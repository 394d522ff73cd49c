"""The server: a Postgres database with Oracle's catalog, and the planned faults."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.support.oracle_standin.connection import Connection
from tests.support.oracle_standin.errors import ora
from tests.support.oracle_standin.faults import Faults
from tests.support.oracle_standin.functions import DEFINITIONS
from tests.support.oracle_standin.moments import Moments

USER = "SCOTT"

_DICTIONARY = """
CREATE TABLE "DUAL" ("DUMMY" char(1));
INSERT INTO "DUAL" VALUES ('X');
CREATE TABLE "STANDIN_STATES" ("NAME" text PRIMARY KEY, "STATE" text);
CREATE TABLE "STANDIN_DEFAULTS" ("NAME" text PRIMARY KEY, "DATA_DEFAULT" text);
CREATE TABLE "ALL_SEQUENCES" ("SEQUENCE_OWNER" text, "SEQUENCE_NAME" text, "ORDER_FLAG" text, "CACHE_SIZE" int);
CREATE TABLE "STANDIN_STATISTICS" ("NAME" text PRIMARY KEY, "NUM_ROWS" int, "BLOCKS" int);
CREATE TABLE "STANDIN_STORAGE" ("NAME" text PRIMARY KEY, "ROW_MOVEMENT" text, "PARTITIONED" text);
CREATE VIEW "ALL_TABLES" AS SELECT n.nspname::text AS "OWNER", c.relname::text AS "TABLE_NAME",
    'USERS'::text AS "TABLESPACE_NAME", NULL::text AS "DURATION", NULL::text AS "IOT_NAME", 'N'::text AS "TEMPORARY",
    'NO'::text AS "READ_ONLY", COALESCE(m."ROW_MOVEMENT", 'DISABLED') AS "ROW_MOVEMENT",
    COALESCE(m."PARTITIONED", 'NO') AS "PARTITIONED", NULL::text AS "IOT_TYPE", NULL::text AS "CLUSTER_NAME", s."NUM_ROWS", s."BLOCKS"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN "STANDIN_STATISTICS" s ON s."NAME" = c.relname
    LEFT JOIN "STANDIN_STORAGE" m ON m."NAME" = c.relname
  WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema';
CREATE VIEW "ALL_VIEWS" AS SELECT n.nspname::text AS "OWNER", c.relname::text AS "VIEW_NAME"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v';
CREATE VIEW "ALL_MVIEWS" AS SELECT "OWNER", "VIEW_NAME" AS "MVIEW_NAME" FROM "ALL_VIEWS" WHERE false;
CREATE TABLE "ALL_EXTERNAL_TABLES" ("OWNER" text, "TABLE_NAME" text);
CREATE VIEW "ALL_OBJECTS" AS SELECT n.nspname::text AS "OWNER", c.relname::text AS "OBJECT_NAME",
    CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS "OBJECT_TYPE", NULL::text AS "SUBOBJECT_NAME",
    c.oid::bigint::numeric AS "OBJECT_ID", c.relfilenode::bigint::numeric AS "DATA_OBJECT_ID"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'v') AND NOT EXISTS (
    SELECT FROM "STANDIN_STATES" WHERE "NAME" = c.relname AND "STATE" = 'NOT GRANTED');
CREATE VIEW "DBA_EXTENTS" AS SELECT n.nspname::text AS "OWNER", c.relname::text AS "SEGMENT_NAME",
    'TABLE'::text AS "SEGMENT_TYPE", NULL::text AS "PARTITION_NAME", 4 AS "RELATIVE_FNO", first AS "BLOCK_ID", 8 AS "BLOCKS"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
    LATERAL generate_series(0, pg_relation_size(c.oid) / 8192 - 1, 8) AS e(first) WHERE c.relkind = 'r';
CREATE TABLE "ALL_TAB_HISTOGRAMS" ("OWNER" text, "TABLE_NAME" text, "COLUMN_NAME" text, "ENDPOINT_NUMBER" numeric,
    "ENDPOINT_VALUE" numeric);
CREATE TABLE "ALL_TAB_COL_STATISTICS" ("OWNER" text, "TABLE_NAME" text, "COLUMN_NAME" text, "NUM_NULLS" int, "NUM_DISTINCT" int);
CREATE TABLE "ALL_TAB_MODIFICATIONS" ("TABLE_OWNER" text, "TABLE_NAME" text, "PARTITION_NAME" text, "INSERTS" int,
    "UPDATES" int, "DELETES" int);
CREATE VIEW "V$SESSION" AS SELECT pid AS "SID", current_schema()::text AS "USERNAME", 'host'::text AS "MACHINE",
    CASE WHEN state = 'active' THEN 'ACTIVE' ELSE 'INACTIVE' END AS "STATUS", wait_event AS "EVENT", 'USER'::text AS "TYPE",
    extract(epoch FROM clock_timestamp() - query_start)::int AS "LAST_CALL_ET", pid::text AS "SQL_ID", NULL::text AS "PREV_SQL_ID",
    (pg_blocking_pids(pid))[1] AS "BLOCKING_SESSION", backend_xid::text AS "TADDR"
  FROM pg_stat_activity WHERE datname = current_database();
CREATE VIEW "V$SQLAREA" AS SELECT pid::text AS "SQL_ID", query AS "SQL_TEXT" FROM pg_stat_activity;
CREATE TABLE "SESSION_PRIVS" ("PRIVILEGE" text);
INSERT INTO "SESSION_PRIVS" VALUES ('SELECT ANY DICTIONARY'), ('CREATE TABLE');
CREATE VIEW "ALL_INDEXES" AS SELECT n.nspname::text AS "OWNER", c.relname::text AS "INDEX_NAME", 'VALID'::text AS "STATUS",
    'NORMAL'::text AS "INDEX_TYPE" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'i';
CREATE VIEW "ALL_IND_COLUMNS" AS SELECT n.nspname::text AS "INDEX_OWNER", x.relname::text AS "INDEX_NAME",
    m.nspname::text AS "TABLE_OWNER", c.relname::text AS "TABLE_NAME", a.attname::text AS "COLUMN_NAME",
    k.place AS "COLUMN_POSITION"
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace n ON n.oid = x.relnamespace
    JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace m ON m.oid = c.relnamespace
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number;
CREATE VIEW "ALL_TRIGGERS" AS SELECT n.nspname::text AS "TABLE_OWNER", c.relname::text AS "TABLE_NAME",
    upper(g.tgname::text) AS "TRIGGER_NAME",
    CASE WHEN g.tgtype & 64 > 0 THEN 'INSTEAD OF' WHEN g.tgtype & 2 > 0 THEN 'BEFORE EACH ROW' ELSE 'AFTER EACH ROW' END
    AS "TRIGGER_TYPE", CASE WHEN g.tgtype & 4 > 0 THEN 'INSERT' WHEN g.tgtype & 8 > 0 THEN 'DELETE' ELSE 'UPDATE' END
    AS "TRIGGERING_EVENT", 'ENABLED'::text AS "STATUS"
  FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT g.tgisinternal;
CREATE VIEW "ALL_TAB_COLS" AS SELECT n.nspname::text AS "OWNER", c.relname::text AS "TABLE_NAME",
    a.attname::text AS "COLUMN_NAME", CASE a.attgenerated WHEN '' THEN 'NO' ELSE 'YES' END AS "VIRTUAL_COLUMN",
    CASE WHEN a.attnotnull THEN 'N' ELSE 'Y' END AS "NULLABLE", d."DATA_DEFAULT",
    CASE WHEN a.atthasdef THEN 1 ELSE length(d."DATA_DEFAULT") END AS "DEFAULT_LENGTH",
    CASE WHEN col_description(c.oid, a.attnum) = 'INVISIBLE' THEN 'YES' ELSE 'NO' END AS "HIDDEN_COLUMN",
    'YES'::text AS "USER_GENERATED", a.attnum AS "INTERNAL_COLUMN_ID"
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN "STANDIN_DEFAULTS" d ON d."NAME" = c.relname || '.' || a.attname
  WHERE a.attnum > 0 AND NOT a.attisdropped;
CREATE VIEW "ALL_TAB_IDENTITY_COLS" AS SELECT n.nspname::text AS "OWNER", c.relname::text AS "TABLE_NAME",
    a.attname::text AS "COLUMN_NAME", CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END AS "GENERATION_TYPE",
    'START WITH: 1, INCREMENT BY: 1, CYCLE_FLAG: N, CACHE_SIZE: 20, ORDER_FLAG: '
    || COALESCE((SELECT "STATE" FROM "STANDIN_STATES" WHERE "NAME" = c.relname), 'N') AS "IDENTITY_OPTIONS"
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attidentity <> '';
CREATE TABLE "ALL_POLICIES" ("OBJECT_OWNER" text, "OBJECT_NAME" text, "POLICY_NAME" text, "SEL" text, "UPD" text,
    "DEL" text, "ENABLE" text);
CREATE VIEW "DBA_POLICIES" AS SELECT * FROM "ALL_POLICIES";
CREATE TABLE "REDACTION_POLICIES" ("OBJECT_OWNER" text, "OBJECT_NAME" text, "POLICY_NAME" text, "ENABLE" text);
CREATE TABLE "REDACTION_COLUMNS" ("OBJECT_OWNER" text, "OBJECT_NAME" text, "COLUMN_NAME" text);
CREATE TABLE "ALL_SYNONYMS" ("OWNER" text, "SYNONYM_NAME" text, "TABLE_OWNER" text, "TABLE_NAME" text, "DB_LINK" text);
CREATE VIEW "ALL_DEPENDENCIES" AS SELECT DISTINCT vn.nspname::text AS "OWNER", v.relname::text AS "NAME",
    'VIEW'::text AS "TYPE", n.nspname::text AS "REFERENCED_OWNER", c.relname::text AS "REFERENCED_NAME",
    CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS "REFERENCED_TYPE",
    (SELECT "STATE" FROM "STANDIN_STATES" WHERE "NAME" = v.relname) AS "REFERENCED_LINK_NAME"
  FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
    JOIN pg_namespace vn ON vn.oid = v.relnamespace JOIN pg_class c ON c.oid = d.refobjid AND c.oid <> v.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
  UNION ALL SELECT "OWNER", "SYNONYM_NAME", 'SYNONYM', "TABLE_OWNER", "TABLE_NAME", 'TABLE', "DB_LINK" FROM "ALL_SYNONYMS";
CREATE VIEW "DBA_DEPENDENCIES" AS SELECT * FROM "ALL_DEPENDENCIES";
CREATE VIEW "ALL_CONSTRAINTS" AS SELECT n.nspname::text AS "OWNER", k.conname::text AS "CONSTRAINT_NAME",
    CASE k.contype WHEN 'f' THEN 'R' ELSE upper(k.contype::text) END AS "CONSTRAINT_TYPE",
    c.relname::text AS "TABLE_NAME",
    CASE WHEN d."STATE" LIKE 'DISABLED%' THEN 'DISABLED' ELSE 'ENABLED' END AS "STATUS",
    CASE WHEN d."STATE" IS NULL THEN 'VALIDATED' ELSE 'NOT VALIDATED' END AS "VALIDATED",
    CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'NO ACTION' END AS "DELETE_RULE",
    CASE WHEN k.condeferred THEN 'DEFERRED' ELSE 'IMMEDIATE' END AS "DEFERRED",
    rn.nspname::text AS "R_OWNER", r.conname::text AS "R_CONSTRAINT_NAME"
  FROM pg_constraint k LEFT JOIN "STANDIN_STATES" d ON d."NAME" = k.conname
    LEFT JOIN pg_constraint r ON k.contype = 'f' AND r.contype IN ('p', 'u') AND r.conindid = k.conindid
    LEFT JOIN pg_namespace rn ON rn.oid = r.connamespace
    JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace;
CREATE VIEW "DBA_CONSTRAINTS" AS SELECT * FROM "ALL_CONSTRAINTS";
CREATE VIEW "ALL_CONS_COLUMNS" AS SELECT n.nspname::text AS "OWNER", k.conname::text AS "CONSTRAINT_NAME",
    c.relname::text AS "TABLE_NAME", a.attname::text AS "COLUMN_NAME", p.place AS "POSITION"
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
    LATERAL unnest(k.conkey) WITH ORDINALITY AS p(number, place), pg_attribute a
  WHERE a.attrelid = c.oid AND a.attnum = p.number;
CREATE TABLE "ALL_TAB_COLUMNS" ("OWNER" text, "TABLE_NAME" text, "COLUMN_NAME" text, "DEFAULT_ON_NULL" text);
CREATE TABLE "NLS_DATABASE_PARAMETERS" ("PARAMETER" text, "VALUE" text);
INSERT INTO "NLS_DATABASE_PARAMETERS" VALUES ('NLS_CHARACTERSET', 'AL32UTF8');
CREATE TABLE "NLS_SESSION_PARAMETERS" ("PARAMETER" text, "VALUE" text);
INSERT INTO "NLS_SESSION_PARAMETERS" VALUES ('NLS_SORT', 'BINARY'), ('NLS_COMP', 'BINARY');
"""


class Server:
    """
    Opens connections as ``oracledb.connect`` does.

    :param dsn: of an empty Postgres database
    """

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.version = "23.9.0.25.7"
        self.max_identifier_length = 128
        self.parallel_dml = False  # True for the services HIGH and MEDIUM of an Autonomous Database
        self.faults = Faults()
        self.moments = Moments(dsn)
        self.up = True

    def connect(self, *_: Any, make: type[Connection] = Connection, **given: Any) -> Connection:
        """
        Open a connection to this server, whatever server the arguments name.

        :param make: the class of the connection
        """
        if not self.up:
            raise ora(12541)
        connection = psycopg.connect(self.dsn, autocommit=True)
        connection.execute(f"""SET search_path = "{USER}", "SYS"; SET timezone = 'Asia/Kolkata'""")
        if not connection.execute("SELECT to_regnamespace('\"SYS\"')").fetchone()[0]:
            with connection.transaction():
                connection.execute(
                    f'CREATE SCHEMA "SYS"; SET LOCAL search_path = "SYS"; {_DICTIONARY} {DEFINITIONS}'
                )
                connection.execute(f'CREATE SCHEMA "{USER}"')
        opened = make(connection, self.faults)
        opened.moments = self.moments
        opened.parallel_dml = self.parallel_dml
        opened.version, opened.max_identifier_length = self.version, self.max_identifier_length
        return opened
