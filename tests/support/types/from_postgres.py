"""Values of Postgres."""

from __future__ import annotations

from tests.support.types.cells import Value, converted, everywhere, exact, refused

_NUMBER = "123456789012345678901234567890.0123456789"
_LARGE = "10485760"
_NO_DAY = "Python has no such value"
_AS_TEXT = "the text that Postgres writes"

VALUES = [
    Value("largest bigint", "bigint", "9223372036854775807", everywhere(*(exact(t, "9223372036854775807") for t in ("bigint", "bigint", "integer")), exact("number(19)", "9223372036854775807"))),
    Value("numeric of 40 digits", "numeric", _NUMBER, everywhere(exact("numeric", _NUMBER), exact("decimal(40, 10)", _NUMBER), exact("text", _NUMBER), refused("number", "more digits than the 38"))),
    Value(
        "the same, into columns that would round it", "numeric", _NUMBER,
        everywhere(refused("numeric(40, 2)", "would round"), refused("decimal(40, 2)", "would round"), refused("numeric(40, 10)", "would round"), refused("number(38, 2)", "more digits than the 38")),
    ),
    Value("numeric NaN", "numeric", "'NaN'", everywhere(exact("numeric", "NaN"), refused("decimal(40, 10)", "cannot hold NaN"), converted("text", "NaN", "text"), refused("number", "not a number that Oracle's NUMBER has"))),
    Value("double precision", "double precision", "0.30000000000000004", everywhere(*(exact(t, "0.30000000000000004") for t in ("double precision", "double", "real")), exact("binary_double", "0.30000000000000004"))),
    Value("double NaN", "double precision", "'NaN'", everywhere(exact("double precision", "NaN"), refused("double", "cannot hold nan"), refused("real", "cannot hold NaN"), exact("binary_double", "nan"))),
    Value("double Infinity", "double precision", "'Infinity'", everywhere(exact("double precision", "Infinity"), refused("double", "cannot hold inf"), exact("real", "inf"), exact("binary_double", "inf"))),
    Value("real", "real", "0.1", everywhere(exact("real", "0.1"), exact("float", "0.1"), exact("real", "0.1"), exact("binary_float", "0.1"))),
    Value("boolean", "boolean", "true", everywhere(exact("boolean", "true"), converted("boolean", "1", "1 and 0"), converted("boolean", "1", "1 and 0"), exact("boolean", "True"))),
    Value("text with an emoji", "text", "'ä😀'", everywhere(exact("varchar(2)", "ä😀"), exact("varchar(2)", "ä😀"), exact("text", "ä😀"), exact("varchar2(2 char)", "ä😀"))),
    Value("emoji, into text of another alphabet", "text", "'😀'", {"mysql": refused("varchar(9) CHARACTER SET utf8mb3", "Incorrect string value")}),
    Value("text that is too long", "text", "'abcd'", everywhere(refused("varchar(3)", "value too long"), refused("varchar(3)", "Data too long"), exact("varchar(3)", "abcd"), refused("varchar2(3 char)", "value too large"))),
    Value("char(5), padded", "char(5)", "'ab'", everywhere(exact("char(5)", "ab"), exact("char(5)", "ab"), exact("char(5)", "ab   "), exact("char(5 char)", "ab   "))),
    Value("text of 10 MB", "text", f"repeat('x', {_LARGE})", everywhere(exact("text", _LARGE), exact("longtext", _LARGE), exact("text", _LARGE), exact("clob", _LARGE)), read="length(v)"),
    Value("bytea", "bytea", "'\\x00ff5c27'", everywhere(exact("bytea", "\\x00ff5c27"), exact("longblob", "00FF5C27"), exact("blob", "X'00FF5C27'"), exact("blob", "00FF5C27")), read="bytes"),
    Value("bytea of 10 MB", "bytea", f"decode(repeat('58', {_LARGE}), 'hex')", everywhere(exact("bytea", _LARGE), exact("longblob", _LARGE), exact("blob", _LARGE), exact("blob", _LARGE)), read="length(v)"),
    Value("last day of year 9999", "date", "'9999-12-31'", everywhere(exact("date", "9999-12-31"), exact("date", "9999-12-31"), exact("date", "9999-12-31"), exact("date", "9999-12-31 00:00:00"))),
    Value("a day before year 1", "date", "'0044-03-15 BC'", everywhere(exact("date", "0044-03-15 BC"), refused("date", _NO_DAY), refused("date", _NO_DAY), refused("date", _NO_DAY))),
    Value("infinite timestamp", "timestamp", "'infinity'", everywhere(exact("timestamp", "infinity"), refused("datetime(6)", _NO_DAY), refused("text", _NO_DAY), refused("timestamp", _NO_DAY))),
    Value("timestamp", "timestamp", "'2026-03-29 02:30:00.000001'", everywhere(*(exact(t, "2026-03-29 02:30:00.000001") for t in ("timestamp", "datetime(6)", "timestamp")), exact("timestamp", "2026-03-29 02:30:00.000001"))),
    Value("the same, into whole seconds", "timestamp", "'2026-03-29 02:30:00.000001'", everywhere(refused("timestamp(0)", "would round the fraction of a second"), refused("datetime", "would lose fractions of a second"), exact("text", "2026-03-29 02:30:00.000001"), refused("timestamp(0)", "fraction of a second"))),
    Value("timestamptz, an hour that comes twice", "timestamptz", "'2026-10-25 02:30:00+01'", everywhere(exact("timestamptz", "2026-10-25 01:30:00+00"), exact("timestamp(6)", "2026-10-25 01:30:00.000000"), converted("text", "2026-10-25 01:30:00+00:00", "ISO text with the offset"), exact("timestamp with time zone", "2026-10-25 01:30:00.000000"))),
    Value("timestamptz, without a zone there", "timestamptz", "'2026-10-25 02:30:00+02'", everywhere(refused("timestamp", "would lose the time zone"), converted("datetime(6)", "2026-10-25 00:30:00.000000", "in UTC"), converted("timestamp", "2026-10-25 00:30:00+00:00", "ISO text with the offset"), refused("timestamp", "has a time zone, which the column would lose"))),
    Value("time", "time", "'23:59:59.999999'", everywhere(*(exact(t, "23:59:59.999999") for t in ("time", "time(6)", "time")), converted("varchar2(15)", "23:59:59.999999", "ISO text"))),
    Value("time with time zone", "timetz", "'12:00+02'", everywhere(exact("timetz", "12:00:00+02"), refused("time(6)", "no time of day with a time zone"), converted("text", "12:00:00+02:00", "ISO text"), converted("varchar2(21)", "12:00:00+02:00", "ISO text"))),
    Value("interval", "interval", "'1 mon 1 day'", everywhere(exact("interval", "1 mon 1 day"), converted("varchar(99)", "1 mon 1 day", _AS_TEXT), converted("text", "1 mon 1 day", _AS_TEXT), converted("varchar2(99)", "1 mon 1 day", _AS_TEXT))),
    Value("uuid", "uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", everywhere(exact("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), converted("char(36)", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "text"), converted("text", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "text"), converted("varchar2(36)", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "text"))),
    Value("json", "json", """'{"a": 1.10,  "a": 2}'""", everywhere(exact("json", '{"a": 1.10,  "a": 2}'), exact("longtext", '{"a": 1.10,  "a": 2}'), exact("text", '{"a": 1.10,  "a": 2}'), exact("json", '{"a": 1.10,  "a": 2}'))),
    Value("array", "integer[]", "'{1,NULL}'", everywhere(exact("integer[]", "{1,NULL}"), converted("text", "{1,NULL}", _AS_TEXT), converted("text", "{1,NULL}", _AS_TEXT), converted("varchar2(99)", "{1,NULL}", _AS_TEXT))),
    Value("range, network and other types", "numrange", "'[1.0,2)'", everywhere(exact("numrange", "[1.0,2)"), converted("text", "[1.0,2)", _AS_TEXT), converted("text", "[1.0,2)", _AS_TEXT), converted("varchar2(99)", "[1.0,2)", _AS_TEXT))),
]  # fmt: skip
