"""One attempt to load a table: from claim to completion."""
