"""The digits of a number that matter: found without arithmetic, which would round to 28 of them."""

from __future__ import annotations

from decimal import Decimal


def significant(number: Decimal) -> int:
    """Count the digits between the zeros at its two ends."""
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def places(number: Decimal) -> int:
    """Count the digits behind the point, without zeros at the end; a negative count is that of zeros before it."""
    _, digits, exponent = number.as_tuple()
    zeros = next((count for count, digit in enumerate(reversed(digits)) if digit), len(digits))
    return -(int(exponent) + zeros) if any(digits) else 0
