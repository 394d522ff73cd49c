"""How a load finds its place again: by key, or by counting."""
