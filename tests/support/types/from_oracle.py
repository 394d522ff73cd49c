"""Values of Oracle, where an empty string is NULL."""

from __future__ import annotations

from tests.support.types.cells import Value, converted, everywhere, exact, refused

_NUMBER = "12345678901234567890123456789012345678"
_SMALL = "1234567890123456789012345678.0123456789"
_SIZE = 10485760
_LARGE = str(_SIZE)
_DIGITS = "digits of a second, of which Python holds 6"
_ISO = "ISO text with the offset"
_SERVER = "the text that Oracle writes"

VALUES = [
    Value("number(38)", "number(38)", _NUMBER, everywhere(exact("numeric", _NUMBER), exact("decimal(38)", _NUMBER), exact("text", _NUMBER), exact("number(38)", _NUMBER))),
    Value("number of 38 digits, without a precision", "number", _SMALL, everywhere(exact("numeric", _SMALL), exact("decimal(38, 10)", _SMALL), exact("text", _SMALL), exact("number", _SMALL))),
    Value("the same, into columns that would round it", "number", _SMALL, everywhere(refused("numeric(38, 2)", "would round"), refused("decimal(38, 2)", "would round"), refused("numeric(38, 2)", "would round"), refused("number(38, 2)", "would be rounded"))),
    Value("binary_double", "binary_double", "0.30000000000000004", everywhere(exact("double precision", "0.30000000000000004"), exact("double", "0.30000000000000004"), exact("real", "0.30000000000000004"), exact("binary_double", "0.30000000000000004"))),
    Value("binary_float", "binary_float", "0.5", everywhere(exact("real", "0.5"), exact("float", "0.5"), exact("real", "0.5"), exact("binary_float", "0.5"))),
    Value("binary_double NaN", "binary_double", "TO_BINARY_DOUBLE('NaN')", everywhere(exact("double precision", "NaN"), refused("double", "cannot hold nan"), refused("real", "cannot hold NaN"), exact("binary_double", "nan"))),
    Value("boolean", "boolean", "true", everywhere(exact("boolean", "true"), converted("boolean", "1", "1 and 0"), converted("boolean", "1", "1 and 0"), exact("boolean", "True"))),
    Value("varchar2 with an emoji", "varchar2(2 char)", "'ä😀'", everywhere(exact("varchar(2)", "ä😀"), exact("varchar(2)", "ä😀"), exact("text", "ä😀"), exact("varchar2(2 char)", "ä😀"))),
    Value("the same, into a column that counts bytes", "varchar2(2 char)", "'ä😀'", {"oracle": refused("varchar2(5 byte)", "value too large")}),
    Value("nvarchar2", "nvarchar2(9)", "'ä '", everywhere(exact("text", "ä "), exact("varchar(9)", "ä "), exact("text", "ä "), exact("nvarchar2(9)", "ä "))),
    Value("char(5), padded", "char(5)", "'ab'", everywhere(exact("text", "ab   "), exact("varchar(5)", "ab   "), exact("text", "ab   "), exact("char(5)", "ab   "))),
    Value("nchar(3), padded", "nchar(3)", "'ä'", everywhere(exact("text", "ä  "), exact("varchar(5)", "ä  "), exact("text", "ä  "), exact("nchar(3)", "ä  "))),
    Value("clob of 10 MB", "clob", "", everywhere(exact("text", _LARGE), exact("longtext", _LARGE), exact("text", _LARGE), exact("clob", _LARGE)), read="length(v)", bound="x" * _SIZE),
    Value("nclob", "nclob", "'ä'", everywhere(exact("text", "ä"), exact("text", "ä"), exact("text", "ä"), exact("nclob", "ä"))),
    Value("long", "long", "'ä'", everywhere(exact("text", "ä"), exact("text", "ä"), exact("text", "ä"), exact("clob", "ä"))),
    Value("blob of 10 MB", "blob", "", everywhere(exact("bytea", _LARGE), exact("longblob", _LARGE), exact("blob", _LARGE), exact("blob", _LARGE)), read="length(v)", bound=b"\xff" * _SIZE),
    Value("long raw", "long raw", "HEXTORAW('00FF5C27')", everywhere(exact("bytea", "\\x00ff5c27"), exact("longblob", "00FF5C27"), exact("blob", "X'00FF5C27'"), exact("blob", "00FF5C27")), read="bytes"),
    Value("raw", "raw(4)", "HEXTORAW('00FF5C27')", everywhere(exact("bytea", "\\x00ff5c27"), exact("varbinary(4)", "00FF5C27"), exact("blob", "X'00FF5C27'"), exact("raw(4)", "00FF5C27")), read="bytes"),
    Value("date, which has seconds", "date", "TIMESTAMP '2026-03-29 02:30:59'", everywhere(exact("timestamp", "2026-03-29 02:30:59"), exact("datetime", "2026-03-29 02:30:59"), exact("timestamp", "2026-03-29 02:30:59"), exact("date", "2026-03-29 02:30:59"))),
    Value("the same, into a day", "date", "TIMESTAMP '2026-03-29 02:30:59'", everywhere(refused("date", "would lose the time"), refused("date", "would lose the time"), exact("date", "2026-03-29 02:30:59"), exact("date", "2026-03-29 02:30:59"))),
    Value("last second of year 9999", "date", "TIMESTAMP '9999-12-31 23:59:59'", everywhere(exact("timestamp", "9999-12-31 23:59:59"), exact("datetime", "9999-12-31 23:59:59"), exact("timestamp", "9999-12-31 23:59:59"), exact("date", "9999-12-31 23:59:59"))),
    Value("timestamp(6)", "timestamp(6)", "TIMESTAMP '2026-03-29 02:30:00.000001'", everywhere(exact("timestamp", "2026-03-29 02:30:00.000001"), exact("datetime(6)", "2026-03-29 02:30:00.000001"), exact("timestamp", "2026-03-29 02:30:00.000001"), exact("timestamp(6)", "2026-03-29 02:30:00.000001"))),
    Value("timestamp(9)", "timestamp(9)", "TIMESTAMP '2026-03-29 02:30:00'", everywhere(*(refused(t, _DIGITS) for t in ("timestamp", "datetime(6)", "text", "timestamp(9)")))),
    Value("timestamp with time zone, an hour that comes twice", "timestamp with time zone", "TO_TIMESTAMP_TZ('2026-10-25 02:30:00 +01:00', 'YYYY-MM-DD HH24:MI:SS TZH:TZM')", everywhere(exact("timestamptz", "2026-10-25 01:30:00+00"), exact("timestamp(6)", "2026-10-25 01:30:00.000000"), converted("text", "2026-10-25 01:30:00", _ISO, read="datetime(v)"), exact("timestamp with time zone", "2026-10-25 01:30:00.000000"))),
    Value("timestamp with local time zone", "timestamp with local time zone", "TO_TIMESTAMP_TZ('2026-10-25 02:30:00 +02:00', 'YYYY-MM-DD HH24:MI:SS TZH:TZM')", everywhere(exact("timestamptz", "2026-10-25 00:30:00+00"), exact("timestamp(6)", "2026-10-25 00:30:00.000000"), converted("text", "2026-10-25 00:30:00", _ISO, read="datetime(v)"), exact("timestamp with local time zone", "2026-10-25 00:30:00.000000"))),
    Value("interval day to second", "interval day(3) to second(6)", "TO_DSINTERVAL('100 23:59:59.000001')", everywhere(exact("interval", "100 days 23:59:59.000001"), converted("varchar(99)", "2423:59:59.000001", "text"), converted("text", "2423:59:59.000001", "text"), exact("interval day(3) to second(6)", "100 days, 23:59:59.000001"))),
    Value("interval year to month", "interval year to month", "TO_YMINTERVAL('2-3')", everywhere(exact("interval", "2 years 3 mons"), converted("varchar(9)", "+02-03", _SERVER), converted("text", "+02-03", _SERVER), exact("interval year to month", "+02-03"))),
    Value("json", "json", """'{"a": 1.10}'""", everywhere(exact("json", '{"a": 1.10}'), exact("json", '{"a": 1.10}'), exact("text", '{"a": 1.10}'), exact("json", '{"a": 1.10}'))),
    Value("xmltype", "xmltype", "XMLTYPE('<a>ä</a>')", everywhere(*(converted(t, "<a>ä</a>", _SERVER) for t in ("text", "text", "text", "clob")))),
    Value("rowid", "rowid", "CHARTOROWID('AAAR3sAAEAAAACXAAA')", everywhere(*(converted(t, "AAAR3sAAEAAAACXAAA", "text") for t in ("text", "text", "text")), exact("rowid", "AAAR3sAAEAAAACXAAA"))),
    Value("vector", "vector", "NULL", everywhere(*(refused(t, "of type VECTOR, which cannot be carried over") for t in ("text", "text", "text", "clob")))),
]  # fmt: skip
