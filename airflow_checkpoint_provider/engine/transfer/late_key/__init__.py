"""The primary key of a table that a load creates, built after the last row where the load can do without it."""
