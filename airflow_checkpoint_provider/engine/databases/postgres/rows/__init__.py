"""How rows leave Postgres: packed by the server, as lines and tuples, or as values."""
