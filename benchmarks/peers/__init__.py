"""The peers that the provider is measured against: other ways to do the same work."""
