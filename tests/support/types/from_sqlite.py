"""Values of SQLite, whose columns take values of any type."""

from __future__ import annotations

from tests.support.types.cells import Value, everywhere, exact, refused

_LARGE = "10485760"
_DIGITS = "123456789012345678901234567890.10"

VALUES = [
    Value("largest integer", "integer", "9223372036854775807", everywhere(*(exact(t, "9223372036854775807") for t in ("bigint", "bigint", "integer")), exact("number(19)", "9223372036854775807"))),
    Value("integer that is too large", "integer", "2147483648", everywhere(refused("integer", "out of range"), refused("integer", "Out of range"), exact("integer", "2147483648"), refused("number(9)", "specified precision"))),
    Value("real", "real", "0.30000000000000004", everywhere(*(exact(t, "0.30000000000000004") for t in ("double precision", "double", "real")), exact("binary_double", "0.30000000000000004"))),
    Value("real, into an integer", "real", "1.5", everywhere(refused("integer", "invalid input"), refused("integer", "would round 1.5"), exact("integer", "1.5"), refused("number(9)", "would be rounded"))),
    Value("Infinity", "real", "9e999", everywhere(exact("double precision", "Infinity"), refused("double", "cannot hold inf"), exact("real", "inf"), exact("binary_double", "inf"))),
    Value("number as text", "text", f"'{_DIGITS}'", everywhere(exact("numeric", _DIGITS), exact("decimal(40, 2)", _DIGITS), exact("text", _DIGITS), exact("number", "123456789012345678901234567890.1"))),
    Value("1 and 0", "boolean", "1", everywhere(exact("boolean", "true"), exact("boolean", "1"), exact("boolean", "1"), exact("boolean", "True"))),
    Value("text with an emoji", "text", "'ä😀'", everywhere(exact("varchar(2)", "ä😀"), exact("varchar(2)", "ä😀"), exact("text", "ä😀"), exact("varchar2(2 char)", "ä😀"))),
    Value("text with a NUL character", "text", "CAST(X'610062' AS text)", everywhere(refused("text", "NUL"), exact("varchar(9)", "a\0b"), exact("text", "a\0b"), exact("varchar2(9)", "a\0b"))),
    Value("text that is not UTF-8", "text", "CAST(X'61EDA080' AS text)", everywhere(*(refused(t, "Could not decode to UTF-8") for t in ("text", "text", "text")), refused("varchar2(9)", "Could not decode to UTF-8"))),
    Value("text of 10 MB", "text", f"replace(hex(zeroblob({_LARGE} / 2)), '0', 'x')", everywhere(exact("text", _LARGE), exact("longtext", _LARGE), exact("text", _LARGE), exact("clob", _LARGE)), read="length(v)"),
    Value("blob", "blob", "X'00FF5C27'", everywhere(exact("bytea", "\\x00ff5c27"), exact("longblob", "00FF5C27"), exact("blob", "X'00FF5C27'"), exact("blob", "00FF5C27")), read="bytes"),
    Value("blob of 10 MB", "blob", f"zeroblob({_LARGE})", everywhere(exact("bytea", _LARGE), refused("longblob", "max_allowed_packet"), exact("blob", _LARGE), exact("blob", _LARGE)), read="length(v)"),
    Value("blob, into text", "blob", "X'FF'", everywhere(refused("text", "is text, and the batch has bytes"), refused("text", "is text, and the batch has bytes"), exact("text", "b'\\xff'"), refused("varchar2(9)", "is bytes; decode them"))),
    Value("day as text", "date", "'2026-02-28'", everywhere(exact("date", "2026-02-28"), exact("date", "2026-02-28"), exact("date", "2026-02-28"), exact("date", "2026-02-28 00:00:00"))),
    Value("day that is none", "date", "'2026-02-30'", everywhere(refused("date", "out of range"), refused("date", "Incorrect date"), exact("date", "2026-02-30"), refused("date", "day is out of range"))),
    Value("time as text", "timestamp", "'2026-03-29 02:30:00.000001'", everywhere(*(exact(t, "2026-03-29 02:30:00.000001") for t in ("timestamp", "datetime(6)", "timestamp")), exact("timestamp", "2026-03-29 02:30:00.000001"))),
    Value("json as text", "json", """'{"a": 1.10}'""", everywhere(exact("json", '{"a": 1.10}'), exact("json", '{"a": 1.10}'), exact("text", '{"a": 1.10}'), exact("json", '{"a": 1.10}'))),
    Value("text of a number, with zeros before it", "text", "'00123'", everywhere(refused("integer", "would read another number"), refused("integer", "read something else"), refused("integer", "would make another text or number"), refused("number(9)", "is not a number"))),
    Value("text of a number, with an exponent", "text", "'1e3'", everywhere(refused("numeric", "would read another number"), refused("decimal(9)", "would read something else"), refused("numeric", "would make another text or number"), refused("number", "is not a number"))),
    Value("text of a number, with blanks", "text", "' 12 '", everywhere(refused("integer", "would read another number"), refused("integer", "read something else"), refused("real", "would make another text or number"), refused("number", "is not a number"))),
    Value("text that looks like a number", "text", "'1.10'", everywhere(exact("text", "1.10"), exact("varchar(9)", "1.10"), refused("string", "would make another text or number"), exact("varchar2(9)", "1.10"))),
    Value("text of a time, into a day", "text", "'2024-05-06 10:11:12'", everywhere(refused("date", "would lose the time"), refused("date", "would lose the time"), exact("date", "2024-05-06 10:11:12"), exact("date", "2024-05-06 10:11:12"))),
    Value("text of a time, into one with a zone", "text", "'2024-05-06 10:11:12'", {"postgres": refused("timestamptz", "the time zone of the session"), "oracle": refused("timestamp with time zone", "has no time zone")}),
    Value("text of digits, into a time of day", "text", "'1112'", everywhere(refused("time", "not known"), refused("time", "not known"), exact("time", "1112"), refused("interval day to second", "is not a number of days"))),
    Value("number, into a time", "integer", "1231120000", everywhere(refused("timestamp", "not known"), refused("datetime", "not known"), exact("timestamp", "1231120000"), refused("date", "is not a time"))),
    Value("number of two digits, into a year", "integer", "24", {"mysql": refused("year", "would read another year")}),
    Value("number, into a list of values", "integer", "1", {"mysql": refused("enum('0', '1', '2')", "for the place of a value")}),
    Value("number, into a set of values", "integer", "1", {"mysql": refused("set('0', '1', '2')", "for a sum of places")}),
    Value("text in other letters, into a list of values", "text", "'X'", {"mysql": refused("enum('x')", "has no value 'X'")}),
    Value("text in another order, into a set of values", "text", "'b,a'", {"mysql": refused("set('a', 'b')", "in another way")}),
    Value("text of a digit, into bits", "text", "'5'", {"postgres": refused("bit(1)", "not known"), "mysql": refused("bit(12)", "not known")}),
    Value("text with a blank at its end, into char", "text", "'ab '", everywhere(refused("char(5)", "blanks stand at the end"), refused("char(5)", "blanks at the end"), exact("char(5)", "ab "), refused("char(5)", "blanks at the end"))),
    Value("blanks that are too many", "text", "'ab   '", {"postgres": refused("varchar(3)", "would lose blanks"), "mysql": refused("varchar(3)", "would lose blanks"), "sqlite": exact("varchar(3)", "ab   ")}),
    Value("double, into single precision", "real", "0.1234567890123", everywhere(refused("real", "would round"), refused("float", "would round"), exact("real", "0.1234567890123"), refused("binary_float", "would be rounded"))),
    Value("double, into fewer digits", "real", "1.005", everywhere(refused("numeric(5, 2)", "would round"), refused("decimal(5, 2)", "would round"), exact("numeric(5, 2)", "1.005"), refused("number(5, 2)", "would be rounded"))),
    Value("double, into text", "real", "0.30000000000000004", everywhere(exact("text", "0.30000000000000004"), exact("text", "0.30000000000000004"), exact("text", "0.30000000000000004"), exact("varchar2(20)", "0.30000000000000004"))),
    Value("integer of more than 53 bits, into a double", "integer", "9007199254740993", everywhere(refused("double precision", "would round"), refused("double", "would round"), refused("real", "would round"), refused("binary_double", "would be rounded"))),
    Value("text, into bytes", "text", "'ab'", everywhere(refused("bytea", "not known"), refused("varbinary(9)", "not known"), exact("blob", "'ab'"), refused("raw(9)", "is not bytes")), read="bytes"),
    Value("blob, into bytes of a fixed length", "blob", "X'FF'", {"mysql": refused("binary(3)", "with zeros")}),
    Value("json with a name twice", "text", """'{"a": 1, "a": 2}'""", {"postgres": refused("jsonb", "twice")}),
]  # fmt: skip
