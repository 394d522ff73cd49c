"""What the dictionary has for planning, and moments to read as of."""
