"""What the columns of a destination make of values: kept, converted or refused."""
