"""Values of SQLite, whose columns take anything."""

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
    Value("blob, into text", "blob", "X'FF'", everywhere(refused("text", "is text, and the batch has bytes"), refused("text", "Incorrect string value"), exact("text", "b'\\xff'"), refused("varchar2(9)", "is bytes; decode them"))),
    Value("day as text", "date", "'2026-02-28'", everywhere(exact("date", "2026-02-28"), exact("date", "2026-02-28"), exact("date", "2026-02-28"), exact("date", "2026-02-28 00:00:00"))),
    Value("day that is none", "date", "'2026-02-30'", everywhere(refused("date", "out of range"), refused("date", "Incorrect date"), exact("date", "2026-02-30"), refused("date", "day is out of range"))),
    Value("time as text", "timestamp", "'2026-03-29 02:30:00.000001'", everywhere(*(exact(t, "2026-03-29 02:30:00.000001") for t in ("timestamp", "datetime(6)", "timestamp")), exact("timestamp", "2026-03-29 02:30:00.000001"))),
    Value("json as text", "json", """'{"a": 1.10}'""", everywhere(exact("json", '{"a": 1.10}'), exact("json", '{"a": 1.10}'), exact("text", '{"a": 1.10}'), exact("json", '{"a": 1.10}'))),
]  # fmt: skip
