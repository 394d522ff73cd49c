"""What runs, as the declaration of a group."""
