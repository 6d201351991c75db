"""Vintages of the data: where they come from, one form for all, the code that makes them."""

from .download import fetch
from .schema import VINTAGES, Panel
from .topcode import pareto_tail, replace_topcodes
from .vintages import available, load

__all__ = ["VINTAGES", "Panel", "load", "available", "fetch", "pareto_tail", "replace_topcodes"]
