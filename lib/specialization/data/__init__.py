"""Vintages of the data: where they come from, one form for all, the code that makes them."""
