"""The end of an attempt: what has become of the table meanwhile."""
