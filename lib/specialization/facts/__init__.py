"""Three empirical facts: the trade-off, its dynamics, its persistence."""
