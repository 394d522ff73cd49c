"""The supported functions of Oracle; any other name in front of a parenthesis is an error."""

FUNCTIONS = frozenset(
    [
        "ABS",
        "AVG",
        "CEIL",
        "CHARTOROWID",
        "CHR",
        "COALESCE",
        "CONCAT",
        "COUNT",
        "DECODE",
        "DENSE_RANK",
        "EXTRACT",
        "FLOOR",
        "FROM_TZ",
        "GREATEST",
        "HEXTORAW",
        "INSTR",
        "JSON",
        "JSON_SERIALIZE",
        "LEAD",
        "LEAST",
        "LENGTH",
        "LISTAGG",
        "LOWER",
        "LPAD",
        "LTRIM",
        "MAX",
        "MIN",
        "MOD",
        "NULLIF",
        "NUMTODSINTERVAL",
        "NVL",
        "NVL2",
        "POWER",
        "RANK",
        "RAWTOHEX",
        "REPLACE",
        "ROUND",
        "ROWIDTOCHAR",
        "ROW_NUMBER",
        "RPAD",
        "RTRIM",
        "SIGN",
        "SQRT",
        "STANDARD_HASH",
        "SUBSTR",
        "SUM",
        "SYS_CONTEXT",
        "SYS_EXTRACT_UTC",
        "SYS_GUID",
        "TO_BINARY_DOUBLE",
        "TO_BINARY_FLOAT",
        "TO_CHAR",
        "TO_CLOB",
        "TO_DATE",
        "TO_DSINTERVAL",
        "TO_NUMBER",
        "TO_TIMESTAMP",
        "TO_TIMESTAMP_TZ",
        "TO_YMINTERVAL",
        "TRIM",
        "TRUNC",
        "UPPER",
        "XMLPARSE",
        "XMLSERIALIZE",
        "XMLTYPE",
        "CAST",
    ]
)

# Keywords, and types that take a length.
NOT_FUNCTIONS = frozenset(
    [
        "ALL",
        "AND",
        "ANY",
        "AS",
        "BETWEEN",
        "BLOCK",
        "BY",
        "CASE",
        "CHECK",
        "DEFAULT",
        "DISTINCT",
        "ELSE",
        "EXISTS",
        "FROM",
        "IN",
        "INSERT",
        "INTERSECT",
        "IS",
        "JOIN",
        "KEY",
        "LIKE",
        "MINUS",
        "NOT",
        "ON",
        "OR",
        "OVER",
        "PARTITION",
        "SAMPLE",
        "SELECT",
        "SET",
        "SOME",
        "THEN",
        "UNION",
        "UNIQUE",
        "USING",
        "VALUES",
        "WHEN",
        "WHERE",
        "ADD",
        "MODIFY",
        "IDENTITY",
        "CHAR",
        "DATE",
        "DAY",
        "DECIMAL",
        "FLOAT",
        "INTEGER",
        "NCHAR",
        "NUMBER",
        "NUMERIC",
        "NVARCHAR2",
        "RAW",
        "SECOND",
        "TIMESTAMP",
        "UROWID",
        "VARCHAR",
        "VARCHAR2",
        "VECTOR",
        "YEAR",
    ]
)

