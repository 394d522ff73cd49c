"""Text forms of numbers and times; digits are counted without arithmetic, which would round to 28 of them."""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

WHOLE_TEXT = re.compile(r"0|-?[1-9][0-9]*")
"""The text of a whole number, as every database writes it."""
_NUMBER = r"(?!-0(?:\.0+)?{end})-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
NUMBER_TEXT = re.compile(_NUMBER.format(end=r"\Z"))
"""The text of a number, as every database writes it: no blank, sign, zero or exponent to lose."""
_NUMBERS = re.compile(rf"(?:{_NUMBER.format(end=chr(10))}\n)*")
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_DATED = {
    10: (b"0000-00-00",),
    19: (b"0000-00-00 00:00:00", b"0000-00-00T00:00:00"),
    26: (b"0000-00-00 00:00:00.000000", b"0000-00-00T00:00:00.000000"),
}
_ANOTHER_TIME = (b"0000-", b"-00", b" 24:", b"T24:", b":60")


def single_precision(number: float) -> tuple[float, ...]:
    """Return a number in single precision, and the shortest number that is stored alike."""
    try:
        stored = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return (number,)  # out of range: left to the server
    shorter = (float(f"{stored:.{digits}g}") for digits in range(1, 10))
    return stored, next(one for one in shorter if struct.unpack("f", struct.pack("f", one))[0] == stored)


def significant(number: Decimal) -> int:
    """Count the digits between the zeros at its two ends."""
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def places(number: Decimal) -> int:
    """Count the decimal places, without trailing zeros; a negative count is that of zeros before the point."""
    _, digits, exponent = number.as_tuple()
    zeros = next((count for count, digit in enumerate(reversed(digits)) if digit), len(digits))
    return -(int(exponent) + zeros) if any(digits) else 0


def are_number_texts(texts: Sequence[str], digits: int) -> bool:
    """
    Return whether all texts are numbers as :data:`NUMBER_TEXT` has them.

    :param digits: the most characters that each may have
    """
    lines = "\n".join((*texts, ""))
    short = max(map(len, texts), default=0) <= digits and lines.count("\n") == len(texts)
    return short and bool(_NUMBERS.fullmatch(lines))


def are_dated_texts(texts: Sequence[str], lengths: Collection[int]) -> bool:
    """
    Return whether all texts have the form of a day or a time of a day: YYYY-MM-DD, with or without HH:MM:SS.ffffff.

    Servers refuse the others of these that are none, such as the 30th of February; what they would read as another
    time (hour 24, second 60) or as no time (a zero in the place of a year, month or day) is not among them.

    :param lengths: those that a text may have, of 10, 19 and 26
    """
    try:
        lines = "\n".join(texts).encode("ascii")
    except UnicodeEncodeError:
        return False
    return (
        lines.count(b"\n") == len(texts) - 1
        and {form for length in lengths for form in _DATED[length]}.issuperset(
            lines.translate(_DIGITS).split(b"\n")
        )
        and not any(part in lines for part in _ANOTHER_TIME)
    )


def time_text(span: timedelta) -> str:
    """Write a span as a TIME: hours, which may be more than a day's, minutes and seconds."""
    sign, span = ("-", -span) if span < timedelta(0) else ("", span)
    minutes, seconds = divmod(span.days * 86_400 + span.seconds, 60)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{span.microseconds:06}"


def to_moment(value: Any) -> datetime:
    """Convert ISO text or a day into a time."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise ValueError("is not a time")
    return value


_DAYS = re.compile(
    r"(?:(?P<days>-?\d+) days?\s*)?(?:(?P<sign>[-+]?)(?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<f>\d{1,6}))?)?"
)


def to_duration(value: Any) -> timedelta:
    """Convert a timedelta, or Postgres's text of an interval without months."""
    if isinstance(value, timedelta):
        return value
    match = _DAYS.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("is not a number of days and seconds; a month has no fixed length")
    part = match.groupdict()
    within = timedelta(
        hours=int(part["h"] or 0),
        minutes=int(part["m"] or 0),
        seconds=int(part["s"] or 0),
        microseconds=int((part["f"] or "0").ljust(6, "0")),
    )
    return timedelta(days=int(part["days"] or 0)) + (-within if part["sign"] == "-" else within)
