"""The checkpoints of the pages, and the clears of their task instances."""
