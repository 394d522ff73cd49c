"""Names, queries and bind parameters of a statement."""
