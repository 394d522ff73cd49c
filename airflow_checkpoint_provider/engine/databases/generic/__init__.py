"""An unknown database, of which only the DB-API driver is known."""
