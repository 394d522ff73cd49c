"""How a load finds its position again: by key, or by counting rows."""
