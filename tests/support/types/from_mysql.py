"""Values of MySQL and MariaDB."""

from __future__ import annotations

from tests.support.types.cells import Value, converted, everywhere, exact, refused

_NUMBER = "12345678901234567890123456789012345.012345678901234567890123456789"
_LARGE = "10485760"
_NO_DAY = "Python has no such day"

VALUES = [
    Value("largest bigint unsigned", "bigint unsigned", "18446744073709551615", everywhere(exact("numeric", "18446744073709551615"), exact("bigint unsigned", "18446744073709551615"), refused("integer", "too large"), exact("number(20)", "18446744073709551615"))),
    Value("decimal of 65 digits", "decimal(65, 30)", _NUMBER, everywhere(exact("numeric", _NUMBER), exact("decimal(65, 30)", _NUMBER), exact("text", _NUMBER), refused("number", "more digits than the 38"))),
    Value("double", "double", "0.30000000000000004e0", everywhere(*(exact(t, "0.30000000000000004") for t in ("double precision", "double", "real")), exact("binary_double", "0.30000000000000004"))),
    Value("float", "float", "16777217", everywhere(exact("real", "1.6777216e+07"), exact("double", "16777216"), exact("real", "16777216.0"), exact("binary_float", "16777216.0"))),
    Value("bit(12)", "bit(12)", "b'101'", everywhere(converted("integer", "5", "a number"), exact("integer", "5"), converted("integer", "5", "a number"), converted("number(4)", "5", "a number"))),
    Value("boolean, which is tinyint", "boolean", "true", everywhere(exact("boolean", "true"), exact("boolean", "1"), exact("boolean", "1"), exact("boolean", "True"))),
    Value("year", "year", "2155", everywhere(exact("integer", "2155"), exact("year", "2155"), exact("integer", "2155"), exact("number(4)", "2155"))),
    Value("text with an emoji", "varchar(2)", "'ä😀'", everywhere(exact("varchar(2)", "ä😀"), exact("varchar(2)", "ä😀"), exact("text", "ä😀"), exact("varchar2(2 char)", "ä😀"))),
    Value("text with a NUL character", "varchar(9)", "'a\\0b'", everywhere(refused("text", "NUL"), exact("varchar(9)", "a\0b"), exact("text", "a\0b"), exact("varchar2(9)", "a\0b"))),
    Value("char, whose blanks MySQL takes away", "char(5)", "'ab '", everywhere(exact("char(5)", "ab"), exact("char(5)", "ab"), exact("char(5)", "ab"), exact("char(5)", "ab   "))),
    Value("text of 10 MB", "longtext", f"REPEAT('x', {_LARGE})", everywhere(exact("text", _LARGE), exact("longtext", _LARGE), exact("text", _LARGE), exact("clob", _LARGE)), read="length(v)"),
    Value("blob", "longblob", "X'00FF5C27'", everywhere(exact("bytea", "\\x00ff5c27"), exact("longblob", "00FF5C27"), exact("blob", "X'00FF5C27'"), exact("blob", "00FF5C27")), read="bytes"),
    Value("blob of 10 MB", "longblob", f"REPEAT('x', {_LARGE})", everywhere(exact("bytea", _LARGE), exact("longblob", _LARGE), exact("blob", _LARGE), exact("blob", _LARGE)), read="length(v)"),
    Value("binary, padded with zeros", "binary(3)", "X'FF'", everywhere(exact("bytea", "\\xff0000"), exact("binary(3)", "FF0000"), exact("blob", "X'FF0000'"), exact("raw(3)", "FF0000")), read="bytes"),
    Value("last day of year 9999", "date", "'9999-12-31'", everywhere(exact("date", "9999-12-31"), exact("date", "9999-12-31"), exact("date", "9999-12-31"), exact("date", "9999-12-31 00:00:00"))),
    Value("0000-00-00, and the like", "date", "'0000-00-00'", everywhere(*(refused(t, _NO_DAY) for t in ("date", "date", "text")), refused("date", _NO_DAY))),
    Value("datetime(6)", "datetime(6)", "'2026-03-29 02:30:00.000001'", everywhere(*(exact(t, "2026-03-29 02:30:00.000001") for t in ("timestamp", "datetime(6)", "timestamp")), exact("timestamp", "2026-03-29 02:30:00.000001"))),
    Value("timestamp(6), an hour that comes twice", "timestamp(6) NULL", "'2026-10-25 00:30:00'", everywhere(exact("timestamptz", "2026-10-25 00:30:00+00"), exact("timestamp(6) NULL", "2026-10-25 00:30:00.000000"), converted("text", "2026-10-25 00:30:00+00:00", "ISO text in UTC"), exact("timestamp with time zone", "2026-10-25 00:30:00.000000"))),
    Value("time of day", "time(6)", "'23:59:59.999999'", everywhere(*(exact(t, "23:59:59.999999") for t in ("time", "time(6)", "time")), converted("varchar2(15)", "23:59:59.999999", "ISO text"))),
    Value("time of more than a day", "time(6)", "'-100:00:01'", everywhere(converted("interval", "-5 days +19:59:59", "a span of days and time"), exact("time(6)", "-100:00:01.000000"), converted("text", "-100:00:01.000000", "text"), exact("interval day(3) to second", "-5 days, 19:59:59"))),
    Value("enum, set", "enum('x', 'ä')", "'ä'", everywhere(converted("text", "ä", "text"), exact("enum('x', 'ä')", "ä"), converted("text", "ä", "text"), converted("varchar2(9)", "ä", "text"))),
    Value("json", "json", """'{"a": 1.10}'""", everywhere(exact("json", '{"a": 1.10}'), exact("json", '{"a": 1.10}'), exact("text", '{"a": 1.10}'), exact("json", '{"a": 1.10}'))),
    Value("geometry", "geometry", "POINT(1, 2)", everywhere(*(converted(t, "25", "bytes, with the SRID first") for t in ("bytea", "longblob", "blob")), converted("blob", "25", "bytes, with the SRID first")), read="length(v)"),
]  # fmt: skip
