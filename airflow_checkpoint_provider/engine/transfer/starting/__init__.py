"""The start of an attempt: the checks, the claim, deletions and the opened source before the first row."""
