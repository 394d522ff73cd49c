"""How fast the provider is, as ratios against other ways to do the same work, measured in one run."""