# Functions that Postgres lacks, or defines differently.
DEFINITIONS = """
CREATE FUNCTION standin_sys_context(text, text) RETURNS text LANGUAGE sql AS
  $$SELECT CASE upper($2) WHEN 'CURRENT_SCHEMA' THEN current_schema()::text WHEN 'SESSION_USER' THEN current_schema()::text
     WHEN 'CON_NAME' THEN 'FREEPDB1' WHEN 'SID' THEN pg_backend_pid()::text END$$;
CREATE FUNCTION standin_sys_extract_utc(timestamptz) RETURNS timestamp LANGUAGE sql AS $$SELECT $1 AT TIME ZONE 'UTC'$$;
CREATE FUNCTION standin_from_tz(timestamptz, text) RETURNS timestamptz LANGUAGE sql AS
  $$SELECT (($1 AT TIME ZONE current_setting('TimeZone'))::text || ' ' || $2)::timestamptz$$;
CREATE FUNCTION standin_from_tz(timestamp, text) RETURNS timestamptz LANGUAGE sql AS
  $$SELECT ($1::text || ' ' || $2)::timestamptz$$;
CREATE FUNCTION standin_to_timestamp_tz(text, text) RETURNS timestamptz LANGUAGE sql AS $$SELECT to_timestamp($1, $2)$$;
CREATE FUNCTION standin_to_yminterval(text) RETURNS interval LANGUAGE sql AS
  $$SELECT make_interval(months => CASE WHEN $1 LIKE '-%' THEN -1 ELSE 1 END
     * (12 * split_part(ltrim($1, '+-'), '-', 1)::int + split_part(ltrim($1, '+-'), '-', 2)::int))$$;
CREATE FUNCTION standin_to_dsinterval(text) RETURNS interval LANGUAGE sql AS $$SELECT $1::interval$$;
CREATE FUNCTION standin_hextoraw(text) RETURNS bytea LANGUAGE sql AS $$SELECT decode($1, 'hex')$$;
CREATE FUNCTION standin_to_char(interval) RETURNS text LANGUAGE sql AS
  $$SELECT CASE WHEN $1 < interval '0' THEN '-' ELSE '+' END || to_char(abs(extract(year FROM $1)), 'FM00')
     || '-' || to_char(abs(extract(month FROM $1)), 'FM00')$$;
CREATE FUNCTION standin_to_char(anyelement) RETURNS text LANGUAGE sql AS $$SELECT $1::text$$;
CREATE FUNCTION standin_to_char(numeric, text, text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE digits text := regexp_replace(trim_scale($1)::text, '^(-?)0\\.', '\\1.');
  shown text := ltrim(replace(trim_scale(abs($1))::text, '.', ''), '0');
  power int;
BEGIN
  IF length(digits) > 64 THEN
    power := CASE WHEN abs($1) >= 1 THEN length(trunc(abs($1))::text) - 1
      ELSE -length(substring(abs($1)::text FROM '\\.(0*)')) - 1 END;
    shown := rtrim(shown, '0');
    digits := CASE WHEN $1 < 0 THEN '-' ELSE '' END || left(shown, 1) || rtrim('.' || substr(shown, 2), '.')
      || 'E' || CASE WHEN power < 0 THEN '-' ELSE '+' END || CASE WHEN abs(power) < 10 THEN '0' ELSE '' END || abs(power);
  END IF;
  RETURN replace(digits, '.', substring($3 FROM '''(.).'''));
END$$;
CREATE FUNCTION standin_joined(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF octet_length($1) > 4000 THEN RAISE 'too long' USING ERRCODE = 'OR489'; END IF;
  RETURN NULLIF($1, '');
END$$;
CREATE FUNCTION standin_length(text) RETURNS int LANGUAGE sql AS $$SELECT NULLIF(length($1), 0)$$;
CREATE FUNCTION standin_length(bpchar) RETURNS int LANGUAGE sql AS $$SELECT NULLIF(length(format('%s', $1)), 0)$$;
CREATE FUNCTION standin_length(bytea) RETURNS int LANGUAGE sql AS $$SELECT length($1)$$;
CREATE FUNCTION standin_trunc(timestamp) RETURNS timestamp(0) LANGUAGE sql AS $$SELECT date_trunc('day', $1)$$;
CREATE FUNCTION standin_json_of(text) RETURNS json LANGUAGE sql AS $$SELECT $1::json$$;
CREATE FUNCTION standin_json_serialize(json) RETURNS text LANGUAGE sql AS $$SELECT $1::text$$;
CREATE FUNCTION standin_json_serialize(bytea) RETURNS text LANGUAGE sql AS $$SELECT convert_from($1, 'UTF8')$$;
CREATE FUNCTION standin_rawtohex(bytea) RETURNS text LANGUAGE sql AS $$SELECT upper(encode($1, 'hex'))$$;
CREATE FUNCTION standin_xmltype(text) RETURNS text LANGUAGE sql AS $$SELECT $1$$;
CREATE FUNCTION standin_xmlparse(text) RETURNS text LANGUAGE sql AS $$SELECT $1$$;
CREATE FUNCTION standin_xmlserialize(text) RETURNS text LANGUAGE sql AS $$SELECT $1$$;
CREATE FUNCTION standin_chartorowid(text) RETURNS text LANGUAGE sql AS $$SELECT $1$$;
CREATE FUNCTION standin_rowidtochar(text) RETURNS text LANGUAGE sql AS $$SELECT $1$$;
CREATE SCHEMA "DBMS_ROWID";
CREATE FUNCTION "DBMS_ROWID".standin_rowid_create(numeric, numeric, numeric, numeric, numeric) RETURNS text
  LANGUAGE sql AS $$SELECT lpad($2::text, 6, '0') || 'AAE' || lpad($4::text, 6, '0') || lpad($5::text, 3, '0')$$;
CREATE FUNCTION "DBMS_ROWID".standin_rowid_object(text) RETURNS numeric LANGUAGE sql AS $$SELECT left($1, 6)::numeric$$;
CREATE FUNCTION standin_rowid(oid, tid) RETURNS text STABLE LANGUAGE sql AS
  $$SELECT "DBMS_ROWID".standin_rowid_create(1, c.relfilenode::bigint::numeric, 4, split_part(trim($2::text, '()'), ',', 1)::numeric,
     split_part(trim($2::text, '()'), ',', 2)::numeric) COLLATE "C" FROM pg_class c WHERE c.oid = $1$$;
CREATE FUNCTION standin_to_binary_double(numeric) RETURNS float8 LANGUAGE sql AS $$SELECT $1::float8$$;
CREATE FUNCTION standin_nvl(anyelement, anyelement) RETURNS anyelement LANGUAGE sql AS $$SELECT coalesce($1, $2)$$;
"""
