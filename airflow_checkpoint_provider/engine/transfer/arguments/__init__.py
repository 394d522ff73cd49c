"""What to transfer and how, checked before anything is opened."""
