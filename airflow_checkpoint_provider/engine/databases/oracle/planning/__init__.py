"""Facts of the dictionary for planning, and moments to read as of."""
