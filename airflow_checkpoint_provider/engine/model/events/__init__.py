"""Transfer events, which the engine reports to an observer."""
