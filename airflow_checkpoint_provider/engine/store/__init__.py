"""The metadata tables: a checkpoint, its history, its rejected rows."""
