"""What Postgres knows about a load before its first row."""
