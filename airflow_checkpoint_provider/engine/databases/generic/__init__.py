"""A database of which nothing is known but its DB-API driver."""
