"""The ways to do the same work that the provider is measured against."""
