"""The metadata tables: their columns, how they are created, and how they are migrated."""
