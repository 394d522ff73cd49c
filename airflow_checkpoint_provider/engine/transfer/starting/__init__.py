"""The start of an attempt: what is checked, claimed, deleted and opened before the first row."""
